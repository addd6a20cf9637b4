"""A store of enrich that was lost, on a real Postgres: it comes back from its topics, and nothing is told again."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.enrich import main, store
from services.enrich.domain.world import Owed
from shared import batch as shell
from shared import clock, ids, message, ownership, recall
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Outgoing
from shared.rejects import RejectLimit
from shared.stage import Input, Record
from shared.topology import CAPTURED
from tests.integration.enrich import batch, decided, of, people, read
from tests.integration.stores import migrated
from tests.integration.test_enrich_rulings import ADA, BEN, asked
from tests.unit.enrich import reference
from tests.unit.enrich.memory import SECRET, event, record
from tests.unit.enrich.test_rebuild import stories_of


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


async def test_a_lost_store_comes_back_from_its_topics_and_tells_nothing(pool: Pool) -> None:
    for seed in range(8):
        chance = random.Random(seed)
        arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(stories_of(chance))]
        on_topic: list[Record] = []
        for said, at_ms in chance.sample(arrivals, len(arrivals)):
            on_topic += [_as_record(one, at_ms) for one in await batch(pool, [said], at_ms=at_ms)]
        before = await _rows(pool)
        await pool.execute("TRUNCATE lead, identifier, activity, recalled")

        await recall.remember(pool, stage=main.stage(SECRET), part=0, records=on_topic, recollect=True)
        sent = []
        for said, at_ms in chance.sample(arrivals, len(arrivals)):
            sent += await batch(pool, [said], at_ms=at_ms)

        assert sent == []
        assert await _rows(pool) == before
        await pool.execute("TRUNCATE lead, identifier, activity, recalled")


async def test_of_two_records_in_one_batch_of_a_rebuild_the_one_that_counted_counts_again(pool: Pool) -> None:
    first, second = event("e1", email="ada@acme.example"), event("e1", email="ben@acme.example")
    stage, now = main.stage(SECRET), 1_795_000_000_000
    claim = await ownership.claim(pool, stage="enrich", part=0, owner="me", begin={CAPTURED.name: 0})
    on_topic = [_as_record(one, now + 5) for one in await batch(pool, [second], at_ms=now + 5)]
    before = await _rows(pool)
    await pool.execute("TRUNCATE lead, identifier, activity")
    await recall.remember(pool, stage=stage, part=0, records=on_topic, recollect=True)

    decoded = shell.decode(stage, [record(first, at_ms=now + 1), record(second, at_ms=now + 5)])
    terms = shell.Terms({0: claim.epoch}, partitions=4, recalling=frozenset([0]))
    written = await shell.write(pool, stage, decoded, terms=terms, acknowledged=[], rejects=RejectLimit())

    assert [dict(one.messages) for one in written] == [{}, {}]
    assert await _rows(pool) == before


async def test_what_the_topic_does_not_tell_of_waits_and_is_decided_when_the_rebuild_is_over(pool: Pool) -> None:
    chance = random.Random(5)
    for _ in range(6):
        arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(stories_of(chance))]
        on_topic: list[Record] = []
        for said, at_ms in arrivals[: len(arrivals) // 2]:
            on_topic += [_as_record(one, at_ms) for one in await batch(pool, [said], at_ms=at_ms)]
        await pool.execute("TRUNCATE lead, identifier, activity")
        await recall.remember(pool, stage=main.stage(SECRET), part=0, records=on_topic, recollect=True)
        for said, at_ms in chance.sample(arrivals, len(arrivals)):
            await batch(pool, [said], at_ms=at_ms)
        assert await left(pool) == [], "the rebuild is not over"
        await pool.execute("TRUNCATE recalled")

        for input_ in await left(pool):
            await decided(pool, [input_])

        assert await left(pool) == []
        assert await pool.fetchval("SELECT count(*) FROM owed") == 0
        happened = [input_.event for said, at_ms in arrivals if isinstance(input_ := read(said, at_ms), Input)]
        assert await people(pool) == reference.people(happened)
        await pool.execute("TRUNCATE lead, identifier, activity")


async def test_a_store_from_an_older_day_decides_anew_what_later_events_made_of_what_it_holds(pool: Pool) -> None:
    story = [event("e1", user_id="u1"), event("e2", email="ada@acme.example", at=1)]
    story.append(event("e3", email="ada@acme.example", user_id="u1", at=2))
    for at, said in enumerate(story[:2]):
        await batch(pool, [said], at_ms=1_795_000_000_000 + at)
    backup = [await pool.fetch(f"SELECT * FROM {table}") for table in ("lead", "identifier", "activity")]
    told = await batch(pool, [story[2]], at_ms=1_795_000_000_002)
    before = await _rows(pool)
    await pool.execute("TRUNCATE lead, identifier, activity")
    for table, rows in zip(("lead", "identifier", "activity"), backup, strict=True):
        places = ", ".join(f"${number + 1}" for number in range(len(rows[0])))
        await pool.executemany(f"INSERT INTO {table} VALUES ({places})", [tuple(row) for row in rows])
    on_topic = [_as_record(one, 1_795_000_000_002) for one in told]
    await recall.remember(pool, stage=main.stage(SECRET), part=0, records=on_topic)

    again = await batch(pool, [story[2]], at_ms=1_795_000_000_002)

    assert [one.event_id for one in again] == [one.event_id for one in told], (
        "so that the shell drops what is on the topic"
    )
    assert await _rows(pool) == before


async def test_a_merge_that_was_split_later_is_learnt_again_and_told_to_nobody(pool: Pool) -> None:
    arrivals = [(event("a1", email=ADA), 1_795_000_000_000), (event("b1", email=BEN, at=1), 1_795_000_001_000)]
    two = [ids.lead_id(SECRET, f"email\x1f{one}") for one in (ADA, BEN)]
    gone = [{"kind": "email", "value": BEN}]
    rulings = [
        asked("merge", lead_ids=two, at_ms=1_795_000_100_000),
        asked("split", lead_id=two[0], identifiers=gone, at_ms=1_795_000_200_000),
    ]

    await _lost_and_back(pool, arrivals, rulings)

    await batch(pool, [event("b2", email=BEN, at=9)], at_ms=1_795_000_300_000)
    assert await people(pool) == {of("a1"), of("b1", "b2")}


async def test_a_split_that_made_a_new_lead_is_learnt_again_and_told_to_nobody(pool: Pool) -> None:
    arrivals = [
        (event("b1", email=BEN, user_id="u9"), 1_795_000_000_000),
        (event("u1", user_id="u9", at=1), 1_795_000_001_000),
    ]
    gone = [{"kind": "user_id", "property": "shop", "value": "u9"}]
    ben = ids.lead_id(SECRET, f"email\x1f{BEN}")

    await _lost_and_back(pool, arrivals, [asked("split", lead_id=ben, identifiers=gone, at_ms=1_795_000_100_000)])

    # Said a second time that they are one: it was ruled that they are not.
    await batch(pool, [event("b0", email=BEN, user_id="u9", at=-9)], at_ms=1_795_000_300_000)
    assert await people(pool) == {of("b0", "b1"), of("u1")}


async def _lost_and_back(pool: Pool, arrivals: list[tuple[dict[str, Any], int]], rulings: list[Input]) -> None:
    """Events, then rulings; the store is lost and comes back from its topics, rulings first, and tells nothing."""
    on_topic: list[Record] = []
    for said, at_ms in arrivals:
        on_topic += [_as_record(one, at_ms) for one in await batch(pool, [said], at_ms=at_ms)]
    for ruling in rulings:
        on_topic += [_as_record(one, clock.to_ms(ruling.now)) for one in await decided(pool, [ruling])]
    before = await _rows(pool)
    await pool.execute("TRUNCATE lead, identifier, activity, judgement")
    await recall.remember(pool, stage=main.stage(SECRET), part=0, records=on_topic, recollect=True)

    sent = await decided(pool, rulings)
    for said, at_ms in reversed(arrivals):
        sent += await batch(pool, [said], at_ms=at_ms)
    await pool.execute("TRUNCATE recalled")
    sent += await decided(pool, await left(pool))

    assert sent == []
    assert await left(pool) == []
    assert await _rows(pool) == before


async def left(pool: Pool) -> list[Input]:
    """What a rebuild has left to be decided now."""
    async with pool.acquire() as connection, connection.transaction():
        return await store.due(connection, {0: clock.from_ms(1_795_000_000_000)}, 100)


def _as_record(sent: Outgoing, at_ms: int) -> Record:
    cause = Input("", None, clock.from_ms(at_ms), 0)
    made = message.encode(sent, stage="enrich", cause=cause, part=0)
    assert made is not None
    return Record(made.topic, 0, 0, 0, made.key, made.value, dict(made.headers))


async def _rows(pool: Pool) -> dict[str, Any]:
    """What the store holds; without the mark of a cookie that several people were once seen on, which only makes later looks closer."""
    leads = {row["lead_id"]: store.lead(row) for row in await pool.fetch("SELECT * FROM lead")}
    activities = {str(row["event_id"]): store.activity(row) for row in await pool.fetch("SELECT * FROM activity")}
    identifiers = {
        row["name"]: (row["lead_id"], ties[:3] if isinstance(ties := json.loads(row["ties"]), list) else ties)
        for row in await pool.fetch("SELECT * FROM identifier")
    }
    return {"lead": leads, "activity": activities, "identifier": identifiers}


async def test_a_command_that_a_rebuild_left_waits_for_those_of_before_it_of_other_numbers(pool: Pool) -> None:
    commands: dict[Any, Any] = {}
    for part in (1, 0):
        input_ = asked("merge", lead_ids=["ld_one", "ld_other"], at_ms=1_795_000_000_000 + part)
        commands["owed", input_.event_id] = Owed(part, input_.now, input_.event)
    await pool.execute("TRUNCATE owed")
    async with pool.acquire() as connection, connection.transaction():
        await store.save(connection, commands)

        async def due(*parts: int) -> list[int]:
            now = clock.from_ms(1_795_000_300_000)
            return [one.part for one in await store.due(connection, dict.fromkeys(parts, now), 10)]

        assert await due(1) == []
        assert await due(0) == [0]
        assert await due(1, 0) == [0, 1]
