"""Route over HTTP on a real Postgres: handovers, the queue, and outcomes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.route import api, main
from services.route.domain import intake
from shared import problem
from shared.database import CORE_MIGRATIONS, Pool
from shared.stage import Input
from tests.integration.route import passes, reads
from tests.integration.stores import migrated
from tests.unit.route.builders import (
    NOON,
    activity,
    commanded,
    in_time,
    outcome_record,
    owners,
    record,
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
    app.include_router(api.routes(pool, sent, lambda: in_time(routing())))
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


async def test_a_rejection_gives_a_reason_of_the_document_or_none(http: httpx.AsyncClient, sent: Sent) -> None:
    path = "/v1/handovers/ho_ld_jo_1_1/outcome"
    answer = await http.post(path, json={"outcome": "rejected", "reason": "did not like it"})
    assert answer.status_code == 422
    assert "no-budget" in answer.json()["detail"]
    assert sent.records == []
    for body in ({"reason": "no-budget"}, {}):
        assert (await http.post(path, json={"outcome": "rejected", **body})).status_code == 202
    assert (await http.post(path, json={"outcome": "lost", "reason": "did not like it"})).status_code == 202


async def test_another_reason_that_came_by_topic_counts_and_is_remarked_on(pool: Pool, http: httpx.AsyncClient) -> None:
    await reads(pool, scored(), commanded("rejected", payload={"reason": "did not like it"}))
    (said,) = (await http.get("/v1/handovers/ho_ld_jo_1_1")).json()["outcomes"]
    assert (said["verdict"], said["reason"]) == ("applied", "did not like it")
    assert said["remark"] == "the reason is none of the routing document's reject_reasons"


async def test_system_and_human_delays_are_told_apart(pool: Pool, http: httpx.AsyncClient) -> None:
    by = in_time(routing())
    told = scored(activity=activity(received_at="2026-11-27T11:59:57.500Z"))
    minutes = [NOON + timedelta(minutes=minute) for minute in (20, 90)]
    await reads(pool, record(told, at=NOON), by=by)
    await reads(pool, commanded("accepted", at=minutes[0]), commanded("contacted", at=minutes[1]), by=by)
    found = (await http.get("/v1/handovers/ho_ld_jo_1_1")).json()
    assert found["system_seconds"] == 2.5
    assert found["human_seconds"] == {
        "accepted": {"wall": 1200.0, "working": 1200.0},
        "contacted": {"wall": 5400.0, "working": 5400.0},
    }


async def test_handovers_are_listed_by_owner_and_state_in_pages(pool: Pool, http: httpx.AsyncClient) -> None:
    by = in_time(routing())
    for number in range(5):
        await reads(pool, record(scored(f"ld_{number}"), at=NOON + timedelta(seconds=number)), by=by)
    await passes(pool, NOON + timedelta(minutes=30), by=by)  # the first alone
    expired = (await http.get("/v1/handovers", params={"state": "expired"})).json()["handovers"]
    assert [(one["handover_id"], one["attempt"]) for one in expired] == [("ho_ld_0_1_1", 1)]
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await http.get("/v1/handovers", params={"state": "offered", "after": after, "limit": 2})).json()
        seen += [one["handover_id"] for one in page["handovers"]]
        after = page["next"]
    assert seen == ["ho_ld_0_1_2", *(f"ho_ld_{number}_1_1" for number in (4, 3, 2, 1))]
    owner = expired[0]["owner"]
    mine = (await http.get("/v1/handovers", params={"owner": owner})).json()["handovers"]
    assert {one["owner"] for one in mine} == {owner}
    assert mine[0]["accept_by"]
    assert (await http.get("/v1/handovers", params={"state": "sold"})).status_code == 422


async def test_a_lead_is_assigned_by_a_command(pool: Pool, http: httpx.AsyncClient, sent: Sent) -> None:
    by = in_time(routing())
    await reads(pool, scored("ld_old"), scored("ld_jo", stage="MQL", absorbed=["ld_old"]), by=by)
    answer = await http.post("/v1/leads/ld_old/assign", json={"owner": "desk", "by": "sam", "reason": "knows them"})
    assert answer.status_code == 202
    ((topic, key, value, headers),) = sent.records
    assert (topic, key, headers["ce_type"]) == ("leads.commands.v1", "ld_jo", b"lead.command")
    told, given = await reads(pool, record(value, topic=topic), by=by)
    assert (told.type, owners([given])) == ("lead.handover.withdrawn", ["desk"])
    assert (await http.post("/v1/leads/ld_none/assign", json={"owner": "desk"})).status_code == 404
    wrong = await http.post("/v1/leads/ld_jo/assign", json={"owner": "zoe"})
    assert wrong.status_code == 422
    assert "anna" in wrong.json()["detail"]
