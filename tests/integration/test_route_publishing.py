"""A routing document that comes into force, on a real Postgres: what waits is looked at anew, what is left behind is passed on, the queue is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from services.route import main
from services.route.api import queue
from services.route.domain.decode import decode
from services.route.domain.routing import Routing
from shared import problem
from shared.database import CORE_MIGRATIONS, Pool
from shared.documents.inforce import Documents, Publication, version_of
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Stage
from tests.integration.stores import migrated
from tests.unit.route.builders import NOON, handover, owners, record, scored

ANN = """
format: 1
id: ann
owners:
  - {id: ann, name: Ann, email: ann@us.example, timezone: UTC, hours: {sun: "03:00-04:00"}}
  - {id: bob, name: Bob, email: bob@us.example}
rules:
  - {id: de, when: 'profile.country == "DE"', to: {owner: bob}}
  - {id: fr, when: 'profile.country == "FR"', to: {owner: ann}}
"""
CID = """
format: 1
id: cid
owners: [{id: cid, name: Cid, email: cid@us.example}]
rules: [{id: all, when: 'true', to: {owner: cid}}]
"""


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=4) as made:
        yield made


@pytest.fixture
def routings(tmp_path: Path) -> Documents[Routing]:
    file = tmp_path / "routing.yaml"
    file.write_text(ANN)
    return main.routings_in(file)


async def decides(pool: Pool, stage: Stage, *inputs: Input) -> list[Outgoing]:
    """One batch, as the delivery core runs it."""
    written: list[Outgoing] = []
    async with pool.acquire() as connection, connection.transaction():
        world = await stage.load(connection, inputs)
        changes: dict[Any, Any] = {}
        for input_ in inputs:
            outcome = stage.decide(world, input_)
            assert isinstance(outcome, Decision), outcome
            world.update(outcome.changes)
            changes.update(outcome.changes)
            written += outcome.emit
        await stage.save(connection, changes)
    return written


async def ticks(pool: Pool, stage: Stage, *, hours: int) -> list[Outgoing]:
    """What the clock makes due up to so many hours after noon, until nothing is left."""
    assert stage.due is not None
    written: list[Outgoing] = []
    for _ in range(20):
        async with pool.acquire() as connection, connection.transaction():
            due = await stage.due(connection, {0: NOON + timedelta(hours=hours)}, 100)
        if not due:
            return written
        written += await decides(pool, stage, *due)
    raise AssertionError("something falls due for ever")


async def reads(pool: Pool, stage: Stage, lead_id: str, country: str, *, second: int = 0) -> list[Outgoing]:
    input_ = decode(record(scored(lead_id, profile={"country": country}), at=NOON + timedelta(seconds=second)))
    assert isinstance(input_, Input)
    return await decides(pool, stage, input_)


async def test_a_published_document_looks_at_what_waits_and_passes_on_what_is_left_behind(
    pool: Pool, routings: Documents[Routing]
) -> None:
    stage = main.stages(routings)[0]
    assert await ticks(pool, stage, hours=0) == []
    assert owners(await reads(pool, stage, "ld_d", "DE")) == ["bob"]
    assert await reads(pool, stage, "ld_f", "FR") == []
    assert await reads(pool, stage, "ld_i", "IT") == []
    rows = await pool.fetch("SELECT lead_id, reason FROM queue ORDER BY lead_id")
    assert [tuple(row) for row in rows] == [("ld_f", "nobody is free"), ("ld_i", "no routing rule matches")]
    assert await ticks(pool, stage, hours=1) == []

    at = NOON + timedelta(hours=2)
    routings.take_in(0, [Publication(0, 7, at, version_of(CID))], {version_of(CID): CID})
    assert await ticks(pool, stage, hours=1) == []  # not before its moment
    written = await ticks(pool, stage, hours=3)
    given = [handover(one) for one in written if one.type == "lead.handover"]
    assert {(one.handover_id, one.owner.id, one.created_at) for one in given} == {
        ("ho_ld_d_1_2", "cid", at),
        ("ho_ld_f_1_1", "cid", at),
        ("ho_ld_i_1_1", "cid", at),
    }
    assert await pool.fetchval("SELECT count(*) FROM queue") == 0
    assert await pool.fetchval("SELECT version FROM routed") == version_of(CID)
    loads = await pool.fetch("SELECT owner, open FROM owner_load ORDER BY owner")
    assert [tuple(row) for row in loads] == [("bob", 0), ("cid", 3)]


async def test_the_queue_and_what_a_document_would_do_are_told(pool: Pool, routings: Documents[Routing]) -> None:
    stage = main.stages(routings)[0]
    await reads(pool, stage, "ld_d", "DE")
    await reads(pool, stage, "ld_f", "FR", second=1)
    await ticks(pool, stage, hours=1)
    assert REGISTRY.get_sample_value("leadflow_queue_leads", {"reason": "nobody is free"}) == 1
    assert (REGISTRY.get_sample_value("leadflow_queue_oldest_seconds", {"reason": "nobody is free"}) or 0) != 0
    app = FastAPI()
    problem.install(app)
    app.include_router(queue.routes(pool, routings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://route") as client:
        one = (await client.get("/v1/queue/ld_f")).json()
        assert (one["reason"], one["path"][-1]["because"]) == (
            "nobody is free",
            "ann is not at work until 2026-11-29T03:00:00.000Z",
        )
        assert (await client.get("/v1/queue/ld_d")).status_code == 404
        tried = (await client.post("/v1/routes/simulate", json={"text": CID})).json()
        assert [(one["was"], one["would"]) for one in tried["cases"]] == [("bob", "cid"), (None, "cid")]
        assert tried["owners"] == [
            {"owner": "bob", "was": 1, "would": 0},
            {"owner": "cid", "was": 0, "would": 2},
            {"owner": None, "was": 1, "would": 0},
        ]
        same = (await client.post("/v1/routes/simulate", json={})).json()
        assert [(one["was"], one["would"]) for one in same["cases"]] == [("bob", "bob"), (None, "ann")]
        wrong = await client.post("/v1/routes/simulate", json={"text": CID.replace("cid@us.example", "x")})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["detail"].startswith("routing.yaml:4:")
        assert (await client.post("/v1/routes/simulate", json={"version": "0" * 12})).status_code == 404
