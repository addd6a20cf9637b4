"""Deadlines on a real Postgres: the store ends as memory does, in few round trips, whoever is at it at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.route import main
from services.route.domain.state import Handover
from shared.database import CORE_MIGRATIONS, Pool
from shared.stage import Record
from tests.integration.route import passes, reads
from tests.integration.stores import migrated
from tests.unit.route.builders import NOON, Desk, commanded, in_time, owners, record, routing, scored, two_free_owners

STANDING = "SELECT lead_id, handover_id FROM handover WHERE state = 'offered' ORDER BY lead_id"
TIMERS = "SELECT lead_id, kind, key, part, due_at FROM timer ORDER BY lead_id, kind, key"


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


async def test_a_story_with_deadlines_ends_in_the_store_as_in_memory(pool: Pool) -> None:
    by = in_time(routing())
    story: list[Record | datetime] = [
        record(scored("ld_jo"), at=at(1)),
        record(scored("ld_old", profile={"country": "FR"}), at=at(2)),
        record(scored("ld_x", profile={"country": "FR"}), at=at(3)),
        commanded("accepted", handover_id="ho_ld_x_1_1", lead_id="ld_x", at=at(20)),
        at(31),  # ld_jo expires
        record(scored("ld_jo", version=2, absorbed=["ld_old"]), at=at(40)),  # after ld_old has expired
        commanded("accepted", handover_id="ho_ld_jo_1_1", at=at(50)),  # too late
        at(200),
        commanded("contacted", handover_id="ho_ld_jo_1_3", at=at(210)),
        at(400),
    ]
    desk = Desk(by)
    for one in story:
        expected = desk.passes(one) if isinstance(one, datetime) else desk.reads(one)
        stored = await (passes(pool, one, by=by) if isinstance(one, datetime) else reads(pool, one, by=by))
        assert stored == expected
    running = [(*key, timer.part, timer.due_at) for key, timer in sorted(desk.timers().items())]
    assert [tuple(row) for row in await pool.fetch(TIMERS)] == running
    rows = await pool.fetch(
        "SELECT handover_id, state, expired, accept_by, contact_by, accept_escalated, contact_escalated, accepted_at, contacted_at "
        "FROM handover ORDER BY handover_id"
    )
    held = sorted((one for one in desk.world.values() if isinstance(one, Handover)), key=lambda one: one.handover_id)
    assert [tuple(row) for row in rows] == [
        (
            one.handover_id,
            one.state,
            one.expired,
            one.accept_by,
            one.contact_by,
            one.accept_escalated,
            one.contact_escalated,
            one.accepted_at,
            one.contacted_at,
        )
        for one in held
    ]
    assert [(row["handover_id"], row["state"]) for row in rows] == [
        ("ho_ld_jo_1_1", "expired"),
        ("ho_ld_jo_1_2", "expired"),
        ("ho_ld_jo_1_3", "contacted"),
        ("ho_ld_old_1_1", "withdrawn"),
        ("ho_ld_x_1_1", "accepted"),
    ]


async def test_many_deadlines_are_one_batch_of_few_round_trips(pool: Pool) -> None:
    by = in_time(two_free_owners())
    trips: list[int] = []
    await reads(pool, *(scored(f"ld_{number}") for number in range(50)), by=by, trips=trips)
    assert trips == [2, 1]
    given = owners(await passes(pool, at(31), by=by, trips=trips))
    assert trips == [2, 1, 2, 1]
    assert Counter(given) == {"ann": 25, "bob": 25}
    assert await passes(pool, at(31), by=by) == []


async def test_numbers_that_pass_on_at_once_stay_fair(pool: Pool) -> None:
    by = in_time(two_free_owners())
    for part in range(4):
        await reads(pool, *(scored(f"ld_{part}_{number}") for number in range(7)), by=by, part=part)
    written = await asyncio.gather(*(passes(pool, at(31), by=by, part=part) for part in range(4)))
    assert sum(len(owners(one)) for one in written) == 28
    levels = [row["given"] for row in await pool.fetch("SELECT given FROM pool_member")]
    assert sum(levels) == 56
    rows = await pool.fetch(STANDING)
    assert len(rows) == len({row["lead_id"] for row in rows}) == 28


async def test_a_merge_beside_a_deadline_leaves_one_that_stands_and_one_clock(pool: Pool) -> None:
    """Two numbers at once: one passes a lead's handover on, the other one merges that lead into its own."""
    by = in_time(two_free_owners())
    for number in range(12):
        survivor, old = f"ld_s{number}", f"ld_o{number}"
        await reads(pool, scored(survivor, stage="MQL"), by=by, part=1)
        await reads(pool, scored(old), by=by, part=0)

        async def merged(survivor: str = survivor, old: str = old, number: int = number) -> None:
            await asyncio.sleep(number * 0.002)
            told = scored(survivor, version=2, stage="MQL", absorbed=[old])
            await reads(pool, record(told, at=at(32), part=1), by=by)

        await asyncio.gather(passes(pool, at(31), by=by), merged())
        await passes(pool, at(31), by=by, part=1)
        (stands,) = await pool.fetch(STANDING)
        assert (stands["lead_id"], stands["handover_id"]) == (survivor, f"ho_{old}_1_2")
        assert {(row["lead_id"], row["part"]) for row in await pool.fetch(TIMERS)} == {(survivor, 1)}
        await pool.execute("TRUNCATE lead, handover, absorbed, timer")


async def test_what_fell_due_comes_before_the_lead_s_next_record_though_the_clock_was_not_looked_at(pool: Pool) -> None:
    by = in_time(two_free_owners())
    await reads(pool, scored(), by=by)
    late: Any = commanded("accepted", at=at(45))
    assert [one.type for one in await reads(pool, late, by=by)] == ["lead.handover.withdrawn", "lead.handover"]
    assert await pool.fetchval("SELECT verdict FROM outcome_log") == "late"
    assert await passes(pool, at(59), by=by) == []
