"""Capture for integration tests: a process's parts on a real Kafka and Postgres, and a reader of its topics. For tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from fastapi import FastAPI

from services.capture import api, main, store
from services.capture.main import Parts
from services.capture.properties import new_key
from services.capture.settings import Settings
from services.capture.store import NewProperty
from shared import ops, topics, topology
from shared.health import Health
from shared.topology import Topic
from tests.integration.stores import migrated

TOKEN = "an operator's token of some length"
NOWHERE = "127.0.0.1:9"  # the discard port: nobody answers there
MIGRATIONS = Path(main.__file__).parent / "migrations"


def settings(kafka: str, dsn: str, member: str = "capture-0", **more: Any) -> Settings:
    """Settings of one instance, with short budgets."""
    given: dict[str, Any] = {"kafka": kafka, "store": dsn, "member": member, "token": TOKEN, "http_port": 1}
    return Settings(**given | {"secret": "the installation's secret", "kafka_budget_seconds": 1.0} | more)


@contextlib.asynccontextmanager
async def running(kafka: str, dsn: str, member: str = "capture-0", **more: Any) -> AsyncIterator[Parts]:
    """One instance without its socket and without the app behind the door."""
    async with migrated(dsn, MIGRATIONS) as pool:
        health = Health()
        parts = Parts(settings(kafka, dsn, member, **more), pool, health)
        await parts.start()
        try:
            yield parts
        finally:
            await parts.close()


async def a_key(parts: Parts, name: str = "Shop") -> str:
    """A new property's write key."""
    key, hash_, prefix = new_key()
    await store.add(parts.pool, NewProperty(name), key_hash=hash_, key_prefix=prefix)
    await parts.properties.refresh(parts.pool)
    return key


def app(parts: Parts) -> FastAPI:
    """The app behind the door."""
    made = main.fastapi_app(parts.health)
    made.include_router(api.routes(parts.pool, parts.properties), dependencies=[ops.operator(TOKEN)])
    return made


class Reader:
    """Reads what was written to leads.captured.v1, leads.dead.v1 and leads.privacy.v1 since it was made."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.records: list[ConsumerRecord[bytes, bytes]] = []

    async def events(self, wanted: Iterable[str], *, seconds: float = 20) -> list[dict[str, Any]]:
        """All events on leads.captured.v1 so far, in the order of each partition, as soon as the wanted ids are among them."""
        await self._until(set(wanted), topology.CAPTURED.name, seconds)
        return [msgspec.json.decode(one.value or b"") for one in self.records if one.topic == topology.CAPTURED.name]

    async def on(self, topic: Topic, count: int, *, seconds: float = 20) -> list[dict[str, Any]]:
        """What stands on a topic so far, as soon as there is so much of it."""
        waited = 0.0
        while len(found := [one for one in self.records if one.topic == topic.name]) < count:
            assert waited < seconds, f"{len(found)} of {count} are on {topic.name}"
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self.records += records
            waited += 0.2
        return [msgspec.json.decode(one.value or b"") for one in found]

    async def more(self) -> list[ConsumerRecord[bytes, bytes]]:
        """What has come meanwhile on both topics, at most a moment later."""
        batches = await self._consumer.getmany(timeout_ms=100)
        return [record for records in batches.values() for record in records]

    async def _until(self, wanted: set[str], topic: str, seconds: float) -> None:
        waited = 0.0
        while missing := wanted - {_id(one) for one in self.records if one.topic == topic}:
            assert waited < seconds, f"{len(missing)} of {len(wanted)} events are not on {topic}"
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self.records += records
            waited += 0.2


def _id(record: ConsumerRecord[bytes, bytes]) -> str:
    headers: dict[str, bytes] = dict(record.headers)
    return headers["ce_id"].decode()


@contextlib.asynccontextmanager
async def reader(kafka: str) -> AsyncIterator[Reader]:
    """A reader at the end of the topics, which are made if they are not there."""
    await topics.apply(kafka, 4)
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        read = (topology.CAPTURED, topology.DEAD, topology.PRIVACY)
        places = [TopicPartition(topic.name, part) for topic in read for part in range(4)]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        for place in places:
            await consumer.position(place)
        yield Reader(consumer)
    finally:
        await consumer.stop()
