"""Route over HTTP on a real Postgres: handovers, the queue, and outcomes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.route import api, main
from services.route.domain import intake
from shared import problem
from shared.database import CORE_MIGRATIONS, Pool
from shared.stage import Input
from tests.integration.route import reads
from tests.integration.stores import migrated
from tests.unit.route.builders import (
    commanded,
    outcome_record,
    routing,
    scored,
)


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


class Sent:
    """What the API wrote to Kafka."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, bytes, dict[str, bytes]]] = []
        self.is_away = False

    async def __call__(self, topic: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        if self.is_away:
            raise TimeoutError
        self.records.append((topic, key, value, dict(headers)))


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
async def http(pool: Pool, sent: Sent) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    app.include_router(api.routes(pool, sent))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://route") as client:
        yield client


async def test_the_api_tells_a_lead_s_handovers_with_path_and_outcomes(pool: Pool, http: httpx.AsyncClient) -> None:
    await reads(pool, scored(), commanded("accepted", by="sam"))
    told = (await http.get("/v1/leads/ld_jo/handovers")).json()
    (one,) = told["handovers"]
    assert (one["handover_id"], one["state"], one["owner"]["id"]) == ("ho_ld_jo_1_1", "accepted", "anna")
    assert one["path"][-1]["rule"] == "pool:dach"
    assert [(said["outcome"], said["verdict"], said["by"]) for said in one["outcomes"]] == [
        ("accepted", "applied", "sam")
    ]
    assert (await http.get("/v1/handovers/ho_ld_jo_1_1")).json() == one
    assert (await http.get("/v1/leads/ld_nobody/handovers")).json()["handovers"] == []
    assert (await http.get("/v1/handovers/ho_ld_jo_9_1")).status_code == 404


async def test_the_api_tells_of_merges_and_of_outcomes_that_wait(pool: Pool, http: httpx.AsyncClient) -> None:
    await reads(pool, scored("ld_old"), scored("ld_jo", stage="MQL", absorbed=["ld_old"]), commanded("won"))
    old = (await http.get("/v1/leads/ld_old/handovers")).json()
    assert (old["merged_into"], old["handovers"][0]["lead_id"]) == ("ld_jo", "ld_jo")
    jo = (await http.get("/v1/leads/ld_jo/handovers")).json()
    assert jo["handovers"][0]["opened_for"] == "ld_old"
    assert [one["outcome"] for one in jo["waiting_outcomes"]] == ["won"]


async def test_the_api_pages_through_the_queue(pool: Pool, http: httpx.AsyncClient) -> None:
    strict = "format: 1\nid: x\nowners: [{id: ann, name: A, email: a@us.example}]\n"
    by = routing(strict + "rules: [{id: nope, when: 'false', to: {owner: ann}}]")
    await reads(pool, *(scored(f"ld_{number}") for number in range(5)), by=by)
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await http.get("/v1/queue", params={"after": after, "limit": 2})).json()
        assert page["total"] == 5
        seen += [one["lead_id"] for one in page["leads"]]
        after = page["next"]
    assert seen == [f"ld_{number}" for number in range(5)]
    assert page["leads"][0]["reason"] == "no routing rule matches"
    assert page["leads"][0]["path"] == [{"rule": "nope", "matched": False}]
    assert (await http.get("/v1/queue", params={"after": "x"})).status_code == 422


async def test_an_outcome_by_http_is_written_as_sales_tools_write_it(
    pool: Pool, http: httpx.AsyncClient, sent: Sent
) -> None:
    body = {"outcome": "won", "amount": 10, "currency": "EUR", "occurred_at": "2026-11-27T10:00:00+01:00"}
    answer = await http.post("/v1/handovers/ho_ld_jo_1_1/outcome", json=body)
    assert answer.status_code == 202
    command_id = answer.json()["command_id"]
    ((topic, _, value, headers),) = sent.records
    assert topic == "leads.outcomes.v1"
    said = intake.decode(outcome_record(value, headers=headers))
    assert isinstance(said, Input)
    assert said.event_id == command_id
    assert await pool.fetchval("SELECT status FROM command WHERE command_id = $1", uuid.UUID(command_id)) == "pending"
    assert (await http.post("/v1/handovers/ho_ld_jo_1_1/outcome", json=body)).json()["command_id"] == command_id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outcome": "sold"},
        {"outcome": "won", "amount": -1},
        {"outcome": "won", "currency": "euro"},
        {"outcome": "won", "occurred_at": "2026-11-27T10:00:00"},
        {"outcome": "won", "reason": "r" * 501},
        {"outcome": "won", "reason": "a\x00"},
        {"outcome": "won", "colour": "red"},
    ],
)
async def test_a_wrong_outcome_is_refused(http: httpx.AsyncClient, sent: Sent, body: dict[str, Any]) -> None:
    answer = await http.post("/v1/handovers/ho_ld_jo_1_1/outcome", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert sent.records == []


async def test_an_outcome_is_not_accepted_while_kafka_is_away(http: httpx.AsyncClient, sent: Sent) -> None:
    sent.is_away = True
    answer = await http.post("/v1/handovers/ho_ld_jo_1_1/outcome", json={"outcome": "won"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await http.post("/v1/handovers/jo/outcome", json={"outcome": "won"})).status_code == 404
