"""The stack that the chaos breaks: starts it in a home of its own, and what every drill asks of it. Breaks nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from aiokafka.errors import KafkaError

from deploy.local import installation, layout, ports, stack, supervisor
from deploy.local.installation import Installation
from deploy.local.layout import SERVICES, Layout, SetupError
from services.console import reading
from services.console.where import Trouble
from tests.chaos.ledger import Book

STAGED = ("enrich", "score", "route")  # the services that own partition numbers and hold promises about them
MOVED = (*STAGED, "console")
SESSION_SECONDS = 6.0  # the shortest that the services take: so a successor comes soon
_MARK = "chaos-run"  # a file in the home: this stack may be broken and thrown away


class Missed(Exception):
    """A drill found nothing to break at its moment; that is no failure, only one time less."""


@dataclass(slots=True)
class Rig:
    """One running stack with its ledger. `busy` holds one lock a service: who holds it breaks that service alone."""

    layout: Layout
    facts: Installation
    book: Book
    orders: Path
    busy: dict[str, asyncio.Lock] = field(default_factory=lambda: {service: asyncio.Lock() for service in SERVICES})

    def dsn(self, service: str, database: str | None = None) -> str:
        """The address of a service's store."""
        return self.facts.store(self.layout, service, database)

    def url(self, member: str) -> str:
        """An instance's address for HTTP."""
        return stack.url(self.layout, member)

    def now(self) -> Layout:
        """The layout with as many instances as there are now."""
        return layout.saved(self.layout)

    def members(self, service: str = "") -> list[str]:
        """The instances that there are now."""
        return [one for one in self.now().members if not service or one.startswith(f"{service}-")]

    async def pids(self) -> dict[str, int]:
        """What runs: program to pid."""
        found = await asyncio.to_thread(supervisor.processes, self.layout)
        return {name: process.pid for name, process in found.items() if process.pid}

    async def fetch(self, service: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """A look into a store; raises what asyncpg raises when it is away."""
        connection = await asyncpg.connect(self.dsn(service), timeout=5)
        try:
            return list(await connection.fetch(sql, *arguments, timeout=60))
        finally:
            await connection.close()

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Where each partition of these topics ends now. TimeoutError while the broker is away."""
        try:
            return dict(await reading.ends(self.layout.kafka, topics))
        except (Trouble, KafkaError) as away:
            raise TimeoutError(str(away)) from None

    async def ready(self, member: str) -> bool | None:
        """What an instance says of itself; None when it says nothing within a second."""
        try:
            async with httpx.AsyncClient(timeout=1, trust_env=False, verify=False) as client:
                return (await client.get(f"{self.url(member)}/readyz")).status_code == 200
        except httpx.HTTPError:
            return None


@contextlib.contextmanager
def rig(home: Path, port_base: int | None, *, services: Sequence[str] = SERVICES) -> Iterator[Rig]:
    """A fresh stack with two doors, whose processes follow orders to die. It ends with this process; its home, with the logs, stays.

    Of other `services` than those that are named there is no instance.
    """
    home = home.absolute()
    _emptied(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()
    orders = home / "orders"
    orders.mkdir()
    settings = {name: value for name, value in os.environ.items() if name == "LEADFLOW_CACHE"}
    settings |= {"LEADFLOW_HOME": str(home), "LEADFLOW_PORT_BASE": str(port_base or ports.free_base())}
    told = {"LEADFLOW_SESSION_TIMEOUT_MS": str(int(SESSION_SECONDS * 1000)), "CRASH_ORDERS": str(orders)}
    wanted = layout.from_environment(settings)
    wanted = replace(
        wanted,
        tied_to=os.getpid(),
        instances={service: 2 if service == "capture" else 1 for service in services},
        environment={**dict.fromkeys(MOVED, told), "capture": {"CRASH_ORDERS": str(orders)}},
    )
    book = Book(home / "ledger.jsonl")
    try:
        running = stack.start(wanted)
        yield Rig(running, installation.load_or_make(running, {}), book, orders)
    finally:
        book.close()
        _wake(wanted)
        stack.stop(wanted)


def remove(home: Path) -> None:
    """Throws away what a run left in its home."""
    _emptied(home.absolute())


def _emptied(home: Path) -> None:
    """Removes an earlier run; a home that is not one of ours is never touched."""
    if not home.exists() or not any(home.iterdir()):
        return
    if not (home / _MARK).exists():
        raise SetupError(f"{home} holds something that is no chaos run. Name an empty folder: --home.")
    left = layout.from_environment({"LEADFLOW_HOME": str(home)})
    stack.stop(left)
    stack.remove(left)
    if home.exists():
        shutil.rmtree(home)


def _wake(wanted: Layout) -> None:
    """What is frozen can't be stopped politely."""
    with contextlib.suppress(OSError, psutil.Error):
        for process in supervisor.processes(wanted).values():
            if process.pid and psutil.Process(process.pid).status() == psutil.STATUS_STOPPED:
                psutil.Process(process.pid).resume()
