"""`python -m tests.chaos.scaling`: each stage from one instance to three and to two under load, with kills between, on a stack of its own. Says
how long each number stood still, and whether anything was lost or doubled; exit code 1 when a promise did not hold."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from deploy.local import drills
from deploy.local import stack as local
from deploy.local.layout import Layout
from tests import stack
from tests.e2e.ledger import Ledger, Verdict, check, publish
from tests.e2e.watched import READS, watching

PAUSE_SECONDS = 3.0
PARTITIONS = 4
_REST_SECONDS = {
    "1 to 3": 5.0,
    "kill the first": 15.0,
    "kill the third": 15.0,
    "3 to 2": 5.0,
}  # so that all that follows is seen


@dataclass(slots=True)
class Drill:
    """What was done and measured: (stage, step, the longest time for which a number stood still)."""

    steps: list[tuple[str, str, float]] = field(default_factory=list)
    seconds: float = 0.0
    busy: float = 0.0  # of all cores, 0 to 1

    def late(self) -> list[tuple[str, str, float]]:
        """The steps that took longer than is promised."""
        return [one for one in self.steps if one[2] >= PAUSE_SECONDS]


async def _drill(home: Layout, per_second: int, tell: Callable[[str], None]) -> tuple[Drill, Ledger, Verdict]:
    described: Any = await asyncio.to_thread(local.describe, home)
    capture = described["services"]["capture"][0]["url"]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {described['token']}"}, timeout=30) as client:
        made = await client.post(f"{capture}/v1/properties", json={"name": "scaling"})
        made.raise_for_status()
    ledger, stop, done = Ledger(), asyncio.Event(), Drill()
    key = made.json()["write_key"]
    psutil.cpu_percent()
    began = time.monotonic()
    load = asyncio.create_task(publish(capture, key, ledger, per_second=per_second, stop=stop, seed=1))
    await asyncio.sleep(10)
    for service in READS:
        await asyncio.to_thread(drills.scale, home, service, 1)
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("1 to 3", lambda one=service: drills.scale(home, one, 3)),  # type: ignore[misc]
            ("kill the first", lambda one=service: drills.kill(home, f"{one}-0")),  # type: ignore[misc]
            ("kill the third", lambda one=service: drills.kill(home, f"{one}-2")),  # type: ignore[misc]
            ("3 to 2", lambda one=service: drills.scale(home, one, 2)),  # type: ignore[misc]
        )
        async with watching(home, service) as watched:
            await asyncio.sleep(2)
            for step, work in steps:
                since = time.monotonic()
                await asyncio.to_thread(work)
                await asyncio.sleep(_REST_SECONDS[step])
                done.steps.append((service, step, watched.pause(since=since)))
                tell(f"{service:7} {step:15} longest pause {done.steps[-1][2]:.1f} s")
    stop.set()
    await load
    done.seconds, done.busy = time.monotonic() - began, psutil.cpu_percent() / 100
    deadline = time.monotonic() + 60
    while (verdict := await check(home.kafka, PARTITIONS, ledger)).lost and time.monotonic() < deadline:
        await asyncio.sleep(1)
    return done, ledger, verdict


def main() -> int:
    """Reads the arguments, runs, tells."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos.scaling", description=__doc__)
    asked.add_argument("--per-second", type=int, default=100, help="posts a second")
    given = asked.parse_args()
    with stack.local() as home:
        done, ledger, verdict = asyncio.run(_drill(home, given.per_second, lambda line: print(line, flush=True)))
    print(
        f"{len(ledger.sent)} events in {done.seconds:.0f} s ({len(ledger.sent) / done.seconds:.0f} a second, machine {done.busy:.0%} busy), "
        f"{verdict.acked} accepted, {len(verdict.lost)} lost, {len(verdict.unexpected)} from nowhere, {verdict.handovers} handovers, "
        f"{len(verdict.doubled)} doubled, {len(verdict.dead)} dead; {len(done.late())} pauses of {PAUSE_SECONDS:.0f} s or more"
    )
    kept = verdict.acked == len(ledger.sent) and not (verdict.lost or verdict.unexpected or verdict.doubled)
    return 0 if kept and not done.late() else 1


if __name__ == "__main__":
    sys.exit(main())
