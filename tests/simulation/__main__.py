"""Runs schedules by seed: python -m tests.simulation FIRST [COUNT] [DSN]. One seed alone is told in full.

With the address of a migrated Postgres the schedules run two instances on it.
"""

from __future__ import annotations

import sys
import time

from tests.simulation import seam
from tests.simulation.loop import VirtualLoop
from tests.simulation.memory import MemoryStore
from tests.simulation.postgres import PostgresStore
from tests.simulation.schedule import run


def main(first: int, count: int, dsn: str = "") -> int:
    """How many schedules broke a promise."""
    failed, awaits = 0, 0
    began = time.process_time()
    loop = VirtualLoop()
    on_postgres = PostgresStore(loop, dsn) if dsn else None
    with seam.simulated(loop):
        for seed in range(first, first + count):
            if on_postgres is not None:
                on_postgres.reset()
            verdict = run(
                seed, loop, on_postgres or MemoryStore(loop), traced=count == 1, instances=2 if on_postgres else None
            )
            awaits += verdict.awaits
            if verdict.violations or count == 1:
                print(verdict)
            failed += bool(verdict.violations)
    took = time.process_time() - began
    print(f"{count} schedules, {awaits} awaits, {failed} broke a promise; {took / count * 1000:.2f} ms each")
    if on_postgres is not None:
        on_postgres.close()
    loop.close()
    return failed


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdecimal()]
    sys.exit(bool(main(numbers[0], [*numbers, 1][1], *(one for one in sys.argv[1:] if not one.isdecimal()))))
