"""Enrich's store on a real Postgres: what was decided is there, also when two instances decide at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.enrich import main, store
from services.enrich.domain.world import State
from shared import database, ids
from shared.database import CORE_MIGRATIONS, Pool
from tests.integration.enrich import batch, of, people
from tests.integration.stores import migrated
from tests.unit.enrich.memory import SECRET, Memory, event, page


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


async def test_a_lead_is_found_again_by_its_address_in_another_spelling(pool: Pool) -> None:
    await batch(pool, [event("e1", email="jo.doe@gmail.com")])
    sent = await batch(pool, [event("e2", email="JoDoe+news@googlemail.com", at=1)])

    assert await people(pool) == {of("e1", "e2")}
    assert [one.type for one in sent] == ["lead.enriched"]


async def test_an_event_counts_once_however_often_it_comes(pool: Pool) -> None:
    first = await batch(pool, [event("e1", email="jo@acme.example")])
    again = await batch(pool, [event("e1", email="jo@acme.example")])

    assert len(first) == 1
    assert again == []


async def test_the_same_event_under_two_keys_at_the_same_moment_counts_once(pool: Pool) -> None:
    pause = asyncio.Event()
    one = asyncio.create_task(batch(pool, [event("e1", email="jo@acme.example")], pause=pause))
    await asyncio.sleep(0.2)
    two = asyncio.create_task(batch(pool, [event("e1", email="jo@acme.example")]))
    await asyncio.sleep(0.2)
    assert not two.done(), "it must wait for the other to commit"
    pause.set()

    assert len(await one) + len(await two) == 1


async def test_two_instances_that_meet_a_new_person_at_the_same_moment_make_one_lead(pool: Pool) -> None:
    pause = asyncio.Event()
    one = asyncio.create_task(batch(pool, [event("e1", email="jo@acme.example", user_id="u1")], pause=pause))
    await asyncio.sleep(0.2)
    two = asyncio.create_task(batch(pool, [event("e2", user_id="u1", at=1)]))
    await asyncio.sleep(0.2)
    pause.set()
    await asyncio.gather(one, two)

    assert await people(pool) == {of("e1", "e2")}


async def test_an_instance_that_waited_for_a_merge_goes_on_with_the_survivor(pool: Pool) -> None:
    await batch(pool, [event("e1", user_id="u1")], at_ms=1_795_000_000_000)
    await batch(pool, [event("e2", email="jo@acme.example", at=1)], at_ms=1_795_000_001_000)
    pause = asyncio.Event()
    merging = asyncio.create_task(batch(pool, [event("e3", email="jo@acme.example", user_id="u1", at=2)], pause=pause))
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(batch(pool, [event("e4", email="jo@acme.example", at=3)]))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    pause.set()
    merged, after = await asyncio.gather(merging, waiting)

    assert await people(pool) == {of("e1", "e2", "e3", "e4")}
    survivor = ids.lead_id(SECRET, "user\x1fshop\x1fu1")
    assert merged[0].type == "lead.merged"
    assert merged[0].key == ids.lead_id(SECRET, "email\x1fjo@acme.example")
    assert after[0].key == survivor
    versions = [one.data.profile_version for one in [*merged, *after] if one.type == "lead.enriched"]  # type: ignore[union-attr]
    assert versions == sorted(versions)
    assert versions[-1] > versions[0]


async def test_batches_that_cross_each_other_neither_stand_still_nor_lose_anything(pool: Pool) -> None:
    people_ids = [f"p{number}@acme.example" for number in range(20)]
    rounds = [
        [
            event(
                f"{instance}-{number}", email=people_ids[(number * step) % 20], anonymous_id=f"c{number % 5}", at=number
            )
            for number in range(20)
        ]
        for instance, step in enumerate((1, 3, 7, 9))
    ]

    async def patiently(events: Sequence[dict[str, Any]]) -> None:
        for _ in range(50):
            try:
                await batch(pool, events)
                return
            except Exception as error:
                if not database.is_worlds_fault(error):
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError("never got through")

    await asyncio.gather(*(patiently(events) for events in rounds))
    memory = Memory()
    for events in rounds:
        memory.batch(events)
    assert await people(pool) == memory.people()


async def test_a_visitors_history_becomes_the_leads_with_its_own_times_and_ids(pool: Pool) -> None:
    noted = await batch(pool, [page(f"p{number}", "c1", at=number, properties={"n": number}) for number in range(3)])
    sent = await batch(pool, [event("e1", email="jo@acme.example", anonymous_id="c1", at=10)])

    assert [one.type for one in noted] == ["lead.noted"] * 3
    activities: list[Any] = [one.data.activity for one in sent]  # type: ignore[union-attr]
    assert [one.id for one in activities] == [ids.submission_id("shop", id_) for id_ in ("p0", "p1", "p2", "e1")]
    assert [one.occurred_at.minute for one in activities] == [0, 1, 2, 10]
    assert [one.properties for one in activities] == [{"n": 0}, {"n": 1}, {"n": 2}, None]
    assert await people(pool) == {of("p0", "p1", "p2", "e1")}


async def test_of_a_long_history_the_latest_500_are_taken(pool: Pool) -> None:
    await batch(pool, [page(f"p{number}", "c1", at=number / 10) for number in range(510)])
    sent = await batch(pool, [event("e1", email="jo@acme.example", anonymous_id="c1", at=100)])
    late = await batch(pool, [page("late", "c1", at=99)])

    assert len(sent) == 501
    # The late one belongs to the latest 500, so the oldest of them leaves.
    enriched: list[Any] = [one.data.activity for one in late]  # type: ignore[union-attr]
    assert [(one.id, one.withdrawn) for one in enriched] == [
        (ids.submission_id("shop", "p10"), True),
        (ids.submission_id("shop", "late"), None),
    ]


async def test_any_order_and_any_batches_end_in_the_same_rows_as_in_memory(pool: Pool) -> None:
    for seed in range(12):
        await pool.execute("TRUNCATE lead, identifier, activity")
        chance = random.Random(seed)
        story = []
        for number in range(25):
            fields: dict[str, Any] = {"anonymous_id": chance.choice(["c1", "c2", None])}
            fields["email"] = chance.choice(["a@acme.example", "b@acme.example", None])
            fields["user_id"] = chance.choice(["u1", "u2", None, None])
            fields["traits"] = {"phone": chance.choice(["+4930901820", None, None])}
            fields = {key: value for key, value in fields.items() if value is not None}
            if not fields.keys() - {"traits"} and fields["traits"]["phone"] is None:
                continue
            story.append(event(f"e{number}", at=chance.randrange(5) * 60 * 24 * 40, **fields))
        memory = Memory(tick_ms=0)
        chance.shuffle(story)
        while story:
            size = chance.randint(1, 8)
            memory.batch(story[:size])
            await batch(pool, story[:size])
            story = story[size:]
        assert await people(pool) == memory.people()
        assert (
            await pool.fetchval(
                "SELECT count(*) FROM identifier AS i JOIN lead AS l USING (lead_id) WHERE l.absorbed_into IS NOT NULL"
            )
            == 0
        )
        rows = await pool.fetch("SELECT * FROM lead WHERE absorbed_into IS NULL")
        assert {row["lead_id"]: store.lead(row).state for row in rows} == {
            lead.lead_id: _kept(lead.state) for lead in memory.leads.values() if lead.absorbed_into is None
        }


def _kept(state: State) -> State:
    """A state as it comes back from where it was kept."""
    return msgspec.json.decode(msgspec.json.encode(state), type=State)


async def test_control_characters_and_half_characters_never_reach_a_column(pool: Pool) -> None:
    said = event("e\x00vil", email="jo@acme.example", name="con\x00tact", user_id="u\x001", properties={"\x00": "\x00"})
    await batch(pool, [said])

    assert len(await people(pool)) == 1


def test_the_wiring_is_a_stage_without_an_inbox() -> None:
    stage = main.stage(SECRET)

    assert (stage.inbox, stage.seen, stage.same_part) == (False, store.seen, False)
    assert Path(main.MIGRATIONS / "0001_leads.sql").is_file()
    assert isinstance(stage.decide, partial)
