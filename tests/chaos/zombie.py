"""A former owner that wakes: an instance is frozen at a named point until its successor has its numbers and changes the same leads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time

import asyncpg
import psutil

from deploy.local import drills
from tests.chaos.plan import BEGINNINGS, Step
from tests.chaos.rig import SESSION_SECONDS, Missed, Rig

_POINT_SECONDS = 12.0  # for the instance to come by its point
_TAKEOVER_SECONDS = SESSION_SECONDS + 14.0  # for the successor to have every number
_WORK_SECONDS = 3.0  # in which the successor changes leads before the sleeper wakes


async def freeze_and_wake(rig: Rig, step: Step, rng: random.Random) -> None:
    """Two instances share the numbers; the first stops at `step.point`; the second takes over and works; then the first wakes."""
    sleeper, successor = f"{step.to}-0", f"{step.to}-1"
    async with rig.busy[step.to]:
        await asyncio.to_thread(drills.scale, rig.layout, step.to, 2)
        await asyncio.sleep(1)
        pid = await _frozen(rig, sleeper, step.point)
        try:
            if pid is None:
                raise Missed(f"{sleeper} did not come by {step.point} in {_POINT_SECONDS:.0f} s")
            await _taken_over(rig, step.to, successor)
            await asyncio.sleep(_WORK_SECONDS)
        finally:
            (rig.orders / sleeper).unlink(missing_ok=True)
            if pid is not None:
                rig.book.note("woken", member=sleeper, point=step.point)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(4)
            await asyncio.to_thread(drills.scale, rig.layout, step.to, 1)
    rig.book.note("fault", name="zombie: SIGSTOP past the session time-out")


async def _frozen(rig: Rig, member: str, point: str) -> int | None:
    fresh = rig.orders / f".{member}"
    fresh.write_text(f"stop {point}:1")
    fresh.replace(rig.orders / member)
    if point in BEGINNINGS:
        pid = (await rig.pids()).get(member)
        if pid is not None:
            os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + _POINT_SECONDS
    while time.monotonic() < deadline:
        pid = (await rig.pids()).get(member)
        with contextlib.suppress(psutil.Error):
            if pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED:
                return pid
        await asyncio.sleep(0.1)
    return None


async def _taken_over(rig: Rig, service: str, successor: str) -> None:
    """Returns when every number of the service's main stage is the successor's."""
    deadline = time.monotonic() + _TAKEOVER_SECONDS
    while True:
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError):
            rows = await rig.fetch(service, "SELECT DISTINCT owner FROM cursor WHERE stage = $1", service)
            if {row["owner"] for row in rows} == {successor}:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{successor} has not taken over all numbers in {_TAKEOVER_SECONDS:.0f} s")
        await asyncio.sleep(0.3)
