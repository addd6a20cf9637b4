"""The fixtures keep their word: a real broker, an empty database for each test, topics of one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def test_a_record_goes_through_kafka_and_gets_the_brokers_time(
    kafka: str, topic: Callable[..., Awaitable[str]]
) -> None:
    name = await topic("there-and-back", partitions=2)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        sent = await producer.send_and_wait(name, b"hello", timestamp_ms=1_000)
    async with AIOKafkaConsumer(name, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    assert (record.value, record.offset) == (b"hello", sent.offset)
    assert record.timestamp > 1_000_000


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_gets_an_empty_database(store: str, time: str) -> None:
    connection = await asyncpg.connect(store)
    try:
        await connection.execute("CREATE TABLE mine (id int)")
    finally:
        await connection.close()


def test_a_test_without_a_loop_gets_a_database_too(store: str) -> None:
    assert store.startswith("postgresql://")
