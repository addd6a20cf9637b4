"""The textbook's Faust workers: one agent, one event at a time, one SELECT, one INSERT, one send."""

from __future__ import annotations

from typing import Any

import asyncpg
import faust

from shared.stage import Record
from shared.topology import Topic
from tests.bench.textbook import settings
from tests.bench.textbook.steps import Stage


def made(name: str, stage: Stage, *, reads: Topic, as_: Topic, writes: Topic) -> Any:
    """The Faust app of one stage. `as_` is what the product calls the topic that it reads."""
    app: Any = faust.App(
        f"textbook-{name}",
        broker=f"kafka://{settings.KAFKA}",
        store="memory://",
        datadir=f"{settings.DATA}/{name}",
        web_enabled=False,
        topic_partitions=settings.PARTITIONS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    latest = f"SELECT lead FROM {name} WHERE lead_id = $1 ORDER BY version DESC LIMIT 1"
    everything = f"SELECT extra FROM {name} WHERE lead_id = $1"
    insert = f"INSERT INTO {name} (event_id, lead_id, version, lead, extra) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    connections: list[asyncpg.Connection] = []
    read_from, write_to = _topic(app, reads), _topic(app, writes)

    @app.agent(read_from, name=name)  # type: ignore[untyped-decorator]
    async def handle(stream: Any) -> None:
        async for event in stream.events():
            found = stage.read(_record(event.message, as_))
            if found is None:
                continue
            if not connections:
                connections.append(await asyncpg.connect(settings.STORE))
            store = connections[0]
            lead_id, input_ = found
            known = await store.fetchval(latest, lead_id)
            try:
                row = stage.step(known, input_, None)
            except LookupError:  # out of order: counted from everything
                row = stage.step(known, input_, [kept["extra"] for kept in await store.fetch(everything, lead_id)])
            if row is None or await store.execute(insert, *row[:5]) != "INSERT 0 1":
                continue  # a repeat
            for key, value in row.send:
                await write_to.send(key=key.encode(), value=value)

    return app


def _topic(app: Any, topic: Topic) -> Any:
    return app.topic(topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def _record(message: Any, topic: Topic) -> Record:
    return Record(
        topic=topic.name,
        part=message.partition,
        offset=message.offset,
        timestamp_ms=int(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers={},
    )
