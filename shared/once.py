"""Writing transactional topics: each message is on the topic physically once, whatever dies between Postgres and Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced

from shared import logs, producer
from shared.crash import point
from shared.message import Message
from shared.metrics import PRODUCERS_REPLACED
from shared.ownership import Fenced
from shared.reader import read
from shared.stage import Record


@dataclass(slots=True)
class _Number:
    """One number's transactional producer, how far its topics are known, and what was found beyond that."""

    known: dict[str, int]
    producer: AIOKafkaProducer | None = None
    tail_is_read: bool = False
    present: set[str] = field(default_factory=set)


class OnceWriter:
    """A stage's transactional output. Its transactional id is the stage and the number, so that a new owner fences the old
    owner's producer; before it writes it reads the topic's tail and skips what is there."""

    def __init__(self, kafka: str, *, stage: str) -> None:
        self._kafka = kafka
        self._stage = stage
        self._numbers: dict[int, _Number] = {}

    async def open(self, part: int, known: dict[str, int]) -> list[Record]:
        """Takes over number `part`: fences its earlier producer, and returns what is on the topics beyond `known` (topic -> offset).

        Raises KafkaError, OSError or TimeoutError when the broker is away: then nothing is taken over.
        """
        await self.drop(part)
        number = _Number(dict(known))
        self._numbers[part] = number
        return await self._prepare(part, number)

    async def send(self, part: int, messages: Sequence[Message]) -> dict[str, int]:
        """Returns when every message is on its topic in a committed transaction, once; with how far the topics are known now.

        Raises Fenced when another instance has taken the number over, or this one has let it go.
        """
        number = self._numbers.get(part)
        if number is None:
            raise Fenced([part])
        wait = 0.1
        while True:
            try:
                if self._numbers.get(part) is number:
                    await self._prepare(part, number)
                if self._numbers.get(part) is not number:
                    # Let go of while this was trying: whoever has it now will send these.
                    await self._forget(number)
                    raise Fenced([part])
                await self._write(number, [message for message in messages if message.event_id not in number.present])
            except ProducerFenced:
                await self._forget(number)
                raise Fenced([part]) from None
            except (KafkaError, OSError, TimeoutError, ValueError) as error:
                # The fate of the transaction is unknown: a new producer ends it one way or the other, then the tail tells.
                logs.get().warning(
                    "a transaction did not end well, looking at the topic", part=part, error=type(error).__name__
                )
                PRODUCERS_REPLACED.inc()
                await self._forget(number)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 2.0)
                continue
            # Not all that was found there: of several rows that were left, a later one may name the rest of it.
            number.present.difference_update(message.event_id for message in messages)
            return dict(number.known)

    async def drop(self, part: int) -> None:
        """Lets number `part` go."""
        number = self._numbers.pop(part, None)
        if number is not None:
            await self._forget(number)

    async def close(self) -> None:
        """Lets all numbers go."""
        for part in list(self._numbers):
            await self.drop(part)

    async def _forget(self, number: _Number) -> None:
        old, number.producer = number.producer, None
        number.tail_is_read = False
        await producer.stop(old)

    async def _prepare(self, part: int, number: _Number) -> list[Record]:
        if number.producer is None:
            made = producer.new(
                self._kafka, client_id=f"{self._stage}-{part}", transactional_id=f"leadflow-{self._stage}-{part}"
            )
            try:
                await asyncio.wait_for(made.start(), 20.0)
            except BaseException:
                await producer.stop(made)
                raise
            number.producer = made
        if number.tail_is_read:
            return []
        found: list[Record] = []
        known = dict(number.known)
        async for record in read(
            self._kafka, {(topic, part): offset for topic, offset in number.known.items()}, committed_only=True
        ):
            found.append(record)
            known[record.topic] = record.offset + 1
            number.present.add(record.headers.get("ce_id", b"").decode())
        number.known = known
        number.tail_is_read = True
        return found

    async def _write(self, number: _Number, messages: Sequence[Message]) -> None:
        if not messages:
            return
        made = number.producer
        assert made is not None
        await made.begin_transaction()
        futures = []
        for topic, part, builder, inside in producer.batches(made, messages):
            future = await producer.put(made, builder, topic, part)
            futures.append((topic, future, len(inside)))
        known = dict(number.known)
        for topic, future, count in futures:
            metadata = await asyncio.wait_for(future, producer.ACK_TIMEOUT_SECONDS)
            known[topic] = metadata.offset + count
        point("in_handover_transaction")
        await asyncio.wait_for(made.commit_transaction(), producer.ACK_TIMEOUT_SECONDS)
        point("after_handover_commit")
        number.known = known
