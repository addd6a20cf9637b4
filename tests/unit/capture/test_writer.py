"""The group commit: who flies together, what becomes of what Kafka does not take, and that nobody is left without an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest

from services.capture import writer as writing
from services.capture.store import Lane
from services.capture.writer import LINGER_SECONDS, Writer
from shared.message import Message

HOT = ("leads.captured.v1", 0)
OTHER = ("leads.captured.v1", 1)


def a_message(event_id: str = "e1", lane: Lane = HOT, size: int = 10) -> Message:
    """An event of a lane."""
    return Message(lane[0], lane[1], b"key", b"x" * size, [], event_id)


class World:
    """Kafka and the spool as the writer sees them, and a journal of what was asked of them."""

    def __init__(self) -> None:
        self.journal: list[tuple[str, dict[Lane, list[str]]]] = []
        self.kafka_refuses: set[Lane] = set()
        self.spool_works = True
        self.spool_is_full = False
        self.held: set[Lane] = set()
        self.slow = 0.0
        self.breaks = False

    async def write(
        self, lanes: Mapping[Lane, Sequence[Message]], *, within_seconds: float, acknowledged: Callable[[Lane], None]
    ) -> None:
        self._note("kafka", lanes)
        await asyncio.sleep(self.slow)
        if self.breaks:
            raise ZeroDivisionError
        for lane in lanes:
            if lane not in self.kafka_refuses:
                acknowledged(lane)

    def holds(self, lane: Lane) -> bool:
        return lane in self.held

    def full(self) -> bool:
        return self.spool_is_full

    async def catch_up(self) -> None:
        return None

    async def keep(self, lanes: Mapping[Lane, Sequence[Message]]) -> bool:
        self._note("spool", lanes)
        self.held |= lanes.keys()
        return self.spool_works

    def _note(self, what: str, lanes: Mapping[Lane, Sequence[Message]]) -> None:
        self.journal.append((what, {lane: [one.event_id for one in messages] for lane, messages in lanes.items()}))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def writer(world: World) -> AsyncIterator[Writer]:
    made = Writer(write=world.write, spool=world, budget_seconds=2)
    running = asyncio.create_task(made.run())
    yield made
    made.close()
    await asyncio.wait_for(running, 1)


async def test_events_that_come_together_fly_together_one_batch_for_each_lane(world: World, writer: Writer) -> None:
    messages = [a_message("a"), a_message("b", OTHER), a_message("c")]
    assert await asyncio.gather(*(writer.put(message) for message in messages)) == [True, True, True]
    assert world.journal == [("kafka", {HOT: ["a", "c"], OTHER: ["b"]})]
    assert (writer.durable_on_kafka, writer.durable_in_spool, writer.refused) == (3, 0, 0)


async def test_what_comes_during_a_flight_takes_the_next_one(world: World, writer: Writer) -> None:
    world.slow = 0.05
    first = writer.put(a_message("a"))
    await asyncio.sleep(LINGER_SECONDS + 0.01)  # it has left
    later = [writer.put(a_message(name)) for name in "bc"]
    assert await asyncio.gather(first, *later) == [True, True, True]
    assert world.journal == [("kafka", {HOT: ["a"]}), ("kafka", {HOT: ["b", "c"]})]


async def test_a_lane_that_kafka_does_not_take_is_spooled_and_the_others_are_not(world: World, writer: Writer) -> None:
    world.kafka_refuses = {HOT}
    assert await writer.durable([a_message("a"), a_message("b", OTHER)])
    assert world.journal == [("kafka", {HOT: ["a"], OTHER: ["b"]}), ("spool", {HOT: ["a"]})]
    assert (writer.durable_on_kafka, writer.durable_in_spool) == (1, 1)


async def test_while_the_spool_holds_a_lane_fresh_events_queue_behind(world: World, writer: Writer) -> None:
    world.held = {HOT}
    assert await writer.durable([a_message("a"), a_message("b", OTHER)])
    assert sorted(world.journal) == [("kafka", {OTHER: ["b"]}), ("spool", {HOT: ["a"]})]


async def test_when_the_spool_is_away_a_held_lane_goes_to_kafka_rather_than_nowhere(
    world: World, writer: Writer
) -> None:
    world.held, world.spool_works = {HOT}, False
    assert await writer.put(a_message("a"))
    assert [what for what, _ in world.journal] == ["spool", "kafka"]


async def test_when_neither_takes_it_the_answer_is_no(world: World, writer: Writer) -> None:
    world.kafka_refuses, world.spool_works = {HOT}, False
    assert not await writer.durable([a_message("a"), a_message("b", OTHER)])
    assert writer.refused == 1


async def test_past_the_operators_bound_the_answer_is_no_at_once(world: World, writer: Writer) -> None:
    world.spool_is_full = True
    assert not await writer.put(a_message())
    assert world.journal == []


async def test_a_flight_that_breaks_answers_no_and_the_next_one_flies(world: World, writer: Writer) -> None:
    world.breaks = True
    assert not await writer.put(a_message("a"))
    world.breaks = False
    assert await writer.put(a_message("b"))


async def test_memory_is_bounded(world: World, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_WAITING_BYTES", 15)
    futures = [writer.put(a_message(name)) for name in "abcd"]
    assert await asyncio.gather(*futures) == [True, True, False, False]


async def test_the_last_flight_lands_before_the_writer_ends(world: World) -> None:
    made = Writer(write=world.write, spool=world, budget_seconds=2)
    running = asyncio.create_task(made.run())
    future = made.put(a_message())
    made.close()
    await asyncio.wait_for(running, 1)
    assert await future


@pytest.mark.parametrize(("before", "at_once"), [(1, True), (30, False)])
async def test_who_waited_for_a_slow_flight_of_few_leaves_as_soon_as_it_has_landed(
    world: World, writer: Writer, before: int, at_once: bool
) -> None:
    world.slow = 1.5 * LINGER_SECONDS
    first = [writer.put(a_message(f"e{number}")) for number in range(before)]
    while not world.journal:
        await asyncio.sleep(0)
    second = writer.put(a_message("next"))
    await first[0]
    for _ in range(5):
        await asyncio.sleep(0)
    assert (len(world.journal) == 2) is at_once
    assert await second
