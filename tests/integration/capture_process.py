"""Capture as a process of its own on a real Kafka and Postgres, with a property, for tests and for abuse."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx

from deploy.local import ports
from tests.integration.capture import TOKEN


@dataclass(frozen=True, slots=True)
class Running:
    """A process and a client; `key` is the write key of a property called Shop."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    port: int
    key: str

    async def a_key(self, name: str) -> str:
        """The write key of a new property."""
        answered = await self.client.post(
            "/v1/properties", json={"name": name}, headers={"Authorization": f"Bearer {TOKEN}"}
        )
        return str(answered.json()["write_key"])


@contextlib.asynccontextmanager
async def starting(kafka: str, dsn: str, **more: str) -> AsyncIterator[Running]:
    """One instance that may not be ready yet, without a key; `more` are settings (`key_events_per_second="100"`). Killed at the end."""
    port = ports.free_base() + 10
    told = {
        "kafka": kafka,
        "store": dsn,
        "member": "capture-0",
        "token": TOKEN,
        "secret": "the installation's secret",
        "http_port": str(port),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.capture.main",
        env={**os.environ, **{f"LEADFLOW_{name.upper()}": value for name, value in told.items()}},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Running(process, client, port, "")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(capture: Running) -> None:
    """Returns when the instance says that it is ready."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await capture.client.get("/readyz")).status_code == 200:
                return
        assert capture.process.returncode is None
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def running(kafka: str, dsn: str, **more: str) -> AsyncIterator[Running]:
    """As `starting`, ready and with a property."""
    async with starting(kafka, dsn, **more) as made:
        await ready(made)
        yield replace(made, key=await made.a_key("Shop"))
