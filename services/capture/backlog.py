"""How long the oldest record that enrich has not read waits: asked of Kafka every few seconds, off the hot path. Beyond the operator's bound nothing more is taken."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared import clock, logs

POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0
_SMALL = 64 * 1024  # bytes of a fetch: one record is looked at (a batch comes whole all the same)


class Backlog:
    """Of one topic and the group that reads it, which commits its offsets every few seconds. While Kafka is away the last answer stands,
    and grows older."""

    def __init__(self, kafka: str, *, topic: str, group: str, limit_seconds: float) -> None:
        self._kafka = kafka
        self._topic = topic
        self._group = group
        self._limit_seconds = limit_seconds
        self._oldest_ms: int | None = None  # when the oldest unread record was written
        self.too_long = False  # whether the operator's bound was passed at the last look

    @property
    def seconds(self) -> float:
        """How long the oldest unread record has waited, as far as is known; 0 when none waits."""
        return 0.0 if self._oldest_ms is None else max(0.0, (clock.now_ms() - self._oldest_ms) / 1000)

    async def run(self) -> None:
        """Looks for ever, where there is a bound."""
        while self._limit_seconds > 0:
            await self.look()
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Asks Kafka now."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                self._oldest_ms = await self._oldest()
        except (KafkaError, OSError, TimeoutError, AssertionError) as error:
            logs.get().debug("can't see how far enrich is", error=type(error).__name__)
        self.too_long = 0 < self._limit_seconds < self.seconds

    async def _oldest(self) -> int | None:
        """The time (ms) of the oldest record that the group has not committed; None when there is none."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await admin.start()
            committed = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_SMALL,
            max_poll_records=1,
        )
        try:
            await consumer.start()
            consumer.assign(
                [TopicPartition(self._topic, 0)]
            )  # it learns of a topic's partitions when it is assigned one
            while not (parts := consumer.partitions_for_topic(self._topic)):
                await asyncio.sleep(0.01)
            places = [TopicPartition(self._topic, part) for part in parts]
            consumer.assign(places)
            begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            unread = {
                place: max(committed[place].offset if place in committed else 0, begins[place]) for place in places
            }
            waiting = {place: offset for place, offset in unread.items() if offset < ends[place]}
            if not waiting:
                return None
            consumer.assign(list(waiting))
            for place, offset in waiting.items():
                consumer.seek(place, offset)
            times: dict[TopicPartition, int] = {}
            while len(times) < len(waiting):
                for place, records in (await consumer.getmany(timeout_ms=500)).items():
                    times.setdefault(place, records[0].timestamp)
            return min(times.values())
        finally:
            await consumer.stop()
