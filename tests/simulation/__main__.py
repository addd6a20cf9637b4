"""Runs schedules by seed: python -m tests.simulation FIRST [COUNT]. One seed alone is told in full."""

from __future__ import annotations

import sys
import time

from tests.simulation import seam
from tests.simulation.loop import VirtualLoop
from tests.simulation.memory import MemoryStore
from tests.simulation.schedule import run


def main(first: int, count: int) -> int:
    """How many schedules broke a promise."""
    failed, awaits = 0, 0
    began = time.process_time()
    loop = VirtualLoop()
    with seam.simulated(loop):
        for seed in range(first, first + count):
            verdict = run(seed, loop, MemoryStore(loop), traced=count == 1)
            awaits += verdict.awaits
            if verdict.violations or count == 1:
                print(verdict)
            failed += bool(verdict.violations)
    took = time.process_time() - began
    print(f"{count} schedules, {awaits} awaits, {failed} broke a promise; {took / count * 1000:.2f} ms each")
    loop.close()
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
