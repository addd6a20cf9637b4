"""Writing to Kafka in explicit batches: idempotent, acks=all, zstd, awaited; and a producer that is replaced when it is stuck."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from shared import address, logs
from shared.message import Message
from shared.metrics import PRODUCERS_REPLACED

ACK_TIMEOUT_SECONDS = 10.0  # after this the fate of a batch is unknown, and it is sent again under the same ids
BATCH_BYTES = 900_000  # of one produce batch; larger single messages travel alone
_FRAMING_BYTES = 512  # headers and framing of one message, at most
_LARGEST_BYTES = (
    64 * 1_048_576
)  # of one batch before it is compressed: a dead letter with a whole record in it; the broker limits the rest


def new(kafka: str, *, client_id: str, transactional_id: str | None = None) -> AIOKafkaProducer:
    """A producer with the house's settings, not yet started. (aiokafka's defaults are acks=1 and no idempotence.)"""
    return AIOKafkaProducer(
        **address.client(kafka),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=15_000,
        compression_type="zstd",
        max_batch_size=_LARGEST_BYTES,
        max_request_size=_LARGEST_BYTES,
        request_timeout_ms=int(ACK_TIMEOUT_SECONDS * 1000),
        retry_backoff_ms=50,
        linger_ms=0,
    )


async def stop(producer: AIOKafkaProducer | None) -> None:
    """Ends a producer whatever state it is in, within a few seconds; what it had in flight has an unknown fate.

    An idempotent producer tries for ever, also while it is being stopped: its sender is cancelled by hand.
    """
    if producer is None:
        return
    sender = producer._sender.sender_task
    if sender is not None and not sender.done():
        sender.cancel()
    stopping = asyncio.ensure_future(producer.stop())
    with contextlib.suppress(Exception, asyncio.CancelledError):
        await asyncio.wait_for(stopping, 2.0)
    with contextlib.suppress(Exception):
        await producer.client.close()  # a stop that hung leaves its sockets open
    if sender is not None:
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.wait_for(asyncio.gather(sender, return_exceptions=True), 2.0)


def batches(
    producer: AIOKafkaProducer, messages: Sequence[Message]
) -> list[tuple[str, int, BatchBuilder, list[Message]]]:
    """Messages as batches, in order within each (topic, partition): where to, the batch, and what is in it."""
    found: list[tuple[str, int, BatchBuilder, list[Message]]] = []
    open_: dict[tuple[str, int], tuple[BatchBuilder, list[Message], int]] = {}
    for message in messages:
        place = (message.topic, message.part)
        size = len(message.value) + len(message.key or b"") + _FRAMING_BYTES
        current = open_.get(place)
        if current is None or current[2] + size > BATCH_BYTES:
            builder: BatchBuilder = producer.create_batch()
            current = (builder, [], 0)
            found.append((message.topic, message.part, builder, current[1]))
        builder, inside, bytes_ = current
        if builder.append(timestamp=None, key=message.key, value=message.value, headers=message.headers) is None:
            raise ValueError(f"a message of {size} bytes for {message.topic} fits no batch")  # never silently left out
        inside.append(message)
        open_[place] = (builder, inside, bytes_ + size)
    return found


async def put(producer: AIOKafkaProducer, builder: BatchBuilder, topic: str, part: int) -> asyncio.Future[Any]:
    """Hands over one batch; the future tells when every replica in sync has it. Raises TimeoutError where its partition takes none.

    Gives no other task a turn where there is room (`wait_for` would): batches that are put one after the other then leave in one request.
    A request costs client and broker 1 to 2 ms each, whatever it carries.
    """
    async with asyncio.timeout(ACK_TIMEOUT_SECONDS):
        future: asyncio.Future[Any] = await producer.send_batch(builder, topic, partition=part)
        return future


class Emitter:
    """Sends messages until the broker has acknowledged every one of them; replaces its producer when that is stuck."""

    def __init__(self, kafka: str, *, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._changing = asyncio.Lock()  # of the producer: several may send at once

    async def send(self, messages: Sequence[Message]) -> None:
        """Returns when all are acknowledged by every replica in sync. Tries for as long as it takes: a topic may then hold a
        message twice, under the same event id, never not at all."""
        rest = list(messages)
        wait = 0.1
        while rest:
            used = self._producer
            rest = await self._try(rest)
            if rest:
                await self.replace(used)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 2.0)

    async def close(self) -> None:
        """Ends the producer."""
        producer, self._producer = self._producer, None
        await stop(producer)

    async def _try(self, messages: list[Message]) -> list[Message]:
        """One attempt; returns what has no acknowledgement, in order."""
        futures: list[tuple[asyncio.Future[Any] | None, list[Message]]] = []
        try:
            producer = await self._started()
            made = batches(producer, messages)
        except (KafkaError, OSError, TimeoutError) as error:
            logs.get().warning("can't reach Kafka, trying again", error=type(error).__name__)
            return messages
        failed = False
        for topic, part, builder, inside in made:
            future: asyncio.Future[Any] | None = None
            if not failed:  # after a failure nothing more of the attempt is sent, so that the order stays
                try:
                    future = await put(producer, builder, topic, part)
                except (KafkaError, OSError, TimeoutError) as error:
                    logs.get().warning("a batch was not taken, sending again", topic=topic, error=type(error).__name__)
                    failed = True
            futures.append((future, inside))
        pending = [future for future, _ in futures if future is not None]
        if pending:
            await asyncio.wait(pending, timeout=ACK_TIMEOUT_SECONDS)
        unsent: list[Message] = []
        for future, inside in futures:
            if future is None or not future.done() or future.cancelled() or future.exception() is not None:
                unsent.extend(inside)
        return unsent

    async def _started(self) -> AIOKafkaProducer:
        async with self._changing:
            if self._producer is None:
                producer = new(self._kafka, client_id=self._client_id)
                try:
                    await producer.start()
                except BaseException:
                    await stop(producer)
                    raise
                self._producer = producer
            return self._producer

    async def replace(self, used: AIOKafkaProducer | None = None) -> None:
        """Throws the producer away (if it is still `used`, or whichever it is): its last batch has no acknowledgement."""
        async with self._changing:
            if self._producer is None or (used is not None and self._producer is not used):
                return
            PRODUCERS_REPLACED.inc()
            logs.get().warning("the producer is replaced: its last batch was not acknowledged")
            producer, self._producer = self._producer, None
            await stop(producer)
