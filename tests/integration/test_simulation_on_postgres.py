"""The same schedules as in the unit tests, two instances each, over a real Postgres: it keeps the promises, and the memory told the truth."""

from __future__ import annotations

import asyncio

import pytest

from shared import database
from tests.core import tally
from tests.simulation import schedule, seam
from tests.simulation.loop import VirtualLoop
from tests.simulation.postgres import PostgresStore

SCHEDULES = 300


async def _migrate(dsn: str) -> None:
    pool = await database.connect(dsn)
    await database.migrate(pool, database.CORE_MIGRATIONS, tally.MIGRATIONS)
    await pool.close()


@pytest.mark.timeout(300)
def test_two_instances_on_a_real_postgres_keep_the_promises_whatever_dies(store: str) -> None:
    asyncio.run(_migrate(store))
    loop = VirtualLoop()
    on_postgres = PostgresStore(loop, store)
    try:
        with seam.simulated(loop):
            for seed in range(SCHEDULES):
                on_postgres.reset()
                verdict = schedule.run(seed, loop, on_postgres, instances=2)
                assert not verdict.violations, f"{verdict}\nreplay: python -m tests.simulation {seed} DSN"
    finally:
        on_postgres.close()
        loop.close()
