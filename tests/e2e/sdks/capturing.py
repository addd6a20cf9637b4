"""Capture as a process of its own on a real Kafka and Postgres, and what arrives on leads.captured.v1, for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import msgspec

from deploy.local import ports
from shared import topology
from tests.integration.capture import TOKEN, reader
from tests.stack import Infrastructure

Event = dict[str, Any]


class Arrivals:
    """Everything that arrives on leads.captured.v1 and leads.dead.v1 while this runs, read in a thread."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._events: list[tuple[str, Event]] = []
        self._begun, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True)

    def __enter__(self) -> Arrivals:
        self._thread.start()
        assert self._begun.wait(60), "no reader of the topics"
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    async def _read(self) -> None:
        async with reader(self._kafka) as topics:
            self._begun.set()
            while not self._end.is_set():
                for record in await topics.more():
                    with contextlib.suppress(msgspec.DecodeError):  # other tests' garbage
                        self._events.append((record.topic, msgspec.json.decode(record.value or b"")))

    def of(self, property_: str, enough: Callable[[list[Event]], bool], *, seconds: float = 30) -> list[Event]:
        """The events of a property as soon as there are enough, repeats included. Fails the test when there are not in time."""
        deadline = time.monotonic() + seconds
        while not enough(found := self.now(property_)):
            assert time.monotonic() < deadline, f"these came: {[(one['kind'], one['name']) for one in found]}"
            time.sleep(0.05)
        return found

    def now(self, property_: str) -> list[Event]:
        """The events of a property that are there now. Fails the test when capture refused any."""
        assert not [event for topic, event in self._events if topic == topology.DEAD.name], "capture refused events"
        return [event for _, event in self._events if event.get("property") == property_]


@dataclass(frozen=True, slots=True)
class Front:
    """Capture's front door: its origin, and what comes out behind it."""

    url: str
    arrivals: Arrivals

    def new_property(self, *origins: str, **more: str) -> tuple[str, str]:
        """A property of its own for a test: (its id, its write key)."""
        made = httpx.post(
            f"{self.url}/v1/properties",
            json={"name": "Site", "origins": origins, **more},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
        ).json()
        return made["property"], made["write_key"]


@contextlib.contextmanager
def front(infrastructure: Infrastructure) -> Iterator[Front]:
    """One capture process with a database of its own."""
    server, name = infrastructure.postgres, f"sdks_{uuid.uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name}")
    port = ports.free_base() + 10
    environment = {
        "LEADFLOW_KAFKA": infrastructure.kafka,
        "LEADFLOW_STORE": f"{server.rpartition('/')[0]}/{name}",
        "LEADFLOW_MEMBER": "capture-0",
        "LEADFLOW_TOKEN": TOKEN,
        "LEADFLOW_SECRET": "the installation's secret",
        "LEADFLOW_HTTP_PORT": str(port),
    }
    url = f"http://127.0.0.1:{port}"
    with Arrivals(infrastructure.kafka) as arrivals:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.capture.main"],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
        )
        try:
            _until_ready(process, url)
            yield Front(url, arrivals)
        finally:
            process.terminate()
            process.wait(20)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        assert process.poll() is None, "capture ended"
        time.sleep(0.1)


def _execute(server: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as elsewhere:  # a browser's own loop may be running here
        elsewhere.submit(asyncio.run, run()).result()
