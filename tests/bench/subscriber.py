"""The last reader, a process of its own: notes when each post's record is on the scored topic and when its handover is. Prints its CPU."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from tests.bench.marks import ARRIVED, ENTERED_SQL, HANDED_AGAIN, HANDED_OVER, READY, SCORED_AGAIN, Marks


class Watch(Struct, frozen=True, kw_only=True):
    """What to read and where to note it. `wait_ms` is what the broker may hold a record back to gather `gather_bytes`."""

    kafka: str
    scored: str
    handover: str
    partitions: int
    marks: str
    first: int
    capacity: int
    gather_bytes: int = 32 * 1024
    wait_ms: int = 5


class _Numbered(Struct):
    n: int = -1


class _Activity(Struct):
    id: str
    properties: _Numbered = msgspec.field(default_factory=_Numbered)


class _Scored(Struct):
    lead_id: str
    stage: str
    previous_stage: str
    episode: int = 0
    activity: _Activity | None = None


class _Handover(Struct):
    handover_id: str
    lead_id: str
    episode: int


Episode = tuple[str, int]


class Reader:
    """Matches records to posts: by the number that each post carries, and a handover by its lead's episode."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._scored = msgspec.json.Decoder(_Scored).decode
        self._handover = msgspec.json.Decoder(_Handover).decode
        self._opened: dict[Episode, int] = {}  # by which post
        self._early: dict[Episode, int] = {}  # handovers read before the record that opened them
        self._seen: set[str] = set()

    def scored(self, value: bytes, now: int) -> None:
        """A record of the scored topic."""
        event = self._scored(value)
        if event.activity is None:
            return
        marks = self._marks
        row = marks.row(event.activity.properties.n)
        if row < 0:
            return
        if marks.scored[row]:
            marks.cells[SCORED_AGAIN] += 1
        else:
            marks.scored[row] = now
            marks.cells[ARRIVED] += 1
        if event.stage == "SQL" != event.previous_stage:
            episode = event.lead_id, event.episode
            if episode not in self._opened:
                self._opened[episode] = row
                marks.cells[ENTERED_SQL] += 1
                if episode in self._early:
                    self._handed(row, self._early.pop(episode))

    def handover(self, value: bytes, now: int) -> None:
        """A record of the handover topic."""
        event = self._handover(value)
        if event.handover_id in self._seen:
            self._marks.cells[HANDED_AGAIN] += 1
            return
        self._seen.add(event.handover_id)
        row = self._opened.get((event.lead_id, event.episode))
        if row is None:
            self._early[event.lead_id, event.episode] = now
        else:
            self._handed(row, now)

    def _handed(self, row: int, now: int) -> None:
        self._marks.handed[row] = now
        self._marks.cells[HANDED_OVER] += 1


async def watch(what: Watch) -> None:
    """Reads from the present end of both topics until it is cancelled."""
    marks = Marks(Path(what.marks), first=what.first, capacity=what.capacity)
    reader = Reader(marks)
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=what.kafka,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_min_bytes=what.gather_bytes,
        fetch_max_wait_ms=what.wait_ms,
        max_partition_fetch_bytes=4 * 1_048_576,
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(topic, part) for topic in (what.scored, what.handover) for part in range(what.partitions)
        ]
        consumer.assign(places)
        for place, end in (await consumer.end_offsets(places)).items():
            consumer.seek(place, end)
        marks.cells[READY] = 1
        while True:
            found = await consumer.getmany(timeout_ms=1000)
            now = time.monotonic_ns()
            for place, records in found.items():
                note = reader.scored if place.topic == what.scored else reader.handover
                for record in records:
                    note(record.value, now)
    finally:
        await consumer.stop()


async def _until_told(what: Watch) -> None:
    task = asyncio.ensure_future(watch(what))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def main() -> None:
    """Reads a Watch from the argument, runs until SIGTERM, prints the CPU seconds since the first record could come."""
    what = msgspec.json.decode(sys.argv[1].encode(), type=Watch)
    gc.freeze()
    begun = resource.getrusage(resource.RUSAGE_SELF)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(what))
    ended = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_seconds": ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime}), flush=True)


if __name__ == "__main__":
    main()
