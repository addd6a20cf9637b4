"""A stand-in for AIOKafkaConsumer, as far as shared.reader uses it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from tests.simulation.broker import Entry
from tests.simulation.group import SESSION_SECONDS, Group
from tests.simulation.loop import INSTANCE, Instance


def here() -> Instance:
    instance = INSTANCE.get()
    assert instance is not None
    return instance


class Row:
    """One consumed record."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, place: TopicPartition, entry: Entry) -> None:
        self.topic, self.partition = place.topic, place.partition
        self.offset, self.timestamp = entry.offset, entry.timestamp
        self.key, self.value, self.headers = entry.key, entry.value, entry.headers


class FakeConsumer:
    """With a group: a member that joins and is rebalanced beside its owner. Without: what is assigned by hand."""

    def __init__(self, **config: Any) -> None:
        self._instance = here()
        self._world = self._instance.world
        self._broker = self._world.broker
        self._committed_only = config.get("isolation_level") == "read_committed"
        self._from_start = config.get("auto_offset_reset") == "earliest"
        self.member: str = config.get("group_instance_id") or ""
        self._fetcher = SimpleNamespace(_fetch_min_bytes=0, _fetch_max_wait_ms=0)
        self._topics: list[str] = []
        self._listener: Any = None
        self._positions: dict[TopicPartition, int | None] = {}
        self._assigned_once = self._broker.loop.create_future()
        self._rejoin: asyncio.Future[None] = self._broker.loop.create_future()
        self._membership: asyncio.Task[None] | None = None
        self.evicted = False
        self._stopped = False
        self._group: Group | None = None
        if config.get("group_id"):
            self._group = self._broker.groups.setdefault(
                config["group_id"], Group(self._broker.loop, self._broker.rng, self._broker.partitions)
            )

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._topics, self._listener = list(topics), listener

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._positions = dict.fromkeys(sorted(places), 0)

    async def start(self) -> None:
        await self._reach("start consumer")
        if self._group is not None:
            self._instance.consumers.append(self)
            self._membership = asyncio.get_running_loop().create_task(self._be_a_member())
            await self._assigned_once

    async def stop(self) -> None:
        self._stopped = True
        if self._membership is not None:
            self._membership.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._membership
            assert self._group is not None
            self._broker.loop.outside(SESSION_SECONDS, self._group.leave, self)
            self._instance.consumers.remove(self)
        await self._world.pause("stop consumer")

    def rebalance(self, delay: float) -> None:
        """The group wants it to join again; it learns that with a heartbeat."""
        self._broker.loop.outside(delay, self._hear)

    def _hear(self) -> None:
        if not self._rejoin.done():
            self._rejoin.set_result(None)

    async def _be_a_member(self) -> None:
        assert self._group is not None
        while True:
            self._rejoin = self._broker.loop.create_future()
            self.evicted = False
            await self._world.pause("join")
            parts = await self._group.join(self)
            self._positions = {TopicPartition(topic, part): None for topic in self._topics for part in sorted(parts)}
            self._world.note(f"assigned {sorted(parts)}")
            await self._listener.on_partitions_assigned(list(self._positions))
            if not self._assigned_once.done():
                self._assigned_once.set_result(None)
            await self._rejoin
            revoked = list(self._positions)
            self._world.note(f"revoked {sorted({place.partition for place in revoked})}")
            with contextlib.suppress(Exception):  # aiokafka logs what a listener raises
                await self._listener.on_partitions_revoked(revoked)
            self._positions = {}

    async def _reach(self, what: str) -> None:
        await self._world.pause(what)
        if self._broker.away:
            raise KafkaConnectionError(what)

    def seek(self, place: TopicPartition, offset: int) -> None:
        if place not in self._positions:
            raise IllegalStateError(f"No current assignment for partition {place}")
        self._positions[place] = offset

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Row]]:
        await self._world.pause("getmany")
        loop = self._broker.loop
        until = loop.virtual + timeout_ms / 1000
        while True:
            found = {} if self._broker.away else self._fetch(max_records, places)
            left = until - loop.virtual
            if found or left <= 0:
                return found
            waiter = loop.create_future()
            self._broker.readers.append(waiter)
            timer = loop.call_later(left, self._wake, waiter)
            await waiter
            timer.cancel()

    @staticmethod
    def _wake(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)

    def _fetch(self, most: int, only: Sequence[TopicPartition] = ()) -> dict[TopicPartition, list[Row]]:
        found: dict[TopicPartition, list[Row]] = {}
        if self._group is not None:
            most = min(most, self._world.rng.choice(self._world.batches))
        for place, position in self._positions.items():
            if only and place not in only:
                continue
            if position is None:
                assert self._group is not None
                position = self._group.committed.get(place)
                if position is None:
                    raise NoOffsetForPartitionError(place)
            log = self._broker.log(place)
            if position > len(log):
                raise OffsetOutOfRangeError({place: position})
            end = self._broker.end(place, committed_only=self._committed_only)
            rows: list[Row] = []
            while position < end and most > 0:
                entry = log[position]
                position += 1
                if entry.visible if self._committed_only else not entry.control:
                    rows.append(Row(place, entry))
                    most -= 1
            self._positions[place] = position
            if rows:
                found[place] = rows
        return found

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._reach("end offsets")
        return {place: self._broker.end(place, committed_only=self._committed_only) for place in places}

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        await self._reach("begin offsets")
        return dict.fromkeys(places, 0)

    async def position(self, place: TopicPartition) -> int:
        position = self._positions.get(place)
        if position is None:
            raise IllegalStateError(f"No position of {place}")
        return position

    async def committed(self, place: TopicPartition) -> int | None:
        await self._reach("committed")
        assert self._group is not None
        return self._group.committed.get(place)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        await self._reach("commit offsets")
        assert self._group is not None
        if not self._group.owns(self):
            raise CommitFailedError("not a member")
        if not offsets.keys() <= self._positions.keys():
            raise IllegalStateError("not assigned")
        self._group.committed.update(offsets)
