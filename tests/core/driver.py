"""Starting, killing, freezing and reading the tally stage from a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from shared import ids, topics
from shared.message import Message
from shared.producer import Emitter
from shared.reader import read
from shared.topology import DEAD
from tests.core.process import topics as topics_of

ROOT = Path(__file__).parents[2]
PARTITIONS = 4


def event_id(text: str) -> str:
    """A UUID that `text` always gives."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


class Drive:
    """One test's topics, store and processes."""

    def __init__(self, kafka: str, store: str, prefix: str) -> None:
        self.kafka, self.store, self.prefix = kafka, store, prefix
        self.reads, self.sums, self.tens = topics_of(prefix)
        self.stage_name = f"tally-{prefix}"
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.ports: dict[str, int] = {}
        self._logs: list[Any] = []
        self.emitter = Emitter(kafka, client_id="driver")

    async def prepare(self) -> None:
        """Makes the topics."""
        await topics.apply(self.kafka, PARTITIONS, topics=[self.reads, self.sums, self.tens])
        await topics.apply(self.kafka, PARTITIONS, topics=[DEAD])

    async def start(self, member: str = "tally-0", **environment: str) -> asyncio.subprocess.Process:
        """Starts an instance; extra environment such as CRASH_AT."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.ports[member] = port
        log = (Path("/tmp") / f"{self.prefix}-{member}.log").open("ab")
        self._logs.append(log)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.core.process",
            self.prefix,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={
                **os.environ,
                "LEADFLOW_KAFKA": self.kafka,
                "LEADFLOW_STORE": self.store,
                "LEADFLOW_MEMBER": member,
                "LEADFLOW_TOKEN": "t" * 32,
                "LEADFLOW_SECRET": "s" * 32,
                "LEADFLOW_HTTP_PORT": str(port),
                "LEADFLOW_PARTITIONS": str(PARTITIONS),
                "LEADFLOW_SESSION_TIMEOUT_MS": "6000",
                **environment,
            },
        )
        self._processes[member] = process
        return process

    async def kill(self, member: str = "tally-0", sign: int = signal.SIGKILL) -> None:
        """Sends a signal; after one that ends a process, waits for its end."""
        process = self._processes[member]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        if sign in (signal.SIGKILL, signal.SIGTERM):
            await asyncio.wait_for(process.wait(), 20)

    async def close(self) -> None:
        """Ends everything."""
        for process in self._processes.values():
            if process.returncode is None:
                process.kill()
                await process.wait()
        for log in self._logs:
            log.close()
        await self.emitter.close()

    async def add(self, events: Sequence[dict[str, Any]], *, raw: Sequence[bytes] = ()) -> None:
        """Produces events ({key, n, ...}; without event_id one is made), and raw bytes on number 0."""
        messages = []
        for event in events:
            event = {"event_id": str(uuid.uuid4()), "n": 1, **event}
            key = event["key"].encode()
            messages.append(
                Message(self.reads.name, ids.partition(key, PARTITIONS), key, msgspec.json.encode(event), [], "")
            )
        messages += [Message(self.reads.name, 0, b"garbage", value, [("x-from", b"test")], "") for value in raw]
        await self.emitter.send(messages)

    async def rows(self) -> dict[str, asyncpg.Record]:
        """The store's sums by key."""
        with contextlib.suppress(asyncpg.UndefinedTableError):
            connection = await asyncpg.connect(self.store)
            try:
                return {row["key"]: row for row in await connection.fetch("SELECT * FROM tally")}
            finally:
                await connection.close()
        return {}

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Any look into the store."""
        connection = await asyncpg.connect(self.store)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def until_counted(self, total: int, *, seconds: float = 40) -> None:
        """Returns when the store has counted `total` events."""
        async with asyncio.timeout(seconds):
            while True:
                rows = await self.rows()
                if sum(row["count"] for row in rows.values()) >= total:
                    return
                await asyncio.sleep(0.1)

    async def until_idle(self, *, seconds: float = 20) -> None:
        """Returns when the outbox is empty: everything that was decided is on its topic."""
        async with asyncio.timeout(seconds):
            while await self.fetch("SELECT 1 FROM outbox LIMIT 1"):
                await asyncio.sleep(0.1)

    async def told(self, topic: str, *, committed_only: bool = False) -> list[dict[str, Any]]:
        """Every physical record of a topic, decoded."""
        found = []
        async for record in read(
            self.kafka, {(topic, part): 0 for part in range(PARTITIONS)}, committed_only=committed_only
        ):
            found.append({**msgspec.json.decode(record.value), "part": record.part, "ce": record.headers})
        return found

    async def dead(self) -> list[dict[str, Any]]:
        """This stage's dead letters."""
        return [one for one in await self.told(DEAD.name) if one["service"] == self.stage_name]

    async def until_dead(self, count: int, *, seconds: float = 30) -> list[dict[str, Any]]:
        """This stage's dead letters, once there are `count`."""
        async with asyncio.timeout(seconds):
            while len(found := await self.dead()) < count:
                await asyncio.sleep(0.2)
        return found

    async def ready(self, member: str = "tally-0", *, seconds: float = 30) -> None:
        """Returns when the instance says that it is ready."""
        import httpx

        async with asyncio.timeout(seconds), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(f"http://127.0.0.1:{self.ports[member]}/readyz")
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(0.1)


def counts(records: Sequence[dict[str, Any]]) -> Counter[tuple[str, int]]:
    """How often each (key, count) was told."""
    return Counter((record["key"], record["count"]) for record in records)


__all__ = ["PARTITIONS", "Drive", "counts", "event_id"]
