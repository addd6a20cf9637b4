"""Route's store for integration tests: one batch as the shell does it. For tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.routing import Routing
from services.route.store import batch
from shared.database import Pool
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
from tests.unit.route.builders import (
    record,
    routing,
)


class Counting:
    """A transaction that counts its round trips."""

    def __init__(self, tx: Any) -> None:
        self.tx, self.trips = tx, 0

    def __getattr__(self, name: str) -> Any:
        self.trips += name in ("fetch", "fetchrow", "fetchval", "execute", "executemany")
        return getattr(self.tx, name)


async def reads(
    pool: Pool,
    *records: Record | Mapping[str, Any],
    by: Routing | None = None,
    trips: list[int] | None = None,
    part: int = 0,
) -> list[Outgoing]:
    """One batch of records, as the delivery core runs it."""
    inputs = [decode(one if isinstance(one, Record) else record(one, part=part)) for one in records]
    asked = [one for one in inputs if isinstance(one, Input)]
    assert len(asked) == len(inputs)
    return await decided(pool, asked, by=by, trips=trips)


async def passes(
    pool: Pool, until: datetime, *, by: Routing, part: int = 0, trips: list[int] | None = None
) -> list[Outgoing]:
    """The clock of one number goes on: what fell due up to `until`, slice after slice."""
    written: list[Outgoing] = []
    while True:
        async with pool.acquire() as connection, connection.transaction():
            due = await batch.due(connection, {part: until}, 500)
        if not due:
            return written
        written += await decided(pool, due, by=by, trips=trips)


async def decided(
    pool: Pool, inputs: Sequence[Input], *, by: Routing | None = None, trips: list[int] | None = None
) -> list[Outgoing]:
    """One batch, as the delivery core runs it."""
    made = by or routing()
    decide = deciding(lambda *_: made)
    written: list[Outgoing] = []
    async with pool.acquire() as connection, connection.transaction():
        tx: Any = Counting(connection)
        world = await batch.load(tx, inputs)
        loading = tx.trips
        changes: dict[Any, Any] = {}
        for input_ in inputs:
            outcome = decide(world, input_)
            assert isinstance(outcome, Decision), outcome
            world.update(outcome.changes)
            changes.update(outcome.changes)
            written += outcome.emit
        if changes:
            await batch.save(tx, changes)
        if trips is not None:
            trips += [loading, tx.trips - loading]
    return written
