"""A stand-in for AIOKafkaProducer, as far as shared.producer and shared.once use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, OutOfOrderSequenceNumber, ProducerFenced

from tests.simulation.consumer import here
from tests.simulation.loop import OUTSIDE


class Batch:
    """What create_batch gives."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes | None, bytes, Any]] = []

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes, headers: Collection[Any]) -> object:
        self.rows.append((key, value, headers))
        return self


class FakeProducer:
    """Idempotent: in order for each log, never twice by itself. With a transactional id: fenced by its successor."""

    def __init__(self, **config: Any) -> None:
        self._instance = here()
        self._world = self._instance.world
        self._broker = self._world.broker
        self._id: str | None = config.get("transactional_id")
        self._epoch = 0
        self._closed = False
        self._broken: set[tuple[str, int]] = set()  # a batch before is missing: the broker takes no later one
        self._queues: dict[tuple[str, int], list[Batch]] = {}
        self._sender = SimpleNamespace(sender_task=None)
        self.client = SimpleNamespace(close=self._close_sockets)

    async def start(self) -> None:
        await self._world.pause("start producer")
        if self._broker.away:
            raise KafkaConnectionError("start producer")
        if self._id is not None:
            coordinator = self._broker.fence(self._id)
            self._epoch = coordinator.epoch
            await self._broker.settled(coordinator)
            await self._world.pause("producer id")

    async def stop(self) -> None:
        self._closed = True
        await self._world.pause("stop producer")

    async def _close_sockets(self) -> None:
        self._closed = True

    def create_batch(self) -> Batch:
        return Batch()

    async def begin_transaction(self) -> None:
        if self._broker.coordinators[self._id].epoch != self._epoch and self._world.rng.random() < 0.5:
            raise ProducerFenced

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Hands the batch to the sender; the future has its fate, or none for ever when the answer was lost."""
        await self._world.pause(f"send {topic}/{partition} {len(batch.rows)}")
        if self._broker.away and self._world.rng.random() < 0.3:
            raise KafkaTimeoutError
        fate = self._world.produce_fate()
        future: asyncio.Future[Any] = self._broker.loop.create_future()
        place = (topic, partition)
        self._queues.setdefault(place, []).append(batch)
        delay = self._world.rng.random() * 14 if fate == "late" else self._world.latency()
        on_the_wire = (
            fate == "late" or self._world.rng.random() < 0.5
        )  # then it arrives, whatever becomes of its sender
        self._broker.loop.call_later(
            delay, self._deliver, place, batch, fate, future, context=OUTSIDE if on_the_wire else None
        )
        return future

    def _deliver(self, place: tuple[str, int], batch: Batch, fate: str, future: asyncio.Future[Any]) -> None:
        if self._broker.away:  # the sender tries for ever, until it is stopped
            if not self._closed and not self._instance.dead:
                self._broker.loop.outside(0.5, self._deliver, place, batch, fate, future)
            return
        queue = self._queues[place]
        if queue[0] is not batch:  # the broker takes them in the order of their sequence numbers
            if not self._instance.dead:
                self._broker.loop.outside(0.5, self._deliver, place, batch, fate, future)
            return
        queue.pop(0)
        error: Exception | None = None
        if fate == "lost" or place in self._broken:
            error = OutOfOrderSequenceNumber() if place in self._broken else KafkaTimeoutError()
            self._broken.add(place)
        else:
            try:
                offset = (
                    self._broker.append(place, batch.rows)
                    if self._id is None
                    else self._broker.write(self._id, self._epoch, place, batch.rows)
                )
            except ProducerFenced as fenced:
                error = fenced
        if self._world.trace is not None:
            self._world.note(f"  {self._instance.name}: {fate} at {place}: {error!r}", instance=None)
        if fate == "late" or (fate == "unanswered" and self._world.rng.random() < 0.5):
            return  # nobody will ever know
        if fate == "unanswered":
            error = KafkaTimeoutError()
        self._broker.loop.outside(self._world.latency(), self._answer, future, offset if error is None else 0, error)

    @staticmethod
    def _answer(future: asyncio.Future[Any], offset: int, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(SimpleNamespace(offset=offset))

    async def commit_transaction(self) -> None:
        assert self._id is not None
        await self._world.pause("commit transaction")
        fate = self._world.produce_fate()
        while self._broker.away:
            await asyncio.sleep(0.5)
            if self._closed:
                raise KafkaConnectionError("commit transaction")
        if fate == "late":
            self._broker.loop.outside(self._world.rng.random() * 2, self._commit_late)
            raise KafkaTimeoutError
        if fate == "lost":
            raise KafkaTimeoutError
        self._broker.commit(self._id, self._epoch)
        self._world.note(f"transaction of {self._id} committed")
        if fate == "unanswered":
            await self._world.pause("commit transaction unanswered")
            raise KafkaTimeoutError
        await self._world.pause("transaction committed")

    def _commit_late(self) -> None:
        assert self._id is not None
        with contextlib.suppress(ProducerFenced):
            self._broker.commit(self._id, self._epoch)
            self._world.note(f"late: transaction of {self._id} committed", instance=None)
