"""Enrich's store for integration tests: one batch as the shell does it, and who is who afterwards. For tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from services.enrich import store
from services.enrich.domain import intake
from services.enrich.domain.decide import decide
from shared import ids
from shared.database import Pool
from shared.outcome import Decision, Outgoing
from shared.stage import Input
from tests.unit.enrich.memory import SECRET, record


def read(said: dict[str, Any], at_ms: int = 1_795_000_000_000) -> Input:
    input_ = intake.decode(record(said, at_ms=at_ms))
    assert isinstance(input_, Input)
    return input_


async def batch(
    pool: Pool, events: Sequence[dict[str, Any]], *, pause: asyncio.Event | None = None, at_ms: int = 1_795_000_000_000
) -> list[Outgoing]:
    """One batch as the shell does it, in one transaction; what it sent. With `pause`, it waits before it commits."""
    return await decided(pool, [read(said, at_ms) for said in events], pause=pause)


async def decided(pool: Pool, given: Sequence[Input], *, pause: asyncio.Event | None = None) -> list[Outgoing]:
    """As `batch`, of inputs that are read already, or were left by a rebuild."""
    inputs = {one.event_id: one for one in given}
    sent: list[Outgoing] = []
    async with pool.acquire() as connection, connection.transaction():
        known = await store.seen(connection, sorted(id_ for id_, one in inputs.items() if one.record is not None))
        fresh = [one for event_id, one in inputs.items() if event_id not in known]
        world = await store.load(connection, fresh, secret=SECRET) if fresh else {}
        changes: dict[Any, Any] = {}
        for one in fresh:
            decision = decide(world, one, secret=SECRET)
            assert isinstance(decision, Decision), decision
            world.update(decision.changes)
            changes.update(decision.changes)
            sent += decision.emit
        if changes:
            await store.save(connection, changes)
        if pause is not None:
            await pause.wait()
    return sent


async def people(pool: Pool) -> set[frozenset[str]]:
    rows = await pool.fetch(
        "SELECT array_agg(event_id::text) AS events FROM activity WHERE lead_id IS NOT NULL GROUP BY lead_id"
    )
    return {frozenset(row["events"]) for row in rows}


def of(*event_ids: str) -> frozenset[str]:
    return frozenset(ids.submission_id("shop", event_id) for event_id in event_ids)
