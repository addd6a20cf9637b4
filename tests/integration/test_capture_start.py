"""Capture that starts while Postgres is away: it says 503 and why, and opens by itself when Postgres is there (C5)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx

from tests.integration.capture_process import Running, ready, starting

EVENT = {"userId": "u1", "event": "x"}


class Way:
    """A way to a real Postgres that is closed at first; once open, it breaks as many connections as `breaks` says when they are about
    to migrate."""

    def __init__(self, dsn: str) -> None:
        to = urlsplit(dsn)
        self._to = (to.hostname or "127.0.0.1", to.port or 5432)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        who = f"{to.netloc.rpartition('@')[0]}@" if "@" in to.netloc else ""
        self.dsn = to._replace(netloc=f"{who}127.0.0.1:{self._port}").geturl()
        self.breaks = 0
        self._through: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """From now on Postgres can be reached."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        try:
            yield
        finally:
            server.close()
            for one in self._through:
                one.cancel()
            await asyncio.gather(*self._through, return_exceptions=True)
            await asyncio.sleep(0)  # the ends of the lines are closed

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_postgres, to_postgres = await asyncio.open_connection(*self._to)
        both = [(reader, to_postgres), (from_postgres, writer)]
        for source, sink in both:
            task = asyncio.create_task(self._pass_on(source, sink))
            self._through.add(task)
            task.add_done_callback(self._through.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    if self.breaks and b"pg_advisory" in data:  # connected, and now it would look after its tables
                        self.breaks -= 1
                        return
                    sink.write(data)
                    await sink.drain()
        finally:
            sink.transport.abort()


async def listens(capture: Running) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await capture.client.get("/livez")).status_code == 200:
                return
        assert capture.process.returncode is None
        await asyncio.sleep(0.1)


async def test_a_door_without_postgres_says_503_and_why_and_opens_when_postgres_comes(kafka: str, store: str) -> None:
    way = Way(store)
    async with starting(kafka, way.dsn) as capture:
        await listens(capture)
        for path in ("/v1/track", "/v1/batch", "/v1/forms/demo", "/v1/hooks/meta/shop"):
            answered = await capture.client.post(path, json=EVENT, auth=("wk_any", ""))
            assert answered.status_code == 503, path
            assert answered.headers["content-type"] == "application/problem+json"
            assert int(answered.headers["retry-after"]) >= 1
        told = await capture.client.get("/readyz")
        assert told.status_code == 503
        assert "waiting for the database" in told.json()["reasons"]["store"]
        assert capture.process.returncode is None
        way.breaks = 3
        async with way.opened():
            await ready(capture)
            assert way.breaks == 0
            key = await capture.a_key("Shop")
            answered = await capture.client.post("/v1/track", json=EVENT, auth=(key, ""))
            assert answered.status_code == 200
