"""Nurture's tables on a real Postgres: a story there ends as it does in memory, merges and clocks of two numbers meet, audiences miss nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.route import main
from services.route.domain.decode import decode
from services.route.domain.nurture.state import Stored
from services.route.settings import SHIPPED_NURTURE
from services.route.store import audiences, batch
from services.route.store.nurture import unpack
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
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
    assert await pool.fetchval("SELECT count(*) FROM timer WHERE kind = 'nurture'") == 0
    shown = await audiences.lead(pool, "ld_jo", limit=100)
    assert shown["recycled_because"] == "rejected: no-budget"
    assert [row["audience"] for row in await audiences.audiences(pool)] == ["hot"]
