"""One schedule from its seed: which records come, what goes wrong and when, healing, coming to rest, and the verdict."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from shared import ids
from tests.simulation import invariants
from tests.simulation.group import Group
from tests.simulation.loop import OUTSIDE, Stuck, VirtualLoop
from tests.simulation.stage import GROUP, READS, STAGE, WITHOUT_CLOCK
from tests.simulation.world import World

REST_SECONDS = 120.0  # of virtual time, after which a healed world must have come to rest
LATE_SECONDS = 20.0  # what is under way when all instances are gone arrives within this


@dataclass(slots=True)
class Verdict:
    """What one schedule showed. No violations: all promises were kept."""

    seed: int
    violations: list[str]
    events: list[str]
    trace: list[str]
    awaits: int

    def __str__(self) -> str:
        told = [f"seed {self.seed}:", *(f"  VIOLATED {one}" for one in self.violations), "  what happened:"]
        return "\n".join([*told, *(f"    {one}" for one in self.trace or self.events)])


def run(seed: int, loop: VirtualLoop, store: Any, *, traced: bool = False, instances: int | None = None) -> Verdict:
    """Runs one schedule on a loop that the seam has taken hold of. The same seed gives the same schedule (with a store in memory)."""
    rng = random.Random(seed)
    count = instances or rng.choice((1, 1, 1, 2, 2, 3))
    partitions = 1 if count == 1 and rng.random() < 0.6 else 2
    world = World(loop, rng, store, partitions=partitions, traced=traced)
    violations: list[str] = []
    try:
        main = loop.create_task(_main(world, count), context=OUTSIDE)
        violations = loop.run_until_complete(main)
    except Stuck as stuck:
        violations = [str(stuck)]
    finally:
        clean_up(world)
    awaits = sum(one.steps for one in world.instances)
    return Verdict(seed, world.trouble + violations, world.events, world.trace or [], awaits)


async def _main(world: World, count: int) -> list[str]:
    rng, loop = world.rng, world.loop
    restores = rng.random() < 0.08
    world.batches = (1, 2, 3) if restores else rng.choice(((1, 2, 3, 5, 1000), (1, 2), (2,)))
    heal_at = 1.0 + rng.random() * rng.choice((2.0, 8.0, 16.0))
    world.restart_after = rng.choice((0.2, 2.0, 9.0, -1.0))
    world.slow = rng.choice((0.0, 0.0, 0.05, 0.2))
    if rng.random() < 0.25:
        world.produce_faults = rng.choice((0.05, 0.25))
    if rng.random() < 0.25:
        world.store_faults = rng.choice((0.02, 0.1))
    duel = count > 1 and not restores and rng.random() < 0.25
    if duel:
        heal_at = _plan_duel(world, heal_at)
    cut = not duel and not restores and rng.random() < 0.08
    if cut:
        _produce_cut(world)
        world.start("m0", {rng.randint(30, 120): "dies"})
    else:
        _produce_all(world, heal_at, simple=restores, duel=duel)
    for at in range(0 if duel or cut else count):
        faults = {_await(rng): rng.choice(("dies", "dies", "freezes")) for _ in range(rng.choice((0, 1, 1, 2)))}
        loop.outside(0.0 if at == 0 else rng.random() * heal_at / 2, world.start, f"m{at}", faults)
    _plan_events(world, heal_at)
    backup: Any = None
    if restores:
        await asyncio.sleep(heal_at * rng.random())
        backup = await world.store.backup() if rng.random() < 0.7 else None
    await asyncio.sleep(max(0.0, heal_at - loop.virtual))
    return await _heal(world, backup if not restores else (backup or "empty"))


def _plan_duel(world: World, heal_at: float) -> float:
    """One owner is frozen until its successor has its numbers, and wakes just when more comes; often it dies soon after."""
    rng, loop = world.rng, world.loop
    at = rng.randint(20, 110)
    faults = {at: "is overtaken"}
    if rng.random() < 0.7:
        faults[at + rng.randint(3, 40)] = "dies"
    world.restart_after = -1.0
    world.start("m0", faults)
    loop.outside(0.3 + rng.random(), world.start, "m1")
    return max(heal_at, 17.0)


def _produce_cut(world: World) -> None:
    """One batch that Postgres refuses and that is cut, so that one owner leaves several rows in the outbox."""
    world.batches, world.stage = (1000,), WITHOUT_CLOCK
    bad = world.rng.randrange(2, 8)
    for n in range(10):
        event = {"event_id": str(uuid.UUID(int=n + 1)), "key": "k0", "n": 1, "do": "refuse" if n == bad else ""}
        world.to_come += 1
        _produce(world, 0, b"k0", msgspec.json.encode(event))


def _await(rng: random.Random) -> int:
    """Which await of an instance: early ones (joining, claiming) as well as late ones."""
    return 1 + int(rng.random() ** 1.5 * rng.choice((40, 120, 250)))


def _plan_events(world: World, heal_at: float) -> None:
    rng, loop = world.rng, world.loop
    if rng.random() < 0.15:
        loop.outside(rng.random() * heal_at, _broker_goes, world, rng.random() * rng.choice((1, 12)))
    if rng.random() < 0.1:
        loop.outside(rng.random() * heal_at, _store_goes, world, rng.random() * 3)
    if rng.random() < 0.3:
        for _ in range(rng.choice((1, 2, 4))):
            loop.outside(rng.random() * heal_at, _rebalance, world)
    if rng.random() < 0.15:
        loop.outside(rng.random() * heal_at, _reset_offsets, world)
    if rng.random() < 0.15:
        loop.outside(rng.random() * heal_at, _drain_one, world)


def _broker_goes(world: World, seconds: float) -> None:
    world.event(f"the broker is away for {seconds:.1f} s")
    world.broker.away_until = world.loop.virtual + seconds


def _store_goes(world: World, seconds: float) -> None:
    world.event(f"the store is away for {seconds:.1f} s")
    world.store_away_until = world.loop.virtual + seconds


def _group(world: World) -> Group | None:
    return world.broker.groups.get(GROUP)


def _rebalance(world: World) -> None:
    group = _group(world)
    if group is not None and not world.healed:
        world.event("rebalance")
        group.turn()


def _reset_offsets(world: World) -> None:
    group = _group(world)
    if group is not None:
        world.event("the group's offsets are set back")
        group.committed = {place: int(offset * world.rng.random()) for place, offset in group.committed.items()}


def _drain_one(world: World) -> None:
    alive = [one for one in world.instances if not one.dead]
    if alive and not world.healed:
        chosen = world.rng.choice(alive)
        world.drain(chosen)
        world.loop.outside(world.rng.random() * 4, world._restart, chosen.member)


async def _heal(world: World, backup: Any) -> list[str]:
    rng, loop = world.rng, world.loop
    world.healed = True
    world.event("healed")
    for what in world.at_waking:
        what()
    world.at_waking.clear()
    world.broker.away_until = world.store_away_until = 0.0
    if backup is not None:
        for one in world.instances:
            world.kill(one)
        await asyncio.sleep(LATE_SECONDS)
        await world.store.restore(({}, {}) if backup == "empty" else backup)
        world.event("an older store stands" if backup != "empty" else "an empty store stands")
        if rng.random() < 0.7:  # the rebuild is interrupted as well
            world.healed, world.restart_after = False, -1.0
            world.start("rebuilder", {rng.randint(15, 90): "dies"})
            await asyncio.sleep(5.0)
            world.healed = True
    for one in world.instances:
        world.wake(one)
    alive = [one for one in world.instances if not one.dead and one not in world.draining]
    if len(alive) > 1 and rng.random() < 0.5:
        for one in alive[1:]:
            world.event(f"{one.name} dies for good")
            world.kill(one)
    if not alive:
        world.start(rng.choice(("m0", "healer")) if not world.draining else "healer")
    until = loop.virtual + REST_SECONDS
    why, stuck_at = "?", loop.virtual + REST_SECONDS / 2
    while loop.virtual < until and why:
        if why == invariants.RECALL_GOES_ON and loop.virtual > stuck_at:
            # A claimer that was overtaken while it read the tail may leave this behind; the number's next claim must end it.
            stuck_at = until
            world.start("next")
        await asyncio.sleep(0.3)
        why = invariants.unrest(world.broker, await world.store.content(), world.partitions)
        if world.to_come:
            why = "records are still to come"
    for one in world.instances:
        world.kill(one)
    if why:
        return [f"no rest within {REST_SECONDS:.0f} s after healing: {why}"]
    await asyncio.sleep(LATE_SECONDS)
    return invariants.violations(world.broker, await world.store.content(), world.partitions)


def _produce_all(world: World, heal_at: float, *, simple: bool, duel: bool) -> None:
    """Plans the inputs: a few keys, repeats, records that are bad, timers; some before the first instance, some while things fail."""
    rng = world.rng
    keys = [f"k{n}" for n in range(rng.choice((1, 1, 2) if simple else (1, 2, 3)))]
    bad = not simple and rng.random() < 0.25
    rings = not simple and rng.random() < 0.25
    world.stage = STAGE if rings else WITHOUT_CLOCK
    anywhere = not simple and rng.random() < 0.2
    made: list[dict[str, Any]] = []
    for n in range(rng.randint(6, 12) if simple else rng.randint(2, 8)):
        event: dict[str, Any] = {"event_id": str(uuid.UUID(int=n + 1)), "key": rng.choice(keys), "n": rng.randint(1, 9)}
        if bad and rng.random() < 0.3:
            event["do"] = rng.choice(("raise", "reject", "refuse", "garbage"))
        elif rings and rng.random() < 0.4:
            event["ring_in_ms"] = rng.randint(1, 3000)
        made.append(event)
        if rng.random() < 0.2:
            made.append(rng.choice(made))  # a repeat
    at = 0.0
    burst, late = duel or rng.random() < 0.3, False
    for event in made:
        if not burst and rng.random() < 0.5:
            at += rng.random() * heal_at / 3
        part = ids.partition(event["key"].encode(), world.partitions)
        if anywhere:
            part = rng.randrange(world.partitions)  # one event's repeats may meet on two numbers at once
        value = b"\x00{" if event.get("do") == "garbage" else msgspec.json.encode(event)
        arrive = partial(_produce, world, part, event["key"].encode(), value)
        world.to_come += 1
        if late:
            world.at_waking.append(arrive)
        else:
            world.loop.outside(min(at, heal_at), arrive)
        late = late or (duel and rng.random() < 0.4)


def _produce(world: World, part: int, key: bytes, value: bytes) -> None:
    world.to_come -= 1
    world.broker.append((READS.name, part), [(key, value, ())])


def clean_up(world: World) -> None:
    """Ends what the schedule left, so that the next one meets none of it."""
    loop = world.loop
    world.over = True
    for one in world.instances:
        loop.unpark(one)
    pending = [task for task in loop.tasks if not task.done()]
    for task in pending:
        task.cancel()
    if pending:
        loop.run_until_complete(asyncio.wait(pending, timeout=100))
        left = [task for task in pending if not task.done()]
        if left:
            raise RuntimeError(f"the simulation could not end {left}")
    loop.forget()
