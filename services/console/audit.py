"""The books' own look around: every few seconds, how far everybody has read, so that what is missing can be told from what is late. Keeps no book."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.console.domain import audit, passed
from services.console.domain.passed import Look, Passed
from services.console.store import audit as store
from shared import address, clock, logs
from shared.database import Pool
from shared.leaving import GROUP_PREFIX
from shared.metrics import books
from shared.outbox import INBOX_MEMORY
from shared.stage import Place, Stage
from shared.topology import CAPTURED, DEAD, ENRICHED, SCORED

LOOK_SECONDS = 5.0
FORGET_SECONDS = 3600.0

STAGE = Stage(
    name="books",
    reads=(CAPTURED, ENRICHED, SCORED, DEAD),  # as an auditor: nothing of what the topology says comes of it
    writes=(),
    decode=audit.decode,
    load=store.load,
    decide=audit.decide,
    save=store.save,
    inbox=False,  # an event's line is the memory
    # Seldom and much: most events are accepted and end within one batch, and are then one row that is written once.
    gather_ms=1000,
    gather_bytes=4 * 1024 * 1024,
    most_records=6000,
)


class Lookout:
    """Looks around for one instance. `passed` is what its answers are told by."""

    def __init__(self, pool: Pool, kafka: str, partitions: int) -> None:
        self._pool = pool
        self._kafka = kafka
        self._partitions = partitions
        self._forgotten_at = time.monotonic()
        self.passed = Passed()

    async def run(self) -> None:
        """Looks for ever; what the world does to it is tried again at the next look."""
        while True:
            try:
                await self._look_until_it_fails()
            except Exception as error:
                logs.get().warning("the books can't look around, trying again", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_until_it_fails(self) -> None:
        async with contextlib.AsyncExitStack() as closing:
            consumer = AIOKafkaConsumer(**address.client(self._kafka), group_id=None, enable_auto_commit=False)
            closing.push_async_callback(consumer.stop)
            await consumer.start()
            admin = AIOKafkaAdminClient(**address.client(self._kafka))
            closing.push_async_callback(admin.close)
            await admin.start()
            while True:
                async with asyncio.timeout(30):
                    standing = await store.standing(self._pool, self.passed.offsets)
                    if standing.in_flight:  # else nothing can be missing, and Kafka is not asked
                        self.passed.look(await self._around(consumer, admin))
                        standing = await store.standing(self._pool, self.passed.offsets)
                _tell(standing)
                if time.monotonic() - self._forgotten_at > FORGET_SECONDS:
                    await self._forget()
                await asyncio.sleep(LOOK_SECONDS)

    async def _forget(self) -> None:
        self._forgotten_at = time.monotonic()
        before_ms = clock.to_ms(clock.now() - INBOX_MEMORY)
        while await store.forget(self._pool, before_ms=before_ms):
            await asyncio.sleep(0.1)

    async def _around(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> Look:
        at = time.monotonic()
        places = [TopicPartition(topic, part) for topic in passed.TOPICS for part in range(self._partitions)]
        found = await consumer.end_offsets(
            places
        )  # before the readers are asked: what comes between the two is not passed
        ends = {(place.topic, place.partition): end for place, end in found.items()}
        return Look(
            at=at,
            ends=ends,
            enrich=await _committed(admin, "enrich", ends.keys()),
            score=await _committed(admin, "score", ends.keys()),
            books=await store.cursors(self._pool),
        )


async def _committed(admin: AIOKafkaAdminClient, stage: str, places: Collection[Place]) -> dict[Place, int]:
    found = await admin.list_consumer_group_offsets(f"{GROUP_PREFIX}{stage}")
    told = {(place.topic, place.partition): said.offset for place, said in found.items()}
    return {place: offset for place, offset in told.items() if place in places and offset >= 0}


def _tell(standing: store.Standing) -> None:
    books.IN_FLIGHT.set(standing.in_flight)
    books.MISSING.set(standing.missing)
    books.UNBALANCED.set(standing.unbalanced)
    oldest = 0.0 if standing.oldest_ms is None else max(0.0, (clock.now_ms() - standing.oldest_ms) / 1000)
    books.OLDEST_SECONDS.set(oldest)
