"""Histories of households through enrich's own stage and SQL, two instances at once: the same people and profiles as the reference says."""

from __future__ import annotations

import asyncio

import pytest

from services.enrich.main import MIGRATIONS
from shared import database
from tests.simulation import households, seam
from tests.simulation.loop import VirtualLoop
from tests.simulation.postgres import PostgresStore

HISTORIES = 250


async def _migrate(dsn: str) -> None:
    pool = await database.connect(dsn)
    await database.migrate(pool, database.CORE_MIGRATIONS, MIGRATIONS)
    await pool.close()


@pytest.mark.timeout(300)
def test_two_instances_on_a_real_postgres_know_the_people_that_the_reference_knows(store: str) -> None:
    asyncio.run(_migrate(store))
    loop = VirtualLoop()
    on_postgres = PostgresStore(loop, store, households.TABLES)
    try:
        with seam.simulated(loop):
            for seed in range(HISTORIES):
                on_postgres.reset()
                wrong = households.run(seed, loop, on_postgres)
                assert not wrong, f"seed {seed}: " + "\n".join(wrong)
    finally:
        on_postgres.close()
        loop.close()
