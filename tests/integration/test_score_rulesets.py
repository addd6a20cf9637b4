"""Rulesets over HTTP on a real Postgres: what is kept, what comes into force, and what is answered to everything that can't be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from services.score import publishing, shadow
from services.score.domain.publications import Rulesets, rulesets
from shared import clock, commands, ops
from shared.documents import record, store
from shared.documents.inforce import MOST_BYTES, version_of
from shared.health import Health
from shared.outcome import Decision
from shared.stage import Input, Record
from tests.integration.score import Store, opened
from tests.unit.score.builders import READY, RULESET, an_activity

PARTITIONS = 4
LIVE = RULESET.strip()
OTHER = LIVE.replace("points: 60", "points: 70")
SQL_FOR_ALL = LIVE.replace("SQL: {enter: 100, leave: 80", "SQL: {enter: 50, leave: 40")


class Desk:
    """Score's API in front of a store, and the numbers that read what it wrote."""

    def __init__(self, score: Store) -> None:
        self.score = score
        self.pool = score.pool
        self.rulesets: Rulesets = rulesets(LIVE)
        self.shadows = shadow.shadows()
        self.written: list[bytes] = []
        self.is_away = False
        self._offset = 0
        app = ops.app("score", Health())
        for router in (
            commands.routes(self.pool),
            publishing.routes(self.pool, self._send, PARTITIONS, self.rulesets, self.shadows),
        ):
            app.include_router(router)
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://score", timeout=30)

    async def _send(self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        assert (topic, key) == ("leads.commands.v1", "*")
        if self.is_away:
            raise TimeoutError
        self.written.append(value)
        await asyncio.sleep(0.2)

    async def read(self, *parts: int) -> None:
        """These numbers read what was written since they did so last."""
        kinds = {one.kind: one for one in (self.rulesets, self.shadows)}
        for value in self.written:
            self._offset += 1
            for part in parts or range(PARTITIONS):
                told = Record("leads.commands.v1", part, self._offset, clock.now_ms(), b"*", value, {})
                input_ = record.decoder(kinds)(told)
                assert isinstance(input_, Input)
                outcome = record.decide({}, input_)
                assert isinstance(outcome, Decision)
                async with self.pool.acquire() as connection, connection.transaction():
                    await store.save(connection, outcome.changes)
        if len(parts) in (0, PARTITIONS):
            self.written.clear()

    async def get(self, path: str) -> Any:
        return (await self.client.get(f"/v1/rulesets{path}")).json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/rulesets{path}", json=body)

    async def published(self, text: str, **more: Any) -> str:
        answered = await self.post("/publish", text=text, **more)
        assert answered.status_code == 202, answered.text
        await self.read()
        said = (await self.client.get(f"/v1/commands/{answered.json()['command_id']}")).json()
        assert said["status"] == "done"
        return str(said["result"])


@pytest.fixture
async def desk(store: str) -> AsyncIterator[Desk]:
    async with opened(store) as score:
        made = Desk(score)
        yield made
        await made.client.aclose()


async def test_versions_are_kept_with_author_note_and_history_and_can_be_compared_and_taken_back(desk: Desk) -> None:
    drafted = await desk.post("", text=OTHER, by="Ada", note="forms count more")
    await desk.read()
    assert drafted.json()["version"] == version_of(OTHER)
    assert (await desk.get("/status"))["in_force"] == [
        {"version": version_of(LIVE), "numbers": [0, 1, 2, 3], "since": None}
    ]
    assert await desk.published(OTHER, by="Bob", note="now") == version_of(OTHER)

    found = (await desk.get(""))["versions"]
    assert [(one["version"], one.get("by"), one.get("note")) for one in found] == [
        (version_of(OTHER), "Ada", "forms count more"),
        (version_of(LIVE), None, None),
    ]
    (once,) = found[0]["published"]
    assert (once["by"], once["note"], once["numbers"]) == ("Bob", "now", 4)
    assert (await desk.get(f"/{version_of(OTHER)}"))["text"] == OTHER
    assert (await desk.get(f"/{version_of(LIVE)}/diff?to={version_of(OTHER)}"))["differences"] == [
        "engagement.rules.contact.points changed: 60 -> 70"
    ]
    back = await desk.post("/rollback", by="Bob")
    await desk.read()
    assert back.json()["version"] == version_of(LIVE)
    status = await desk.get("/status")
    assert ([one["version"] for one in status["in_force"]], status["before"]) == ([version_of(LIVE)], version_of(OTHER))


async def test_a_command_is_done_when_the_last_number_has_it(desk: Desk) -> None:
    answered = await desk.post("/publish", text=OTHER)
    where = f"/v1/commands/{answered.json()['command_id']}"
    await desk.read(0, 1, 2)
    assert (await desk.client.get(where)).json()["status"] == "pending"
    numbers = {one["version"]: one["numbers"] for one in (await desk.get("/status"))["in_force"]}
    assert numbers == {version_of(OTHER): [0, 1, 2], version_of(LIVE): [3]}
    meanwhile = await desk.post("/publish", text=LIVE)
    assert (meanwhile.status_code, meanwhile.json()["type"]) == (409, "urn:leadflow:problem:published-meanwhile")
    await desk.read(3)
    assert (await desk.client.get(where)).json() == {"status": "done", "result": version_of(OTHER), "reason": None}


async def test_of_two_who_publish_at_once_one_is_told_to_look_again(desk: Desk) -> None:
    both = await asyncio.gather(desk.post("/publish", text=OTHER), desk.post("/publish", text=SQL_FOR_ALL))
    assert sorted(one.status_code for one in both) == [202, 409]
    await desk.read()
    late = await desk.post("/publish", text=LIVE, instead_of=version_of(LIVE))
    assert late.status_code == 409
    assert len((await desk.get("/status"))["in_force"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/publish", {"version": "0123456789ab"}, 404, "GET /v1/rulesets lists"),
        ("/publish", {"version": "nonsense"}, 422, "/version"),
        ("/publish", {}, 422, "a text or a version"),
        ("/publish", {"text": LIVE, "version": version_of(LIVE)}, 422, "a text or a version"),
        ("/publish", {"text": "x" * (MOST_BYTES + 1)}, 422, "string too long"),
        ("/publish", {"text": "ä" * (MOST_BYTES - 1)}, 422, "larger than 256 KiB"),
        ("/publish", {"text": LIVE, "options": {"rate": 5}}, 422, "/options/rate"),
        ("/rollback", {}, 409, "lists all versions"),
        ("/rollback", {"version": "0123456789ab"}, 404, "GET /v1/rulesets lists"),
        ("", {"text": "format: 2"}, 422, "`format` must be 1"),
        ("/shadow/publish", {"text": "format: 2"}, 422, "`format` must be 1"),
        ("/preview", {"text": "format: 2"}, 422, "`format` must be 1"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_what_to_do_next(
    desk: Desk, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    answered = await desk.post(path, **body)
    assert (answered.status_code, answered.headers["content-type"]) == (status, "application/problem+json")
    assert says in answered.text
    assert desk.written == []


async def test_all_mistakes_of_a_document_are_told_at_once_with_their_lines(desk: Desk) -> None:
    wrong = LIVE.replace("points: 60", "points: many").replace("cap: 40", "cap: -1")
    errors = (await desk.post("/publish", text=wrong)).json()["errors"]
    assert len(errors) == 3
    assert all(one["pointer"] == "/text" and one["detail"].startswith("line ") for one in errors)


async def test_while_kafka_is_away_nothing_is_published_and_the_answer_says_so(desk: Desk) -> None:
    desk.is_away = True
    answered = await desk.post("/publish", text=OTHER)
    assert (answered.status_code, answered.headers["retry-after"]) == (503, "2")
    desk.is_away = False
    assert await desk.published(OTHER) == version_of(OTHER)


async def test_a_preview_tells_who_would_enter_sql_and_changes_nothing(desk: Desk) -> None:
    for number in range(60):
        await desk.score.tell(an_activity(number), lead_id=f"ld_{number}", profile=READY)
    answered = await desk.post("/preview", text=SQL_FOR_ALL)
    *steps, last = map(msgspec.json.decode, answered.text.splitlines())
    assert [(one["done"], one["of"]) for one in steps] == [(50, 60), (60, 60)]
    found = last["result"]
    assert (found["leads"], found["enter_sql"], found["leave_sql"], found["most_moved"]) == (60, 60, 0, [])
    assert found["stages"] == [{"before": "MQL", "after": "SQL", "leads": 60}]
    assert await desk.pool.fetchval("SELECT count(*) FROM lead WHERE ruled >= 0") == 0


async def test_a_shadow_looks_at_every_lead_again_and_says_how_it_differs_without_telling_anybody(desk: Desk) -> None:
    for number in range(3):
        await desk.score.tell(an_activity(number), lead_id=f"ld_{number}", profile=READY)
    assert (await desk.get("/shadow/status"))["report"] is None
    both = SQL_FOR_ALL.replace("points: 60", "points: 70")
    await desk.post("/shadow/publish", text=both)
    await desk.read()
    for _ in range(2):
        await store.refresh(desk.pool, desk.shadows, parts=range(PARTITIONS))
        await shadow.look_at_all(desk.pool, desk.rulesets, desk.shadows, rest=0)
        report = (await desk.get("/shadow/status"))["report"]
        assert report["stages"] == [{"before": "MQL", "after": "SQL", "leads": 3}]
        assert (report["in_sql"], report["in_sql_live"], report["entered_sql"]) == (3, 0, 3)
        assert report["most_moved"][0] == {
            "lead_id": "ld_0",
            "before": {"total": 97.5, "stage": "MQL"},
            "after": {"total": 107.5, "stage": "SQL"},
        }
    assert (await desk.get("/status"))["in_force"][0]["version"] == version_of(LIVE)
    await desk.post("/shadow/publish", text="")
    await desk.read()
    assert (await desk.get("/shadow/status"))["report"] is None


async def test_progress_counts_the_leads_that_wait_for_their_turn(desk: Desk) -> None:
    for number in range(7):
        await desk.score.tell(an_activity(number), lead_id=f"ld_{number}", profile=READY)
    assert (await desk.get("/status"))["rescore"] is None
    await desk.published(OTHER)
    rescore = (await desk.get("/status"))["rescore"]
    assert (rescore["leads"], rescore["waiting"], rescore["done"]) == (7, 7, 0)
    await desk.score.follow(desk.rulesets)
    for done in (5, 7):
        turn = (await desk.score.due(clock.now() + timedelta(seconds=1)))[:5]
        told = await desk.score.run(turn)
        assert {one["cause"] for one in told} == {"ruleset"}
        assert (await desk.get("/status"))["rescore"]["done"] == done
    assert await desk.score.due(clock.now() + timedelta(seconds=1)) == []
