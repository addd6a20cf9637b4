"""Route as a process of its own on a real Kafka and Postgres: started, killed, started again; what it is told and what it writes. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import ports
from shared import cloudevent, ids, topics
from shared.message import Message
from shared.producer import Emitter
from shared.reader import read
from shared.stage import Record
from shared.topology import COMMANDS, DEAD, HANDOVER, NURTURE, OUTCOMES, SCORED, Topic

PARTITIONS = 4
TOKEN = "t" * 32
OURS = (SCORED, COMMANDS, OUTCOMES, HANDOVER, NURTURE, DEAD)


class RouteProcess:
    """One instance of route over a store, which may be killed and started again. Only one test at a time may use these topics."""

    def __init__(self, kafka: str, dsn: str, routing: Path) -> None:
        self.kafka, self.dsn = kafka, dsn
        self._routing = routing
        self._emitter = Emitter(kafka, client_id="test")
        self._process: asyncio.subprocess.Process | None = None
        self._port = ports.free_base() + 40
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}", timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}
        )

    async def start(self, **environment: str) -> asyncio.subprocess.Process:
        """Starts it; `environment` such as CRASH_AT."""
        told = {
            "kafka": self.kafka,
            "store": self.dsn,
            "member": "route-0",
            "token": TOKEN,
            "secret": "the installation's secret",
            "http_port": str(self._port),
            "partitions": str(PARTITIONS),
            "session_timeout_ms": "6000",
            "route_routing": str(self._routing),
        }
        settings = {f"LEADFLOW_{name.upper()}": value for name, value in told.items()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.route.main",
            env={**os.environ, **settings, **environment},
            stdout=asyncio.subprocess.DEVNULL,
        )
        return self._process

    async def ready(self) -> None:
        """Returns when it says that it is ready."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await self.client.get("/readyz")).status_code == 200:
                        return
                assert self._process is not None
                assert self._process.returncode is None, "route has ended"
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def scores(self, scored: Sequence[Mapping[str, Any]]) -> None:
        """Puts lead.scored on their topic, by lead id."""
        await self._emitter.send(
            [
                Message(
                    SCORED.name,
                    ids.partition(one["lead_id"].encode(), PARTITIONS),
                    one["lead_id"].encode(),
                    msgspec.json.encode(one),
                    cloudevent.headers(
                        event_id=one["event_id"], type_="lead.scored", source="score", time="2026-06-17T12:00:00Z"
                    ),
                    one["event_id"],
                )
                for one in scored
            ]
        )

    async def says(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Puts outcomes on their topic as a sales tool does that knows nothing of keys, numbers and headers."""
        await self._emitter.send(
            [
                Message(OUTCOMES.name, number % PARTITIONS, None, msgspec.json.encode(one), [], "")
                for number, one in enumerate(outcomes)
            ]
        )

    async def until(self, sql: str, wanted: int, *, seconds: float = 60) -> None:
        """Returns when this query of the store gives that number."""
        found = None
        try:
            async with asyncio.timeout(seconds):
                while (found := (await self.rows(sql))[0][0]) != wanted:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{sql}: {found}, not {wanted}") from None

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        """Any look into the store; nothing where there is no such table yet."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(sql))
        except asyncpg.UndefinedTableError:
            return [{0: None}]  # type: ignore[list-item]
        finally:
            await connection.close()

    async def forget(self) -> None:
        """Empties the store, as if it had never been."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        finally:
            await connection.close()

    async def on(self, topic: Topic) -> list[Record]:
        """Everything that was committed to a topic, in the order of each number: physical records."""
        places = {(topic.name, part): 0 for part in range(PARTITIONS)}
        return [record async for record in read(self.kafka, places, committed_only=True)]

    async def close(self) -> None:
        """Ends everything."""
        await self.kill()
        await self.client.aclose()
        await self._emitter.close()


@contextlib.asynccontextmanager
async def made(kafka: str, dsn: str, routing: Path) -> AsyncIterator[RouteProcess]:
    """Route over an empty store and empty topics, not yet started."""
    await topics.apply(kafka, PARTITIONS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in OURS])
    finally:
        await admin.close()
    await asyncio.sleep(1.0)  # the broker deletes when it likes
    await topics.apply(kafka, PARTITIONS)
    route = RouteProcess(kafka, dsn, routing)
    try:
        yield route
    finally:
        await route.close()
