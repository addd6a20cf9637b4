"""One service as a process of its own on a real Kafka and Postgres: started, killed, started again; what it is told and what it says. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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
from shared.topology import Topic

PARTITIONS = 4
TOKEN = "t" * 32


class ServiceProcess:
    """One instance of a service over a store, which may be killed and started again. Only one test at a time may use its topics. `settings`: those
    of its own, such as score_ruleset; `seconds`: how long is waited for what comes in the end."""

    def __init__(self, kafka: str, dsn: str, service: str, settings: Mapping[str, str], *, seconds: float) -> None:
        self.kafka, self.dsn, self._service = kafka, dsn, service
        self._settings, self._seconds = settings, seconds
        self._emitter = Emitter(kafka, client_id="test")
        self._process: asyncio.subprocess.Process | None = None
        self._port = ports.free_base()
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}", timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}
        )

    async def start(self, **environment: str) -> asyncio.subprocess.Process:
        """Starts it; `environment` such as CRASH_AT."""
        told = {
            "kafka": self.kafka,
            "store": self.dsn,
            "member": f"{self._service}-0",
            "token": TOKEN,
            "secret": "the installation's secret",
            "http_port": str(self._port),
            "partitions": str(PARTITIONS),
            "session_timeout_ms": "6000",
            **self._settings,
        }
        settings = {f"LEADFLOW_{name.upper()}": value for name, value in told.items()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"services.{self._service}.main",
            env={**os.environ, **settings, **environment},
            stdout=asyncio.subprocess.DEVNULL,
        )
        return self._process

    async def ready(self) -> None:
        """Returns when it says that it is ready."""
        async with asyncio.timeout(self._seconds):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await self.client.get("/readyz")).status_code == 200:
                        return
                assert self._process is not None
                assert self._process.returncode is None, f"{self._service} has ended"
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def tell(self, topic: Topic, events: Iterable[Mapping[str, Any]]) -> None:
        """Puts the topic's first kind of event on it, by lead id."""
        await self._emitter.send(
            [
                Message(
                    topic.name,
                    ids.partition(one["lead_id"].encode(), PARTITIONS),
                    one["lead_id"].encode(),
                    msgspec.json.encode(one),
                    cloudevent.headers(
                        event_id=one["event_id"],
                        type_=topic.events[0],
                        source=topic.written_by[0],
                        time="2026-06-17T12:00:00Z",
                    ),
                    one["event_id"],
                )
                for one in events
            ]
        )

    async def say(self, topic: Topic, values: Iterable[Mapping[str, Any]]) -> None:
        """Puts values on a topic as somebody does who knows nothing of keys, numbers and headers."""
        await self._emitter.send(
            [
                Message(topic.name, number % PARTITIONS, None, msgspec.json.encode(one), [], "")
                for number, one in enumerate(values)
            ]
        )

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """One request to the API."""
        return await self.client.post(path, json=body)

    async def done(self, answered: httpx.Response) -> dict[str, Any]:
        """What became of a command that was accepted."""
        assert answered.status_code == 202, answered.text
        async with asyncio.timeout(self._seconds):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    said = (await self.client.get(f"/v1/commands/{answered.json()['command_id']}")).json()
                    if said.get("status") in ("done", "refused"):
                        return dict(said)
                await asyncio.sleep(0.1)

    async def until(self, sql: str, wanted: int) -> None:
        """Returns when this query of the store gives that number; a table that is not there yet gives none."""
        found = None
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    with contextlib.suppress(asyncpg.UndefinedTableError):
                        if (found := (await self.rows(sql))[0][0]) == wanted:
                            return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{sql}: {found}, not {wanted}") from None

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        """Any look into the store."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(sql))
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
        return [record async for record in read(self.kafka, places, committed_only=topic.transactional)]

    async def close(self) -> None:
        """Ends everything."""
        await self.kill()
        await self.client.aclose()
        await self._emitter.close()


async def empty(kafka: str, using: Sequence[Topic]) -> None:
    """All topics are there, and these hold nothing."""
    await topics.apply(kafka, PARTITIONS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in using])
    finally:
        await admin.close()
    await asyncio.sleep(1.0)  # the broker deletes when it likes
    await topics.apply(kafka, PARTITIONS)


@contextlib.asynccontextmanager
async def made(
    kafka: str, dsn: str, service: str, *, using: Sequence[Topic], seconds: float, **settings: str
) -> AsyncIterator[ServiceProcess]:
    """A service over an empty store and empty topics (those that it is `using`), not yet started."""
    await empty(kafka, using)
    process = ServiceProcess(kafka, dsn, service, settings, seconds=seconds)
    try:
        yield process
    finally:
        await process.close()
