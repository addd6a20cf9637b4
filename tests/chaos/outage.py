"""Kafka, Postgres or both away for as long as a step says, capture killed in the middle of the drain that follows, and what it says of itself meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import httpx

from deploy.local import drills
from shared.crash import DRAIN_POINT
from tests.chaos import world
from tests.chaos.plan import Step
from tests.chaos.rig import Missed, Rig

Act = Callable[[Rig, Step, random.Random], Awaitable[None]]

TRUTH_SECONDS = 15.0
_SLICES = 3  # the drain is killed at its third, where it is long enough to have one
_LONG_SECONDS = 60.0
_DRAINED_SECONDS = 300.0
_LEASED_SECONDS = 20.0


async def kafka_away(rig: Rig, step: Step, rng: random.Random) -> None:
    """What comes is accepted into the spool; while it is drained, who drains is killed."""
    async with _away(rig, "kafka", paused=bool(step.to)):
        await _told_of(rig, step.seconds, ready=True)
        deaths = await _order_a_death(rig, step)
    await _drained(rig, deaths, "Kafka away, capture killed in the drain")


async def postgres_within(rig: Rig, step: Step, rng: random.Random) -> None:
    """In the middle of it Postgres goes too: 503. When it is back, the spool takes events again; then comes Kafka."""
    async with _away(rig, "kafka", paused=bool(step.to)):
        await _told_of(rig, step.seconds / 3, ready=True)
        async with _away(rig, "postgres"):
            await _told_of(rig, step.seconds / 3, ready=False)
        await _told_of(rig, step.seconds / 3, ready=True)
        deaths = await _order_a_death(rig, step)
    await _drained(rig, deaths, "Kafka away and Postgres within, capture killed in the drain")


async def both_away(rig: Rig, step: Step, rng: random.Random) -> None:
    """Both at once, and one door is killed meanwhile: it can't open again before Postgres is back."""
    async with _away(rig, "kafka", paused=bool(step.to)):
        async with _away(rig, "postgres"):
            await _told_of(rig, step.seconds, ready=False)
            await asyncio.to_thread(drills.kill, rig.layout, "capture-0")
        await asyncio.sleep(min(5.0, step.seconds / 3))  # the spool takes events
        deaths = await _order_a_death(rig, step)
    await _drained(rig, deaths, "Kafka and Postgres away at once, capture killed in the drain")


@contextlib.asynccontextmanager
async def _away(rig: Rig, program: str, *, paused: bool = False) -> AsyncIterator[None]:
    with rig.book.span(f"away {program}"):
        pid = (await rig.pids())[program]
        if paused:
            os.kill(pid, signal.SIGSTOP)
        else:
            await asyncio.to_thread(drills.stop, rig.layout, program)
        try:
            yield
        finally:
            if paused:
                os.kill(pid, signal.SIGCONT)
                await world.until_answers(rig, program)
            else:
                await asyncio.to_thread(drills.start, rig.layout, program)


async def spooled(rig: Rig) -> int:
    """How many events wait in capture's spool."""
    (row,) = await rig.fetch("capture", "SELECT coalesce(sum(events), 0) AS n FROM spool")
    return int(row["n"])


async def _told_of(rig: Rig, seconds: float, *, ready: bool) -> None:
    """Lets the time pass; within 15 seconds of it every door has to say what it is like."""
    end = time.monotonic() + seconds
    await asyncio.sleep(min(TRUTH_SECONDS, seconds * 0.9))
    for member in rig.members("capture"):
        said = await _says(rig, member)
        if said.get("ready") is not ready or not said.get("degraded"):
            why = f"{member} says ready={said.get('ready')}, degraded={said.get('degraded')}; it is ready={ready}, and degraded"
            rig.book.note("failed", name="what capture says of itself", why=why)
    await asyncio.sleep(max(0.0, end - time.monotonic()))


async def _says(rig: Rig, member: str) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=3, trust_env=False, verify=False) as client:
            said = (await client.get(f"{rig.url(member)}/readyz")).json()
            return said if isinstance(said, dict) else {}
    except (httpx.HTTPError, ValueError):
        return {}


async def _order_a_death(rig: Rig, step: Step) -> int:
    """Who holds a lease of the spool dies between an acknowledgement and the deletion of what it has sent. Says how often somebody
    died there before."""
    holders: list[Any] = []
    deadline = time.monotonic() + _LEASED_SECONDS
    while not holders and time.monotonic() < deadline:
        holders = await rig.fetch(
            "capture",
            "SELECT split_part(holder, '/', 1) AS member FROM spool_lease WHERE expires_at > now() ORDER BY 1",
        )
        await asyncio.sleep(0.2)
    slices = _SLICES if step.seconds >= _LONG_SECONDS and step.name == "kafka-away" else 1
    for row in holders[:1]:
        (rig.orders / row["member"]).write_text(f"crash {DRAIN_POINT}:{slices}")
    return _deaths(rig)


async def _drained(rig: Rig, deaths: int, name: str) -> None:
    """Returns when the spool is empty; somebody has to have died on the way, after so many deaths before."""
    deadline, left = time.monotonic() + _DRAINED_SECONDS, -1
    while left and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        try:
            left = await spooled(rig)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            continue
    _take_orders_back(rig)
    if left:
        raise TimeoutError(f"{left} events are in the spool {_DRAINED_SECONDS:.0f} s after Kafka is back")
    if _deaths(rig) == deaths:
        raise Missed("nothing was drained")
    rig.book.note("fault", name=name)
    await asyncio.sleep(2)


def _take_orders_back(rig: Rig) -> None:
    for member in rig.members("capture"):
        (rig.orders / member).unlink(missing_ok=True)


def _deaths(rig: Rig) -> int:
    hits = rig.orders / "hits"
    return hits.read_text().count(DRAIN_POINT) if hits.exists() else 0


ACTS: Mapping[str, Act] = {
    "kafka-away": kafka_away,
    "kafka-away-and-postgres-within": postgres_within,
    "both-away": both_away,
}
