"""The console's store and API on a real Postgres: dead letters are kept once, listed by place, shown whole; the demo's pages are open."""

from __future__ import annotations

import base64
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from services.console import api
from services.console import main as console
from services.console.domain.dead import Kept, Replayed
from services.console.replay import Replayer
from services.console.store import dead as store
from shared import batch, ops, problem
from shared.contracts import Dead, Place
from shared.database import CORE_MIGRATIONS, Pool
from shared.rejects import RejectLimit
from shared.stage import Record
from shared.topology import CAPTURED, ENRICHED
from tests.integration.stores import migrated
from tests.unit.console.builders import NOON, dead, dead_record, record

TOKEN = "the operator's token"
MIGRATIONS = Path(console.__file__).parent / "migrations"


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, MIGRATIONS) as made:
        yield made


@dataclass(slots=True)
class Replays:
    """Stands in for the replayer, and remembers what it was asked for."""

    partitions: int = 4
    asked: list[str] = field(default_factory=list)
    kafka_answers: bool = True

    async def replay(self, letter: Dead) -> str:
        if not self.kafka_answers:
            raise TimeoutError
        self.asked.append(letter.event_id)
        return str(uuid.uuid4())


@pytest.fixture
def replays() -> Replays:
    return Replays()


@pytest.fixture
async def http(pool: Pool, replays: Replays) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    for router in (api.dead_routes(pool, cast(Replayer, replays)), api.demo_routes(pool)):
        app.include_router(router, dependencies=[ops.operator(TOKEN)])
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://console", headers=headers) as client:
        yield client


def letters(count: int) -> list[Dead]:
    """From the oldest to the newest, a minute apart."""
    return [
        dead(place=Place(topic=CAPTURED.name, partition=0, offset=number), at=NOON + timedelta(minutes=number))
        for number in range(count)
    ]


async def keep(pool: Pool, *kept: Dead | Replayed) -> None:
    async with pool.acquire() as tx, tx.transaction():
        await store.save(
            tx, {number: Kept(one, None) if isinstance(one, Dead) else one for number, one in enumerate(kept)}
        )


async def through_the_shell(pool: Pool, records: Sequence[Record]) -> None:
    """One batch as the delivery core writes it, under a claim of number 0."""
    topics = [topic.name for topic in console.STAGE.reads]
    await pool.executemany(
        "INSERT INTO cursor VALUES ('console', $1, 0, 1, 'console-0', 0) ON CONFLICT DO NOTHING", [(t,) for t in topics]
    )
    await batch.write(
        pool,
        console.STAGE,
        batch.decode(console.STAGE, records),
        terms=batch.Terms({0: 1}, 4),
        acknowledged=[],
        rejects=RejectLimit(),
    )


async def test_a_dead_letter_is_kept_whole_and_once(pool: Pool) -> None:
    letter = dead(value=b"\x00\xff", headers=[("odd", b"\xfe"), ("odd", b"")], detail="a detail")
    again = [dead_record(letter, offset=0), dead_record(letter, offset=1)]
    await through_the_shell(pool, again)
    await through_the_shell(pool, [dead_record(letter, offset=2)])
    assert await store.letter(pool, letter.event_id) == (letter, None, None)
    assert await pool.fetchval("SELECT count(*) FROM dead") == 1


async def test_garbage_on_the_topic_of_dead_letters_is_kept_and_makes_no_further_dead_letter(pool: Pool) -> None:
    await through_the_shell(pool, [dead_record(b"garbage"), dead_record(b"\x00" * 1000, offset=1)])
    assert [(one["service"], one["dead"]) for one in await store.counts(pool)] == [("console", 2)]
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_replay_may_be_noted_before_its_dead_letter_is_read(pool: Pool) -> None:
    letter = dead()
    await keep(pool, Replayed(str(uuid.uuid4()), letter.event_id, NOON))
    await keep(pool, letter)
    found = await store.letter(pool, letter.event_id)
    assert found is not None
    assert found[2] == NOON


async def test_ids_that_count_already_are_seen(pool: Pool) -> None:
    letter, note = dead(), Replayed(str(uuid.uuid4()), str(uuid.uuid4()), NOON)
    await keep(pool, letter, note)
    async with pool.acquire() as tx:
        seen = await store.seen(tx, [letter.event_id, note.command_id, str(uuid.uuid4())])
    assert seen == {letter.event_id, note.command_id}


async def test_the_newest_come_first_and_pages_follow_each_other(pool: Pool, http: httpx.AsyncClient) -> None:
    kept = letters(7)
    await keep(pool, *kept)
    found: list[str] = []
    before: str | None = None
    while True:
        query = {"limit": "3"} | ({"before": before} if before else {})
        page = (await http.get("/v1/dead", params=query)).json()
        found += [one["id"] for one in page["dead"]]
        before = page["next"]
        if before is None:
            break
    assert found == [letter.event_id for letter in reversed(kept)]


