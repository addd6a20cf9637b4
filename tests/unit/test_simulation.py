"""Thousands of small worlds in which the delivery core dies, freezes and loses its answers: each must come to the same rest."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

import msgspec
import pytest

from shared.reader import Reader
from shared.runner.loop import COMMIT_AGAIN_SECONDS
from shared.stage import Place
from shared.topology import DEAD
from tests.simulation import invariants, schedule, seam
from tests.simulation.loop import OUTSIDE, VirtualLoop
from tests.simulation.memory import MemoryStore
from tests.simulation.stage import READS, REFUSED, SUMS
from tests.simulation.world import World

SCHEDULES = 10_000
ID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    with seam.simulated(made):
        yield made
    made.close()


def _explore(loop: VirtualLoop, seeds: range | tuple[int, ...]) -> None:
    for seed in seeds:
        verdict = schedule.run(seed, loop, MemoryStore(loop))
        assert not verdict.violations, f"{verdict}\nreplay: python -m tests.simulation {seed}"


def test_a_seed_gives_the_same_schedule_again(loop: VirtualLoop) -> None:
    first = schedule.run(7, loop, MemoryStore(loop), traced=True)
    again = schedule.run(7, loop, MemoryStore(loop), traced=True)
    assert first.trace == again.trace
    assert len(first.trace) > 50


def _world(loop: VirtualLoop, *events: dict[str, object]) -> World:
    """One number with these events, and nothing that fails."""
    world = World(loop, random.Random(1), MemoryStore(loop), partitions=1, traced=False)
    world.restart_after = -1.0
    for event in events:
        world.broker.append((READS.name, 0), [(b"k", msgspec.json.encode({"event_id": ID, "key": "k", **event}), ())])
    return world


def _run(world: World, story: Coroutine[Any, Any, None]) -> None:
    try:
        world.loop.run_until_complete(world.loop.create_task(story, context=OUTSIDE))
    finally:
        schedule.clean_up(world)


def test_a_timer_that_the_store_refuses_dies_once_and_does_not_ring_for_ever(loop: VirtualLoop) -> None:
    world = _world(loop, {"n": REFUSED, "ring_in_ms": 10})

    async def story() -> None:
        world.start("m0")
        await asyncio.sleep(10)
        assert len(world.broker.log((DEAD.name, 0))) == 1

    _run(world, story())


@pytest.mark.parametrize("fate", ["unanswered", "lost"])
def test_a_timer_rings_once_whichever_answer_of_the_store_is_lost(loop: VirtualLoop, fate: str) -> None:
    for nth in range(40):
        world = _world(loop, {"n": 1, "ring_in_ms": 10})
        fates = iter([None] * nth + [fate])
        world.store_fate = lambda fates=fates: next(fates, None)  # type: ignore[method-assign, misc]

        async def story(world: World = world) -> None:
            world.start("m0")
            await asyncio.sleep(8)
            assert invariants.violations(world.broker, await world.store.content(), 1) == []

        _run(world, story())


def test_a_topic_that_was_made_anew_stops_the_stage_instead_of_skipping_its_records(loop: VirtualLoop) -> None:
    world = _world(loop, {"n": 1}, {"n": 2})

    async def story() -> None:
        first = world.start("m0")
        await asyncio.sleep(3)
        world.kill(first)
        world.broker.log((READS.name, 0)).clear()
        world.start("m1")
        await asyncio.sleep(10)

    _run(world, story())
    assert len(world.trouble) == 1
    assert "leads rebuild" in world.trouble[0]


def test_at_rest_kafka_is_told_what_is_read_only_now_and_then(
    loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _world(loop, {"n": 1})
    told: list[Any] = []
    commit = Reader.commit

    async def noted(self: Reader, offsets: Mapping[Place, int]) -> bool:
        told.append(dict(offsets))
        return await commit(self, offsets)

    monkeypatch.setattr(Reader, "commit", noted)

    async def story() -> None:
        world.start("m0")
        await asyncio.sleep(10)
        so_far = len(told)
        assert told[-1][READS.name, 0] == 1
        await asyncio.sleep(COMMIT_AGAIN_SECONDS * 2)
        assert 1 <= len(told) - so_far <= 2  # in case somebody moved the group's offsets
        world.broker.append(
            (READS.name, 0), [(b"k", msgspec.json.encode({"event_id": ID[:-1] + "2", "key": "k", "n": 1}), ())]
        )
        await asyncio.sleep(2)
        assert told[-1][READS.name, 0] == 2

    _run(world, story())


def test_what_is_told_again_after_a_rebuild_is_told_to_nobody(loop: VirtualLoop) -> None:
    world = _world(loop, {"n": 1}, {"n": 2})

    async def story() -> None:
        first = world.start("m0")
        await asyncio.sleep(5)
        world.kill(first)
        await world.store.restore(({}, {}))
        await asyncio.sleep(10)
        told = len(world.broker.log((SUMS.name, 0)))
        world.start("m1")
        await asyncio.sleep(10)
        assert told == len(world.broker.log((SUMS.name, 0))) == 1

    _run(world, story())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("quarter", range(4))
def test_whatever_dies_and_whenever_each_input_has_its_one_effect(loop: VirtualLoop, quarter: int) -> None:
    each = SCHEDULES // 4
    _explore(loop, range(quarter * each, (quarter + 1) * each))
