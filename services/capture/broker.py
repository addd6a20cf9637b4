"""The way to Kafka: one idempotent producer that is thrown away and made anew as soon as it is in doubt. What to do with events that it did not take, others decide."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.capture.store import Lane
from shared import logs, producer
from shared.message import Message
from shared.metrics import PRODUCERS_REPLACED

_FAILURES = (KafkaError, OSError, TimeoutError, AssertionError)  # aiokafka asserts that a partition exists
_LONGEST_WAIT_SECONDS = 2.0


class Broker:
    """Writes whole lanes of messages. Which lanes were acknowledged is certain; the fate of the others is not known."""

    def __init__(self, kafka: str, *, client_id: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.trouble: str | None = "not connected yet"

    def start(self) -> None:
        """Begins to connect, and goes on until there is a connection."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())

    async def close(self) -> None:
        """Ends the producer; what it had in flight has an unknown fate."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        current, self._producer = self._producer, None
        if current is not None:
            await producer.stop(current)
        await asyncio.gather(*self._closing)

    async def write(
        self, lanes: Mapping[Lane, Sequence[Message]], *, within_seconds: float, acknowledged: Callable[[Lane], None]
    ) -> None:
        """Sends all lanes' messages in one produce request where it can, and calls `acknowledged` for each lane that every replica in
        sync has. Returns when all have, or when the time is up, or at once when there is no connection."""
        current = self._producer
        if current is None:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        made = producer.batches(current, [message for messages in lanes.values() for message in messages])
        missing = Counter((topic, part) for topic, part, _, _ in made)
        pending: dict[asyncio.Future[object], Lane] = {}
        failed = False
        try:
            async with asyncio.timeout_at(deadline):
                # All partitions' batches go in before any is awaited: the sender takes them into one request.
                for topic, part, batch, _ in made:
                    future: asyncio.Future[object] = await current.send_batch(batch, topic, partition=part)
                    future.add_done_callback(_seen)
                    pending[future] = (topic, part)
        except _FAILURES as error:
            logs.get().warning("Kafka did not take a batch", error=type(error).__name__)
            failed = True
        while pending:
            done, _ = await asyncio.wait(
                pending, timeout=max(0, deadline - loop.time()), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                failed = True
                break
            for future in done:
                lane = pending.pop(future)
                if future.cancelled() or future.exception() is not None:
                    failed = True
                    continue
                missing[lane] -= 1
                if not missing[lane]:
                    acknowledged(lane)
        if failed:
            self._replace(current)

    def _replace(self, current: AIOKafkaProducer) -> None:
        """Throws the producer away: after a time-out or an error its sequence numbers are worth nothing."""
        if self._producer is not current:
            return
        self._producer = None
        self.trouble = "a batch was not acknowledged, connecting anew"
        PRODUCERS_REPLACED.inc()
        ending = asyncio.create_task(producer.stop(current))
        self._closing.add(ending)
        ending.add_done_callback(self._closing.discard)
        self.start()

    async def _connect(self) -> None:
        wait = 0.1
        while self._producer is None:
            made = producer.new(self._kafka, client_id=self._client_id)
            try:
                async with asyncio.timeout(10):
                    await made.start()
                    for topic in self._topics:
                        if not await made.partitions_for(topic):
                            raise KafkaError(f"there is no topic {topic}")
            except _FAILURES as error:
                await producer.stop(made)
                self.trouble = f"Kafka does not answer ({type(error).__name__})"
                logs.get().warning("can't reach Kafka, trying again", error=type(error).__name__, wait_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
            except BaseException:
                await producer.stop(made)
                raise
            else:
                self._producer = made
                self.trouble = None


def _seen(future: asyncio.Future[object]) -> None:
    """Takes notice of a failure that comes after the time is up, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
