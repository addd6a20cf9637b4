"""What the three Faust workers share: an app with its database, and a Faust event as a record of ours."""

from __future__ import annotations

from typing import Any

import asyncpg
import faust

from shared.stage import Record
from shared.topology import Topic
from tests.bench.textbook import settings


class Worker:
    """A Faust app and, once it runs, its connection to Postgres. Each agent handles one event at a time, so one is enough."""

    store: asyncpg.Connection

    def __init__(self, stage: str) -> None:
        self.app: Any = faust.App(
            f"textbook-{stage}",
            broker=f"kafka://{settings.KAFKA}",
            value_serializer="raw",
            store="memory://",
            datadir=f"{settings.DATA}/{stage}",
            web_enabled=False,
            topic_partitions=settings.PARTITIONS,
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
        )
        self.app.task(self._connect)

    async def connection(self) -> asyncpg.Connection:
        """The connection, made at first use."""
        if not hasattr(self, "store"):
            self.store = await asyncpg.connect(settings.STORE)
        return self.store

    async def _connect(self) -> None:
        await self.connection()

    def topic(self, topic: Topic) -> Any:
        """A topic of bytes."""
        return self.app.topic(
            topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )


def record(event: Any, *, topic: Topic) -> Record:
    """A Faust event as a record of `topic`, which is the product's name for it."""
    message = event.message
    return Record(
        topic=topic.name,
        part=message.partition,
        offset=message.offset,
        timestamp_ms=int(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers={},
    )
