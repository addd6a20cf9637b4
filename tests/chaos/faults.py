"""Carries out a plan: lanes beside each other, the steps of a lane after another. What processes go through is here; what the broker and
the database go through is in world.py, bad and repeated records in records.py."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka.errors import KafkaError

from deploy.local import drills
from tests.chaos import outage, records, world, zombie
from tests.chaos.plan import BEGINNINGS, Step
from tests.chaos.rig import STAGED, Missed, Rig

_HIT_SECONDS = 15.0  # an armed crash that nobody comes by is taken back
Act = Callable[[Rig, Step, random.Random], Awaitable[None]]


async def carry_out(rig: Rig, steps: Sequence[Step], *, seed: int, seconds: float, tell: Callable[[str], None]) -> None:
    """Returns when the time is over and every lane has finished what it had begun. A step that fails is written down, and the next comes."""
    began = time.monotonic()
    lanes: dict[str, list[Step]] = {}
    for step in steps:
        lanes.setdefault(step.lane, []).append(step)
    async with asyncio.TaskGroup() as all_lanes:
        for name, own in lanes.items():
            all_lanes.create_task(_lane(rig, own, random.Random(f"{name} {seed}"), began, began + seconds, tell))


async def _lane(
    rig: Rig, steps: Sequence[Step], rng: random.Random, began: float, end: float, tell: Callable[[str], None]
) -> None:
    for step in steps:
        await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
        if time.monotonic() > end:
            return
        if step.lane == "world":
            tell(f"{time.monotonic() - began:6.0f} s  {step.name} {step.to} {step.point}".rstrip())
        try:
            await _ACTS[step.name](rig, step, rng)
        except (
            Missed,
            KafkaError,
        ) as why:  # nobody came by, or the broker is away at this moment: the plan has it again
            rig.book.note("missed", name=f"{step.name} {step.to} {step.point}", why=str(why))
        except Exception as error:
            if step.lane == "records" and isinstance(error, TimeoutError):  # the broker is paused
                rig.book.note("missed", name=step.name, why=str(error))
                continue
            rig.book.note("failed", name=f"{step.name} {step.to} {step.point}", why=f"{type(error).__name__}: {error}")
            tell(
                f"        {step.name} {step.to} {step.point} could not be carried out: {type(error).__name__}: {error}"
            )


async def _crash(rig: Rig, step: Step, rng: random.Random) -> None:
    """Orders one instance to die when it comes by a point. What comes by only at a beginning is made to begin."""
    async with rig.busy[step.to]:
        member = rng.choice(rig.members(step.to))
        point, _, count = step.point.partition(":")
        order(rig, member, f"crash {point}:{1 if point in BEGINNINGS else count}")
        if point in BEGINNINGS:
            await kill(rig, member)
        deadline = time.monotonic() + _HIT_SECONDS
        while (rig.orders / member).exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        (rig.orders / member).unlink(missing_ok=True)


async def _kill(rig: Rig, step: Step, rng: random.Random) -> None:
    """SIGKILL of one instance, at whatever it does."""
    if rig.busy[step.to].locked():
        return  # it is being broken already
    async with rig.busy[step.to]:
        await kill(rig, rng.choice(rig.members(step.to)))
    rig.book.note("fault", name=f"SIGKILL {step.to}")


async def kill(rig: Rig, member: str) -> None:
    """SIGKILL; the supervisor starts it again. Capture's doors are watched until they are open again."""
    pid = (await rig.pids()).get(member)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if member.startswith("capture"):
        with rig.book.span(f"away {member}"):
            await asyncio.sleep(0.3)
            deadline = time.monotonic() + 40
            while not await rig.ready(member) and time.monotonic() < deadline:
                await asyncio.sleep(0.2)


async def _rolling(rig: Rig, step: Step, rng: random.Random) -> None:
    """SIGTERM for one instance after another, each waited for: what an update of the whole system does."""
    for service in ("capture", *STAGED, "console"):
        async with rig.busy[service]:
            for member in rig.members(service):
                with rig.book.span(f"away {member}"):
                    await asyncio.to_thread(drills.stop, rig.layout, member)
                    await asyncio.to_thread(drills.start, rig.layout, member)
    rig.book.note("fault", name="rolling SIGTERM")


async def _scale(rig: Rig, step: Step, rng: random.Random) -> None:
    """1 -> 3 -> 1."""
    async with rig.busy[step.to]:
        await asyncio.to_thread(drills.scale, rig.layout, step.to, 3)
        await asyncio.sleep(4)
        await asyncio.to_thread(drills.scale, rig.layout, step.to, 1)
    rig.book.note("fault", name="scale 1 -> 3 -> 1")


def order(rig: Rig, member: str, text: str) -> None:
    """Puts an order for `member` where it looks at each point (shared/crash.py)."""
    fresh = rig.orders / f".{member}"
    fresh.write_text(text)
    fresh.replace(rig.orders / member)


_ACTS: Mapping[str, Act] = {
    "crash": _crash,
    "kill": _kill,
    "rolling-sigterm": _rolling,
    "scale": _scale,
    "zombie": zombie.freeze_and_wake,
    **outage.ACTS,
    **world.ACTS,
    **records.ACTS,
}
