"""How long the oldest record that enrich has not read waits: asked of Kafka every few seconds, off the hot path. Beyond the operator's bound nothing more is taken."""

from __future__ import annotations

import asyncio
import contextlib

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared import address, clock, logs

POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0
_SMALL = 64 * 1024  # bytes of a fetch: one record is looked at (a batch comes whole all the same)


FAILURES = (KafkaError, OSError, TimeoutError, AssertionError)


class Backlog:
    """Of one topic and the group that reads it, which commits its offsets every few seconds. While Kafka is away the last answer stands,
    and grows older."""

    def __init__(self, kafka: str, *, topic: str, group: str, limit_seconds: float) -> None:
        self._kafka = kafka
        self._topic = topic
        self._group = group
        self._limit_seconds = limit_seconds
        # Kept open between two looks: a connection costs more than a look.
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._oldest_ms: int | None = None  # when the oldest unread record was written
        self.too_long = False  # whether the operator's bound was passed at the last look

    @property
    def seconds(self) -> float:
        """How long the oldest unread record has waited, as far as is known; 0 when none waits."""
        return 0.0 if self._oldest_ms is None else max(0.0, (clock.now_ms() - self._oldest_ms) / 1000)

    async def run(self) -> None:
        """Looks for ever, where there is a bound."""
        try:
            while self._limit_seconds > 0:
                await self.look()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self.close()

    async def look(self) -> None:
        """Asks Kafka now."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                self._oldest_ms = await self._oldest(*await self._opened())
        except FAILURES as error:
            logs.get().debug("can't see how far enrich is", error=type(error).__name__)
            await self.close()  # the next look begins with connections that are not in doubt
        self.too_long = 0 < self._limit_seconds < self.seconds

    async def close(self) -> None:
        """Hangs up; a look after it connects again."""
        admin, consumer, self._admin, self._consumer = self._admin, self._consumer, None, None
        for ending in (admin and admin.close(), consumer and consumer.stop()):
            if ending is not None:
                with contextlib.suppress(*FAILURES):
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        await ending

    async def _opened(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**address.client(self._kafka))
            await self._admin.start()
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                **address.client(self._kafka),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_SMALL,
                max_poll_records=1,
            )
            await self._consumer.start()
        return self._admin, self._consumer

    async def _oldest(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> int | None:
        """The time (ms) of the oldest record that the group has not committed; None when there is none."""
        committed = await admin.list_consumer_group_offsets(self._group)
        self._only_known(consumer, [TopicPartition(self._topic, 0)])  # being assigned one, it learns of all partitions
        while not (parts := consumer.partitions_for_topic(self._topic)):
            await asyncio.sleep(0.01)
        places = [TopicPartition(self._topic, part) for part in parts]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        unread = {place: max(committed[place].offset if place in committed else 0, begins[place]) for place in places}
        waiting = {place: offset for place, offset in unread.items() if offset < ends[place]}
        if not waiting:
            return None
        self._only_known(consumer, list(waiting))
        for place, offset in waiting.items():
            consumer.seek(place, offset)
        consumer.resume(*waiting)
        times: dict[TopicPartition, int] = {}
        while len(times) < len(waiting):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                times.setdefault(place, records[0].timestamp)
        consumer.pause(*waiting)
        return min(times.values())

    @staticmethod
    def _only_known(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Assigns the places and reads nothing of them: between two looks it must not fetch on."""
        consumer.assign(places)
        consumer.pause(*places)
