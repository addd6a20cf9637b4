"""Bursts, double clicks and operators' words on a real Postgres: the same rows as in memory, and the same again after the store was lost."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.enrich import main, store
from services.enrich.domain.world import Command, Human
from shared import clock, message, recall
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Outgoing
from shared.stage import Input, Record
from tests.integration.enrich import batch, decided, people
from tests.integration.stores import migrated
from tests.unit.enrich.memory import MONDAY, SECRET, Memory, event, page, record
from tests.unit.enrich.test_crowds import happened_in, hurries

NOW_MS = 1_795_000_000_000


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


def said_of(event_id: str, human: float, *, minute: int = 0) -> Input:
    asked = Command(str(uuid.uuid4()), MONDAY + timedelta(minutes=minute), None, "kim", Human(event_id, human))
    return Input(asked.command_id, asked, clock.from_ms(NOW_MS), 0, record({}))


async def test_a_burst_in_single_batches_sends_its_first_ones_again(pool: Pool) -> None:
    sent: list[Outgoing] = []
    await batch(pool, [event("e", email="jo@acme.example", anonymous_id="c1", at=-1)])
    for number in range(11):
        sent += await batch(pool, [page(f"p{number}", "c1", at=timedelta(milliseconds=number * 20))])

    told = [(one.data.activity.revision, one.data.activity.human) for one in sent]  # type: ignore[union-attr]
    assert told == [(1, 1.0)] * 9 + [(1, 0.2)] + [(2, 0.2)] * 9 + [(1, 0.2)]


async def test_a_form_sent_twice_counts_once_whichever_comes_first(pool: Pool) -> None:
    for first, second in (("a", "b"), ("d", "c")):
        cookie = {"anonymous_id": f"c{first}", "email": f"{first}@acme.example"}
        later = timedelta(seconds=1)
        one = await batch(pool, [event(first, at=later if first == "d" else 0, **cookie)])
        two = await batch(pool, [event(second, at=0 if first == "d" else later, **cookie)])
        assert [sent.type for sent in one] == ["lead.enriched"]
        kinds = [sent.type for sent in two]
        assert kinds == (["lead.noted"] if first == "a" else ["lead.enriched", "lead.enriched", "lead.noted"])


async def test_an_operators_word_counts_before_and_after_its_activity(pool: Pool) -> None:
    happened = happened_in([event("e1", email="jo@acme.example"), event("e2", email="jo@acme.example", at=5)])
    first, second = happened
    early = await decided(pool, [said_of(second, 0.1)])
    await batch(pool, [event("e1", email="jo@acme.example")])
    sent = await batch(pool, [event("e2", email="jo@acme.example", at=5)])
    late = await decided(pool, [said_of(first, 0.0, minute=2)])
    older = await decided(pool, [said_of(first, 1.0, minute=1)])

    assert (early, older) == ([], [])
    assert [one.data.activity.human for one in sent] == [0.1]  # type: ignore[union-attr]
    assert [(one.data.activity.id, one.data.activity.revision, one.data.activity.human) for one in late] == [  # type: ignore[union-attr]
        (first, 2, 0.0)
    ]


async def test_a_word_about_an_event_that_another_instance_decides_on_waits_for_it(pool: Pool) -> None:
    (event_id,) = happened_in([event("e1", email="jo@acme.example")])
    async with pool.acquire() as connection, connection.transaction():
        await store.seen(connection, [event_id])
        with pytest.raises(asyncpg.LockNotAvailableError):
            await decided(pool, [said_of(event_id, 0.0)])


async def test_the_rows_are_those_of_the_reference_and_a_lost_store_has_them_again(pool: Pool) -> None:
    for seed in range(10):
        chance = random.Random(seed)
        arrivals = [(said, NOW_MS + at) for at, said in enumerate(hurries(chance))]
        words = [
            said_of(chance.choice(list(happened_in([said for said, _ in arrivals]))), 0.0, minute=n) for n in range(2)
        ]
        mixed: list[Any] = chance.sample([*arrivals, *words], len(arrivals) + 2)
        memory = Memory()
        on_topic: list[Record] = []
        for one in mixed:
            if isinstance(one, Input):
                memory.command(one.event)
                on_topic += [_as_record(sent, NOW_MS) for sent in await decided(pool, [one])]
            else:
                memory.arrive([one])
                on_topic += [_as_record(sent, one[1]) for sent in await batch(pool, [one[0]], at_ms=one[1])]
        before = await _rows(pool)
        assert await people(pool) == memory.people()
        assert before[1] == {id_: (kept.shown, kept.ruled, kept.repeat) for id_, kept in memory.activities.items()}
        await pool.execute("TRUNCATE lead, identifier, activity, ruling, owed")
        await recall.remember(pool, stage=main.stage(SECRET), part=0, records=on_topic, recollect=True)

        again: list[Outgoing] = []
        for one in chance.sample(mixed, len(mixed)):
            again += await (decided(pool, [one]) if isinstance(one, Input) else batch(pool, [one[0]], at_ms=one[1]))
        await pool.execute("TRUNCATE recalled")
        async with pool.acquire() as connection, connection.transaction():
            left = await store.due(connection, {0: clock.from_ms(NOW_MS)}, 100)
        for input_ in left:
            again += await decided(pool, [input_])

        assert again == []
        assert await _rows(pool) == before
        await pool.execute("TRUNCATE lead, identifier, activity, ruling, owed")


def _as_record(sent: Outgoing, at_ms: int) -> Record:
    made = message.encode(sent, stage="enrich", cause=Input("", None, clock.from_ms(at_ms), 0), part=0)
    assert made is not None
    return Record(made.topic, 0, 0, 0, made.key, made.value, dict(made.headers))


async def _rows(pool: Pool) -> tuple[Any, ...]:
    leads = {row["lead_id"]: store.lead(row) for row in await pool.fetch("SELECT * FROM lead")}
    kept = {str(row["event_id"]): store.activity(row) for row in await pool.fetch("SELECT * FROM activity")}
    rulings = [tuple(row) for row in await pool.fetch("SELECT * FROM ruling ORDER BY event_id")]
    verdicts = {event_id: (one.shown, one.ruled, one.repeat) for event_id, one in kept.items()}
    return leads, verdicts, {event_id: (one.lead_id, one.revision) for event_id, one in kept.items()}, rulings
