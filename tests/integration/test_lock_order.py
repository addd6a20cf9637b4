"""Locks are taken in one order by everybody: many transactions that want the same ones, asked for in any order, never wait in a circle."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from services.enrich import main as enrich
from services.route import main as route
from services.route.store.batch.loading import AROUND
from shared import database, ownership
from shared.database import Pool

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MANY = 40  # of each thing that is locked
AT_ONCE = 4
ROUNDS = 15


async def _open(store: str, *migrations: Path) -> Pool:
    pool = await database.connect(store, max_size=AT_ONCE)
    await database.migrate(pool, database.CORE_MIGRATIONS, *migrations)
    return pool


async def _circles(pool: Pool, lock: Callable[[Any, random.Random], Awaitable[object]]) -> int:
    """How often Postgres had to break a circle of transactions that all lock the same things. Those that waited for one begin at once
    when it commits, which is when their orders would meet."""
    circles = 0

    async def work(seed: int) -> None:
        nonlocal circles
        rng = random.Random(seed)
        for _ in range(ROUNDS):
            try:
                async with pool.acquire() as connection, connection.transaction():
                    await lock(connection, rng)
                    await asyncio.sleep(0.002)
            except asyncpg.DeadlockDetectedError:
                circles += 1
            if circles:
                return

    await asyncio.gather(*(work(seed) for seed in range(AT_ONCE)))
    await pool.close()
    return circles


async def test_enrich_locks_event_ids_in_one_order(store: str) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(MANY)]
    pool = await _open(store, enrich.MIGRATIONS)
    assert not await _circles(pool, lambda tx, rng: tx.fetch("SELECT kept_events($1::uuid[])", rng.sample(ids, MANY)))


async def test_enrich_locks_identifiers_in_one_order(store: str) -> None:
    names = [f"email\x1fp{n}@acme.example" for n in range(MANY)]
    pool = await _open(store, enrich.MIGRATIONS)
    assert not await _circles(pool, lambda tx, rng: tx.fetch("SELECT * FROM people($1)", rng.sample(names, MANY)))


async def test_enrich_locks_leads_in_one_order_under_whichever_identifiers_they_are_known(store: str) -> None:
    pool = await _open(store, enrich.MIGRATIONS)
    for n in _nobodys_order(MANY):
        await pool.execute("INSERT INTO lead VALUES ($1, $2, '', 1, NULL, '')", f"ld_{n:03}", NOW)
    names = [
        [(f"user\x1f{who}\x1f{n}", f"ld_{n:03}") for n in range(MANY)] for who in range(AT_ONCE * ROUNDS)
    ]  # each transaction knows the same leads by other names, so that only the leads meet
    await pool.executemany("INSERT INTO identifier VALUES ($1, $2, '')", [pair for pairs in names for pair in pairs])
    left = iter(names)
    assert not await _circles(
        pool, lambda tx, rng: tx.fetch("SELECT * FROM people($1)", rng.sample([name for name, _ in next(left)], MANY))
    )


async def test_route_locks_handovers_in_one_order(store: str) -> None:
    pool = await _open(store, route.MIGRATIONS)
    for n in _nobodys_order(MANY):
        await pool.execute(
            "INSERT INTO handover VALUES ($1, 0, $2, $2, 1, 1, 'anna', NULL, 'offered', $3, $3, '')",
            f"ho_{n:03}",
            f"ld_{n:03}",
            NOW,
        )
    leads = [f"ld_{n:03}" for n in range(MANY)]
    assert not await _circles(pool, lambda tx, rng: tx.fetchrow(AROUND, rng.sample(leads, MANY), [], [], False))


async def test_those_who_claim_one_number_at_once_come_one_after_the_other(store: str) -> None:
    topics = [f"t{n:03}" for n in range(MANY)]
    pool = await _open(store)
    places = [("s", topic, 0, "", 0) for topic in random.Random(1).sample(topics, MANY)]
    await pool.executemany(
        "INSERT INTO cursor (stage, topic, part, owner, owner_epoch, next_offset) VALUES ($1, $2, $3, $4, $5, 0)",
        places,
    )

    async def claim(tx: Any, rng: random.Random) -> None:
        await ownership.claim(_One(tx), stage="s", part=0, owner="a", begin=dict.fromkeys(topics, 0))  # type: ignore[arg-type]

    assert not await _circles(pool, claim)


class _One:
    """A pool of the one connection whose transaction is open already."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def acquire(self) -> _One:
        return self

    async def __aenter__(self) -> Any:
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None


def _nobodys_order(count: int) -> list[int]:
    """Rows in an order that is nobody's, so that none comes sorted out of its table."""
    return random.Random(7).sample(range(count), count)
