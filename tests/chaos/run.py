"""One run from an empty stack to a judgement: population, faults, healing, evidence, replay."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from deploy.local import drills
from tests.chaos import checker, evidence, faults, kept, ledger, rig, sales, watch
from tests.chaos.checker import Judgement
from tests.chaos.history import Evidence, Ledger
from tests.chaos.people import Crowd
from tests.chaos.plan import outages, plan
from tests.chaos.population import Population
from tests.chaos.replay import replay
from tests.chaos.rig import STAGED, Rig
from tests.chaos.steady import Steady

_WARM_UP_SECONDS = 8.0
_HEALING_SECONDS = 90.0  # after that it is not slow, it is ill
_SPOOLED_SECONDS = 1200.0  # stages read what has waited for minutes
Tell = Callable[[str], None]
ALL, SPOOL = "all", "spool"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run."""

    ledger: Ledger
    evidence: Evidence
    judgement: Judgement
    seconds: float


def run(
    *,
    minutes: float,
    seed: int,
    home: Path,
    port_base: int | None,
    per_second: float,
    with_replay: bool,
    tell: Tell,
    course: str = ALL,
) -> Run:
    """Runs a stack of its own in `home` and breaks it for so many minutes; in the course `spool` each absence takes so many. The logs,
    the ledger and the stores' files stay there."""
    began = time.monotonic()
    tell("starting a stack of its own")
    with rig.rig(home, port_base) as running:
        if course == SPOOL:
            found = asyncio.run(_spool(running, minutes, per_second, tell))
        else:
            found = asyncio.run(_run(running, minutes, seed, per_second, with_replay, tell))
        said = ledger.read(running.book.path)
    if course == SPOOL:
        said.failed += kept.too_few(said, per_second)
    judge = kept.judge if course == SPOOL else checker.judge
    return Run(said, found, judge(said, found), time.monotonic() - began)


async def _spool(running: Rig, minutes: float, per_second: float, tell: Tell) -> Evidence:
    """Steady posts while Kafka, Postgres and both are away for so many minutes each."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    found = Evidence()
    property_, key = await _property(running)
    doors = [running.url(member) for member in running.members("capture")]
    stop, watching = asyncio.Event(), watch.Watch(running)
    async with asyncio.TaskGroup() as living:
        clients = Steady(doors, key, property_, running.book)
        posting = living.create_task(
            clients.live(f"{random.SystemRandom().getrandbits(24):06x}", per_second=per_second, until=stop)
        )
        looking = living.create_task(watching.look())
        await asyncio.sleep(_WARM_UP_SECONDS)
        found.memory_before = await watch.memory(running)
        tell(f"three absences of {minutes:g} minutes, {per_second:g} posts a second")
        await faults.carry_out(running, outages(minutes), seed=0, seconds=float("inf"), tell=tell)
        stop.set()
        tell("healing")
        await _heal(running)
        healed_at = time.monotonic()
        await asyncio.wait([posting], timeout=_HEALING_SECONDS)
        found.unready, waiting = await _recovered(running, within_seconds=_SPOOLED_SECONDS)
        found.recovery_seconds = time.monotonic() - healed_at
        tell(
            f"all read {found.recovery_seconds:.0f} s after that" if not waiting else f"not well: {'; '.join(waiting)}"
        )
        looking.cancel()
    await _look_back(running, watching, found, tell)
    return found


async def _run(running: Rig, minutes: float, seed: int, per_second: float, with_replay: bool, tell: Tell) -> Evidence:
    # Connections break here while nobody waits for them: nothing to tell.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    found = Evidence()
    property_, key = await _property(running)
    doors = [running.url(member) for member in running.members("capture")]
    crowd = Crowd(seed, f"{random.SystemRandom().getrandbits(24):06x}")
    stop = asyncio.Event()
    watching = watch.Watch(running)
    async with asyncio.TaskGroup() as living:
        living_people = living.create_task(
            Population(doors, key, property_, running.book).live(crowd, per_second=per_second, until=stop)
        )
        selling = living.create_task(sales.sell(running, seed=seed, until=stop))
        looking = living.create_task(watching.look())
        await asyncio.sleep(_WARM_UP_SECONDS)
        found.memory_before = await watch.memory(running)
        tell(f"breaking it for {minutes:g} minutes, seed {seed}")
        await faults.carry_out(running, plan(minutes, seed), seed=seed, seconds=minutes * 60, tell=tell)
        tell("healing")
        await _heal(running)
        healed_at = time.monotonic()
        stop.set()
        found.unready, waiting = await _recovered(running)
        found.recovery_seconds = time.monotonic() - healed_at
        tell(f"well again after {found.recovery_seconds:.1f} s" if not waiting else f"not well: {'; '.join(waiting)}")
        # What clients had in hand when it was broken comes to its end too.
        await asyncio.wait([selling, living_people], timeout=_HEALING_SECONDS)
        await _recovered(running)
        looking.cancel()
    await _look_back(running, watching, found, tell)
    if with_replay:
        tell("replaying the whole log into empty stores")
        await replay(running, found)
    return found


async def _look_back(running: Rig, watching: watch.Watch, found: Evidence, tell: Tell) -> None:
    found.cursor_faults, found.readiness = watching.cursor_faults, watching.readiness
    found.memory_after = await watch.memory(running)
    tell("reading every record of every topic")
    found.records = await evidence.records(running)
    found.stores = await evidence.stores(running)
    found.hits, found.stops = evidence.hits(running.orders)
    found.zombies = watch.zombies(running)


async def _property(running: Rig) -> tuple[str, str]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.post(
            f"{running.url('capture-0')}/v1/properties",
            json={"name": "chaos"},
            headers={"Authorization": f"Bearer {running.facts.token}"},
        )
    answer.raise_for_status()
    said = answer.json()
    await asyncio.sleep(2)  # until the other door knows it too
    return said["property"], said["write_key"]


async def _heal(running: Rig) -> None:
    """No order stands, nothing is frozen or away, one instance of each staged service."""
    for order in running.orders.iterdir():
        if order.name != "hits":
            order.unlink(missing_ok=True)
    for program in ("kafka", "postgres"):
        await asyncio.to_thread(drills.start, running.layout, program)
    for service in STAGED:
        if len(running.members(service)) > 1:
            await asyncio.to_thread(drills.scale, running.layout, service, 1)
        await asyncio.to_thread(drills.start, running.layout, service, wait=False)


async def _recovered(running: Rig, *, within_seconds: float = _HEALING_SECONDS) -> tuple[list[str], list[str]]:
    """Waits until everybody is ready and nothing is on its way; (who is not ready, what is still on its way) when it takes too long."""
    deadline = time.monotonic() + within_seconds
    while True:
        ready = {member: await running.ready(member) for member in running.members()}
        unready, waiting = [member for member, yes in ready.items() if not yes], ["no store answers"]
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, KafkaError):
            waiting = evidence.behind(await evidence.stores(running))
        if (not unready and not waiting) or time.monotonic() > deadline:
            return unready, waiting
        await asyncio.sleep(0.5)
