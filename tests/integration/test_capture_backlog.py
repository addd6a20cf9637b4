"""How far the reader is behind, told by a real Kafka: by its committed offsets and the times of the records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.capture.backlog import Backlog
from shared import clock

Topic = Callable[..., Awaitable[str]]


async def write(kafka: str, topic: str, part: int, *seconds_ago: float) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for ago in seconds_ago:
            at = clock.now_ms() - int(ago * 1000)
            await producer.send_and_wait(topic, b"x", partition=part, timestamp_ms=at)
    finally:
        await producer.stop()


async def commit(kafka: str, group: str, offsets: dict[TopicPartition, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


def connections(backlog: Backlog) -> tuple[object, object]:
    return backlog._admin, backlog._consumer


async def test_the_age_is_that_of_the_oldest_record_which_the_reader_has_not_committed(
    kafka: str, topic: Topic, prefix: str
) -> None:
    name = await topic(partitions=2, message_timestamp_type="CreateTime")
    backlog = Backlog(kafka, topic=name, group=f"{prefix}-enrich", limit_seconds=200)
    await backlog.look()
    assert (backlog.seconds, backlog.too_long) == (0.0, False)
    await write(kafka, name, 0, 1000, 100)
    await write(kafka, name, 1, 300)
    await backlog.look()
    first = connections(backlog)
    assert 1000 <= backlog.seconds < 1100
    assert backlog.too_long
    await commit(kafka, f"{prefix}-enrich", {TopicPartition(name, 0): 1})
    await backlog.look()
    assert 300 <= backlog.seconds < 400
    await commit(kafka, f"{prefix}-enrich", {TopicPartition(name, 1): 1})
    await backlog.look()
    assert 100 <= backlog.seconds < 200
    assert not backlog.too_long
    await commit(kafka, f"{prefix}-enrich", {TopicPartition(name, 0): 2})
    await backlog.look()
    assert backlog.seconds == 0.0
    assert connections(backlog) == first != (None, None)  # kept open from look to look
    await backlog.close()


async def test_while_kafka_is_away_the_last_answer_stands_and_grows_older(
    kafka: str, topic: Topic, prefix: str
) -> None:
    name = await topic(partitions=1, message_timestamp_type="CreateTime")
    await write(kafka, name, 0, 10)
    backlog = Backlog(kafka, topic=name, group=f"{prefix}-enrich", limit_seconds=0.5)
    async with asyncio.timeout(60):  # a Kafka that just started has no coordinator of groups yet
        while not backlog.seconds:
            await backlog.look()
    before = backlog.seconds
    await backlog.close()
    backlog._kafka = "127.0.0.1:9"
    await asyncio.sleep(0.1)
    await backlog.look()
    assert backlog.seconds >= before + 0.1
    assert backlog.too_long
    backlog._kafka = kafka
    await commit(kafka, f"{prefix}-enrich", {TopicPartition(name, 0): 1})
    await backlog.look()
    assert not backlog.too_long
    await backlog.close()
