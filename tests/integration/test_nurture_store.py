"""Nurture's tables on a real Postgres: a story there ends as it does in memory, merges and clocks of two numbers meet, audiences miss nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.route import main
from services.route.api import nurture as api
from services.route.domain.decode import decode
from services.route.domain.nurture import recalled
from services.route.domain.nurture.state import Stored
from services.route.settings import SHIPPED_NURTURE
from services.route.store import audiences, batch, recalling
from services.route.store.nurture import unpack
from shared import problem
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
from shared.topology import NURTURE, SCORED
from tests.integration.stores import migrated
from tests.unit.route.builders import ALWAYS, commanded, record, scored
from tests.unit.route.nurture.builders import JO, MONDAY, House


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


async def decides(pool: Pool, *inputs: Input) -> list[Outgoing]:
    """One batch of the route stage, as the delivery core runs it."""
    stage = main.stages(main.routings_in(ALWAYS))[0]
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
        if changes:
            await stage.save(connection, changes)
    return [one for one in written if one.type == "lead.nurture"]


async def reads(pool: Pool, *records: Record) -> list[Outgoing]:
    inputs = [decode(one) for one in records]
    return await decides(pool, *[one for one in inputs if isinstance(one, Input)])


async def passes(pool: Pool, until: datetime, *, part: int = 0) -> list[Outgoing]:
    """Time, in slices as the delivery core takes them."""
    written: list[Outgoing] = []
    while True:
        async with pool.acquire() as connection:
            due = await batch.due(connection, {part: until}, 500)
        if not due:
            return written
        written += await decides(pool, *due)


def told(number: int, *, at: datetime, lead_id: str = "ld_jo", part: int = 0, **given: Any) -> Record:
    return record(scored(lead_id, version=number, **{"profile": JO, **given}), at=at, part=part)


async def test_a_story_in_the_store_ends_as_it_does_in_memory(pool: Pool) -> None:
    house = House(SHIPPED_NURTURE.read_text())
    story: list[Record | datetime] = [
        told(1, at=MONDAY, stage="IQL", segments=["hot"]),
        MONDAY + timedelta(days=3),
        told(2, at=MONDAY + timedelta(days=4), stage="SQL"),
        commanded("rejected", at=MONDAY + timedelta(days=5), payload={"reason": "no-budget"}),
        told(3, at=MONDAY + timedelta(days=6), stage="MQL"),
        commanded(
            kind="suppress", at=MONDAY + timedelta(days=6, hours=1), payload={"channel": "email", "why": "bounce"}
        ),
        MONDAY + timedelta(days=50),
        commanded(kind="unsuppress", at=MONDAY + timedelta(days=51), payload={"channel": "email"}),
        told(4, at=MONDAY + timedelta(days=120), stage="MQL"),
        MONDAY + timedelta(days=200),
    ]
    stored: list[Outgoing] = []
    for one in story:
        if isinstance(one, datetime):
            house.passes(one)
            stored += await passes(pool, one)
        else:
            house.passes(datetime.fromtimestamp(one.timestamp_ms / 1000, MONDAY.tzinfo))
            stored += await passes(pool, datetime.fromtimestamp(one.timestamp_ms / 1000, MONDAY.tzinfo))
            house.reads(one)
            stored += await reads(pool, one)
    assert [one.event_id for one in stored] == [one.event_id for one in house.told]
    assert len(stored) >= 5
    assert unpack(await pool.fetchval("SELECT data FROM nurture")) == house.world[Stored("nurture", "ld_jo")]
    assert await pool.fetchval("SELECT count(*) FROM nurture_step") == len(stored)
    assert await pool.fetchval("SELECT count(*) FROM nurture WHERE due_at IS NOT NULL") == 0
    shown = await audiences.lead(pool, "ld_jo", limit=100)
    assert shown["recycled_because"] == "rejected: no-budget"
    assert [row["audience"] for row in await audiences.audiences(pool)] == ["hot"]


def asked_of(pool: Pool) -> httpx.AsyncClient:
    app = FastAPI()
    problem.install(app)

    async def send(*_: object) -> None:
        raise AssertionError("an export sends nothing")

    app.include_router(api.routes(pool, send))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://route")


async def export(client: httpx.AsyncClient, since: str = "", **more: Any) -> tuple[list[dict[str, str]], str]:
    """Everything that there is since a cursor, as `leads audience export` takes it, and the next cursor."""
    lines: list[dict[str, str]] = []
    while True:
        answer = await client.get("/v1/audiences/hot", params={"since": since, **more})
        assert answer.status_code == 200, answer.text
        lines += [json.loads(line) for line in answer.text.splitlines()]
        before, since = since, answer.headers["Next-Since"]
        if since == before:
            return lines, since


async def test_an_audience_is_told_whole_and_then_by_its_changes(pool: Pool) -> None:
    no_ads = {**JO, "consent": {"ads": {"given": False, "at": "2026-11-30T13:00:00Z"}}}
    await reads(
        pool,
        *(told(1, at=MONDAY, stage="raw", segments=["hot"], lead_id=f"ld_{n}", profile=person(n)) for n in range(7)),
    )
    await reads(pool, told(1, at=MONDAY, stage="raw", segments=["hot"], lead_id="ld_no", profile=no_ads))
    async with asked_of(pool) as client:
        whole, since = await export(client, limit=3)
        assert sorted(line["lead_id"] for line in whole) == [f"ld_{n}" for n in range(7)]
        assert {line["change"] for line in whole} == {"add"}
        assert whole[0]["email_sha256"] == hashlib.sha256(b"p0@acme.example").hexdigest()
        assert whole[0]["phone_sha256"] == hashlib.sha256(b"+49301000").hexdigest()
        assert whole[0]["phone_digits_sha256"] == hashlib.sha256(b"49301000").hexdigest()
        assert await export(client, since) == ([], since)
        # Consent is withdrawn; a segment is left; an address changes; nothing changes.
        await reads(
            pool,
            told(2, at=MONDAY, stage="raw", segments=["hot"], lead_id="ld_0", profile={**person(0), "consent": {}}),
            told(2, at=MONDAY, stage="raw", segments=[], lead_id="ld_1", profile=person(1)),
            told(
                2,
                at=MONDAY,
                stage="raw",
                segments=["hot"],
                lead_id="ld_2",
                profile={**person(2), "email": {"address": "New@acme.example"}},
            ),
            told(2, at=MONDAY, stage="raw", segments=["hot"], lead_id="ld_3", profile=person(3)),
        )
        changes, since = await export(client, since)
        assert sorted((line["change"], line["lead_id"]) for line in changes) == [
            ("add", "ld_2"),
            ("remove", "ld_0"),
            ("remove", "ld_1"),
            ("remove", "ld_2"),
        ]
        # Whose address changed keeps the telephone: it is not taken away.
        (left,) = (line for line in changes if (line["change"], line["lead_id"]) == ("remove", "ld_2"))
        assert "phone_sha256" not in left
        assert (await client.get("/v1/audiences")).json()["audiences"][0]["members"] == 5
        csv = (await client.get("/v1/audiences/hot", params={"format": "csv"})).text.splitlines()
        assert csv[0] == "change,email_sha256,phone_sha256,phone_digits_sha256,lead_id,at"
        assert len(csv) == 6
        assert (await client.get("/v1/audiences/hot", params={"since": "999999999~"})).status_code == 410
        assert (await client.get("/v1/audiences/hot", params={"since": "yesterday"})).status_code == 422


async def test_an_export_misses_nothing_that_was_begun_before_it_and_ended_after(pool: Pool) -> None:
    stage = main.stages(main.routings_in(ALWAYS))[0]
    early, late = (
        decode(told(1, at=MONDAY, stage="raw", segments=["hot"], lead_id=f"ld_{n}", profile=person(n))) for n in (1, 2)
    )
    assert isinstance(early, Input)
    assert isinstance(late, Input)
    async with asked_of(pool) as client, pool.acquire() as slow:
        under_way = slow.transaction()
        await under_way.start()
        world = await stage.load(slow, [early])
        await stage.save(slow, stage.decide(world, early).changes)  # type: ignore[union-attr]
        await decides(pool, late)
        seen, since = await export(client)
        await under_way.commit()
        more, _ = await export(client, since)
    assert sorted(line["lead_id"] for line in (*seen, *more)) == ["ld_1", "ld_2"]


async def test_a_merge_and_the_clock_of_another_number_at_once_send_a_step_once(pool: Pool) -> None:
    for turn in range(8):
        old, new = f"ld_old{turn}", f"ld_new{turn}"
        await reads(
            pool, told(1, at=MONDAY, stage="IQL", lead_id=old, part=1), told(1, at=MONDAY, stage="raw", lead_id=new)
        )
        later = MONDAY + timedelta(days=2, seconds=1)
        clock_, merge = await asyncio.gather(
            passes(pool, later, part=1),
            reads(pool, told(2, at=later, stage="IQL", lead_id=new, absorbed=[old])),
        )
        after = await passes(pool, later + timedelta(days=1))
        ids = [one.event_id for one in (*clock_, *merge, *after)]
        assert len(set(ids)) == 1, ids
        assert unpack(await pool.fetchval("SELECT data FROM nurture WHERE lead_id = $1", old)).merged_into == new
        assert [
            one.step for one in unpack(await pool.fetchval("SELECT data FROM nurture WHERE lead_id = $1", new)).active
        ] == ["wait-for-1"]


def person(number: int) -> dict[str, Any]:
    return {**JO, "email": {"address": f"P{number}@acme.example "}, "phone": {"e164": f"+4930100{number}"}}


async def test_of_its_own_topic_a_rebuild_keeps_the_steps_that_are_whole_and_stumbles_over_no_other(pool: Pool) -> None:
    whole = {
        "event_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2", "lead_id": "ld_jo", "track": "welcome", "step": "guide", "content": "guide",
        "at": "2026-06-15T08:00:00Z", "skipped": "capped", "because": "2 per week",
    }  # fmt: skip
    no_time = {key: value for key, value in whole.items() if key != "at"}
    others = [
        no_time,
        whole | {"at": "2026-06-15T08:00:00"},
        whole | {"event_id": "x"},
        whole | {"because": "\x00"},
        {},
    ]
    headers = {"ce_type": b"lead.nurture"}
    records = [record(json.dumps(one).encode(), topic=NURTURE.name, headers=headers) for one in (*others, whole)]
    records += [record(b"\xff", topic=NURTURE.name, headers=headers), record(b"{}", topic=SCORED.name, headers=headers)]
    async with pool.acquire() as tx, tx.transaction():
        await recalling.restore(tx, 2, records)
    [kept] = await pool.fetch("SELECT * FROM nurture_step")
    assert (str(kept["event_id"]), kept["part"], kept["skipped"]) == (whole["event_id"], 2, "capped")
    assert kept["at"].isoformat() == "2026-06-15T08:00:00+00:00"
    assert [recalled.recollect(one) is not None for one in records] == [False] * 5 + [True, False, False]
