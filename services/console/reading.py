"""Reads topics for the command line: from now on, or what is kept of a stretch of time. Joins no group, commits nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.console.where import Trouble
from shared import address, cloudevent
from shared.stage import Place, Record


async def follow(
    kafka: str, topics: Sequence[str], *, last: int = 0, since: Mapping[Place, int] | None = None
) -> AsyncIterator[Record]:
    """The last `last` records of each partition, or those from `since`, then everything that comes, for ever.

    Handovers are given as `read_committed` shows them.
    """
    async with _consumer(kafka, topics) as (consumer, places):
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        for place in places:
            start = (since or {}).get((place.topic, place.partition), ends[place] - last)
            consumer.seek(place, max(begins[place], start))
        while True:
            found = await consumer.getmany(timeout_ms=500, max_records=1000)
            for row in sorted((row for rows in found.values() for row in rows), key=lambda row: row.timestamp):
                yield _record(row)


async def ends(kafka: str, topics: Sequence[str]) -> dict[Place, int]:
    """Where each partition ends now."""
    async with _consumer(kafka, topics) as (consumer, places):
        return {(place.topic, place.partition): end for place, end in (await consumer.end_offsets(places)).items()}


async def begins(kafka: str, topics: Sequence[str]) -> dict[Place, int]:
    """Where each partition begins now: above 0 when its oldest records are gone."""
    async with _consumer(kafka, topics) as (consumer, places):
        return {(place.topic, place.partition): at for place, at in (await consumer.beginning_offsets(places)).items()}


async def kept(
    kafka: str,
    topics: Sequence[str],
    *,
    since_ms: int,
    wanted: Callable[[Record], bool],
    parts: Mapping[str, int] | None = None,
    most: int = 100_000,
) -> list[Record]:
    """The wanted records from `since_ms` on, up to where the topics end now; of `parts` only that partition of a topic.

    Reads at most the last `most` records of each partition, so that a large stack is not read whole.
    """
    async with _consumer(kafka, topics) as (consumer, all_places):
        places = [place for place in all_places if (parts or {}).get(place.topic, place.partition) == place.partition]
        consumer.assign(places)
        stops = await consumer.end_offsets(places)
        starts = await consumer.offsets_for_times(dict.fromkeys(places, max(0, since_ms)))
        for place in places:
            start = starts[place].offset if starts[place] is not None else stops[place]
            consumer.seek(place, max(start, stops[place] - most))
        found: list[Record] = []
        while [place for place in places if await consumer.position(place) < stops[place]]:
            batch = await consumer.getmany(timeout_ms=200, max_records=5000)
            found += filter(wanted, (_record(row) for rows in batch.values() for row in rows))
        return found


@asynccontextmanager
async def _consumer(kafka: str, topics: Sequence[str]) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    consumer = AIOKafkaConsumer(
        **address.client(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=10_000,
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    try:
        try:
            await consumer.start()
            known = await consumer.topics()
        except (KafkaError, OSError) as error:
            raise Trouble(
                f"Kafka does not answer at {address.shown(kafka)} ({type(error).__name__}). Look at `leads status`, or start it with `leads up`."
            ) from None
        if missing := [topic for topic in topics if topic not in known]:
            raise Trouble(
                f"Kafka at {address.shown(kafka)} has no topic {', '.join(missing)}. Make the topics with `leads topics apply`."
            )
        # The consumer learns of a topic's partitions some time after the topic is assigned.
        consumer.assign([TopicPartition(topic, 0) for topic in topics])
        async with asyncio.timeout(10):
            while not all(consumer.partitions_for_topic(topic) for topic in topics):
                await asyncio.sleep(0.01)
        places = [
            TopicPartition(topic, part) for topic in topics for part in sorted(consumer.partitions_for_topic(topic))
        ]
        consumer.assign(places)
        yield consumer, places
    finally:
        with contextlib.suppress(Exception):
            await consumer.stop()


def _record(row: Any) -> Record:
    return Record(
        row.topic,
        row.partition,
        row.offset,
        row.timestamp,
        row.key,
        row.value or b"",
        cloudevent.by_name(row.headers),
    )
