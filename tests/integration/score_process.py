"""Score as a process of its own on a real Kafka and Postgres: started, killed, started again; what it is told and what it says. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
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
from shared.topology import COMMANDS, ENRICHED, SCORED, Topic

PARTITIONS = 4
TOKEN = "t" * 32


class ScoreProcess:
    """One instance of score over a store, which may be killed and started again. Only one test at a time may use these topics."""

    def __init__(self, kafka: str, dsn: str, ruleset: Path) -> None:
        self.kafka, self.dsn = kafka, dsn
        self._ruleset = ruleset
        self._emitter = Emitter(kafka, client_id="test")
        self._process: asyncio.subprocess.Process | None = None
        self._port = ports.free_base() + 30
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}", timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}
        )

    async def start(self, **environment: str) -> asyncio.subprocess.Process:
        """Starts it; `environment` such as CRASH_AT."""
        told = {
            "kafka": self.kafka,
            "store": self.dsn,
            "member": "score-0",
            "token": TOKEN,
            "secret": "the installation's secret",
            "http_port": str(self._port),
            "partitions": str(PARTITIONS),
            "session_timeout_ms": "6000",
            "score_ruleset": str(self._ruleset),
        }
        settings = {f"LEADFLOW_{name.upper()}": value for name, value in told.items()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.score.main",
            env={**os.environ, **settings, **environment},
            stdout=asyncio.subprocess.DEVNULL,
        )
        return self._process

    async def ready(self) -> None:
        """Returns when it says that it is ready."""
        async with asyncio.timeout(150):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await self.client.get("/readyz")).status_code == 200:
                        return
                assert self._process is not None
                assert self._process.returncode is None, "score has ended"
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def tell(self, enriched: Iterable[Mapping[str, Any]]) -> None:
        """Puts lead.enriched on their topic, by lead id."""
        await self._emitter.send(
            [
                Message(
                    ENRICHED.name,
                    ids.partition(one["lead_id"].encode(), PARTITIONS),
                    one["lead_id"].encode(),
                    msgspec.json.encode(one),
                    cloudevent.headers(
                        event_id=one["event_id"], type_="lead.enriched", source="enrich", time="2026-06-17T12:00:00Z"
                    ),
                    one["event_id"],
                )
                for one in enriched
            ]
        )

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """One request to the API."""
        return await self.client.post(path, json=body)

    async def done(self, answered: httpx.Response) -> dict[str, Any]:
        """What became of a command that was accepted."""
        assert answered.status_code == 202, answered.text
        async with asyncio.timeout(150):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    said = (await self.client.get(f"/v1/commands/{answered.json()['command_id']}")).json()
                    if said.get("status") in ("done", "refused"):
                        return dict(said)
                await asyncio.sleep(0.1)

    async def status(self) -> dict[str, Any]:
        """What is in force, and how far leads have come."""
        found: dict[str, Any] = (await self.client.get("/v1/rulesets/status")).json()
        return found

    async def until(self, sql: str, wanted: int, *, seconds: float = 120) -> None:
        """Returns when this query of the store gives that number."""
        found = None
        try:
            async with asyncio.timeout(seconds):
                while (found := (await self.rows(sql))[0][0]) != wanted:
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

    async def on(self, topic: Topic) -> list[Record]:
        """Everything on a topic, in the order of each number."""
        places = {(topic.name, part): 0 for part in range(PARTITIONS)}
        return [record async for record in read(self.kafka, places, committed_only=False)]

    async def close(self) -> None:
        """Ends everything."""
        await self.kill()
        await self.client.aclose()
        await self._emitter.close()


@contextlib.asynccontextmanager
async def made(kafka: str, dsn: str, ruleset: Path) -> AsyncIterator[ScoreProcess]:
    """Score over an empty store and empty topics, not yet started."""
    await topics.apply(kafka, PARTITIONS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in (ENRICHED, COMMANDS, SCORED)])
    finally:
        await admin.close()
    await asyncio.sleep(1.0)  # the broker deletes when it likes
    await topics.apply(kafka, PARTITIONS)
    score = ScoreProcess(kafka, dsn, ruleset)
    try:
        yield score
    finally:
        await score.close()