async def test_dead_letters_are_filtered_and_counted_by_service_topic_and_reason(
    pool: Pool, http: httpx.AsyncClient
) -> None:
    other = dead(service="score", reason="decide-failed", place=Place(topic=ENRICHED.name, partition=0, offset=1))
    first = letters(3)
    await keep(pool, *first, other, Replayed(str(uuid.uuid4()), first[0].event_id, NOON))

    async def found(**query: str) -> set[str]:
        return {one["id"] for one in (await http.get("/v1/dead", params=query)).json()["dead"]}

    assert await found(service="score") == {other.event_id}
    assert await found(reason="undecodable", topic=CAPTURED.name) == {letter.event_id for letter in first}
    assert await found(waiting="true") == {first[1].event_id, first[2].event_id, other.event_id}
    counts = (await http.get("/v1/dead")).json()["counts"]
    assert [(one["service"], one["topic"], one["reason"], one["dead"], one["waiting"]) for one in counts] == [
        ("enrich", CAPTURED.name, "undecodable", 3, 2),
        ("score", ENRICHED.name, "decide-failed", 1, 1),
    ]


async def test_a_list_holds_no_contents(pool: Pool, http: httpx.AsyncClient) -> None:
    await keep(pool, dead(value=b"jo.fields@acme.example"))
    assert "jo.fields" not in (await http.get("/v1/dead")).text


async def test_one_is_shown_with_its_bytes_as_base64(pool: Pool, http: httpx.AsyncClient) -> None:
    letter = dead(value=b"\x00\xff", headers=[("odd", b"\xfe")])
    await keep(pool, letter)
    shown = (await http.get(f"/v1/dead/{letter.event_id}")).json()
    assert base64.b64decode(shown["value"]) == b"\x00\xff"
    assert [(name, base64.b64decode(value)) for name, value in shown["headers"]] == [("odd", b"\xfe")]
    assert shown["not_replayable"] is None


async def test_a_replay_is_sent_and_answered_with_the_command_that_notes_it(
    pool: Pool, http: httpx.AsyncClient, replays: Replays
) -> None:
    letter = dead()
    await keep(pool, letter)
    answer = await http.post(f"/v1/dead/{letter.event_id}/replay")
    assert answer.status_code == 202
    assert answer.json() | {"command_id": ""} == {"command_id": "", "topic": CAPTURED.name, "partition": 1}
    assert replays.asked == [letter.event_id]


async def test_what_can_not_be_replayed_says_why(pool: Pool, http: httpx.AsyncClient, replays: Replays) -> None:
    letter = dead(service="capture", place=Place(topic="http", partition=0, offset=0))
    await keep(pool, letter)
    answer = await http.post(f"/v1/dead/{letter.event_id}/replay")
    assert answer.status_code == 409
    assert "Send the event again, corrected" in answer.json()["detail"]
    assert replays.asked == []


async def test_while_kafka_is_away_a_replay_says_so(pool: Pool, http: httpx.AsyncClient, replays: Replays) -> None:
    letter = dead()
    await keep(pool, letter)
    replays.kafka_answers = False
    answer = await http.post(f"/v1/dead/{letter.event_id}/replay")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/dead/{uuid.UUID(int=0)}", 404),
        ("/v1/dead/no-id", 422),
        ("/v1/dead?before=nonsense", 422),
        ("/v1/dead?before=2026-01-01%20" + str(uuid.UUID(int=0)), 422),
        ("/v1/dead?limit=0", 422),
        ("/v1/dead?service=%00", 422),
    ],
)
async def test_a_wrong_question_gets_a_clear_answer(http: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method_path", ["GET /v1/dead", f"GET /v1/dead/{uuid.UUID(int=0)}", "POST /v1/demo"])
async def test_without_the_operators_token_nothing_is_told(http: httpx.AsyncClient, method_path: str) -> None:
    method, path = method_path.split()
    assert (await http.request(method, path, headers={"Authorization": "Bearer wrong"})).status_code == 401


async def test_the_demos_page_is_open_to_everybody_and_posts_to_capture(http: httpx.AsyncClient) -> None:
    nobody: dict[str, Any] = {"headers": {"Authorization": ""}}
    assert (await http.get("/demo", **nobody)).status_code == 404
    demo = {"write_key": "wk_12345678", "capture": "http://127.0.0.1:8010"}
    assert (await http.post("/v1/demo", json=demo)).status_code == 204
    first, second = [(await http.get("/demo", **nobody)).text for _ in range(2)]
    assert 'formaction="http://127.0.0.1:8010/v1/forms/demo"' in first
    assert 'value="wk_12345678"' in first
    assert first != second  # a message id of its own for each page
    assert (await http.get("/demo/thanks", **nobody)).status_code == 200


@pytest.mark.parametrize("demo", [{"write_key": '"><script>', "capture": "http://x"}, {"capture": "javascript:1"}])
async def test_the_demos_page_takes_a_key_and_an_address_only(http: httpx.AsyncClient, demo: dict[str, str]) -> None:
    assert (await http.post("/v1/demo", json={"write_key": "wk_12345678"} | demo)).status_code == 422


async def test_commands_of_others_leave_no_trace_but_that_they_were_read(pool: Pool) -> None:
    await through_the_shell(pool, [record("leads.commands.v1", b"garbage")])
    assert await pool.fetchval("SELECT count(*) FROM dead") == 0
    assert await pool.fetchval("SELECT count(*) FROM replay") == 0
    assert await pool.fetchval("SELECT next_offset FROM cursor WHERE topic = 'leads.commands.v1'") == 1
