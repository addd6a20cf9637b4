"""One process of a service: settings, logs, database, HTTP, the stages' loops, and an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI

from shared import commands, database, ids, leaving, logs, ops, problem
from shared.commands import Send
from shared.database import Pool
from shared.documents import record
from shared.health import Health
from shared.message import Message
from shared.metrics import process
from shared.producer import Emitter
from shared.runner import Runner
from shared.settings import Common
from shared.stage import Stage

DRAIN_SECONDS = 10.0
SEND_SECONDS = 5.0
LEAVE_SECONDS = 5.0
# A batch makes tens of thousands of objects that live until it is committed, and hardly ever a cycle: at Python's own threshold (700) the
# collector looks through all of them again and again, for nothing.
_COLLECT_AFTER = 50_000


@dataclass(frozen=True, slots=True)
class Context:
    """What a service's routes may use. `send(topic, key, value, headers)` returns when the broker has the record, else TimeoutError;
    a record whose key is `*` goes to each of the `partitions` numbers."""

    pool: Pool
    send: Send
    health: Health
    partitions: int


def run(
    name: str,
    settings: Common,
    *,
    stages: Callable[[Pool], Sequence[Stage]],
    migrations: Path,
    routes: Callable[[Context], Sequence[APIRouter]] = lambda _: (),
    beside: Callable[[Context], Sequence[Coroutine[Any, Any, None]]] = lambda _: (),
) -> None:
    """Runs the service until SIGTERM or SIGINT; then drains within ten seconds. Exits with 1 when it can't go on. What runs `beside` its
    stages is cancelled then, wherever it is."""
    logs.configure(name, settings.member)
    listening = listen(settings.http_host, settings.http_port, f"LEADFLOW_{name.upper()}_PORT")
    uvloop.run(
        _serve(name, settings, stages=stages, migrations=migrations, routes=routes, beside=beside, listening=listening)
    )


def listen(host: str, port: int, variable: str) -> socket.socket:
    """A bound socket, or one clear line on stderr and exit code 2."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        print(
            f"Can't listen on {host}:{port}: {error.strerror}. Stop what uses that port, or choose another: {variable}=...",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    return made


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service decides what is drained first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone."""
        yield


def server(app: FastAPI | Callable[..., object]) -> Server:
    """A server with the house's settings; logs no request, since addresses are personal data."""
    return Server(
        uvicorn.Config(
            app,
            loop="none",
            http="httptools",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=65,
            timeout_graceful_shutdown=3,
        )
    )


async def _serve(
    name: str,
    settings: Common,
    *,
    stages: Callable[[Pool], Sequence[Stage]],
    migrations: Path,
    routes: Callable[[Context], Sequence[APIRouter]],
    beside: Callable[[Context], Sequence[Coroutine[Any, Any, None]]],
    listening: socket.socket,
) -> None:
    asyncio.get_running_loop().set_exception_handler(logs.of_the_loop)
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    health = Health()
    app = ops.app(name, health)
    http = server(ops.until_started(app, health))
    http_task = asyncio.create_task(http.serve(sockets=[listening]))
    stopped = asyncio.create_task(stop.wait())
    beating = asyncio.create_task(ops.beat())
    emitter = Emitter(settings.kafka, client_id=f"{settings.member}-api")
    try:
        opening = asyncio.create_task(_open_store(settings, migrations, health))
        await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            opening.cancel()
            return
        pool = opening.result()
        context = Context(pool, _sender(emitter, settings.partitions), health, settings.partitions)
        guard = [ops.operator(settings.token, settings.reading_token)]
        for router in (*routes(context), commands.routes(pool), ops.reject_routes(pool), ops.config_routes(settings)):
            app.include_router(router, dependencies=guard, responses=problem.declared(401, 403, 429))
        runners = [
            Runner(
                stage,
                pool,
                kafka=settings.kafka,
                member=settings.member,
                partitions=settings.partitions,
                session_timeout_ms=settings.session_timeout_ms,
                health=health,
            )
            for stage in stages(pool)
        ]
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again
        gc.set_threshold(_COLLECT_AFTER, 10, 10)
        loops = [asyncio.create_task(runner.run()) for runner in runners]
        others = [asyncio.create_task(one) for one in beside(context)]
        health.report("start", None)
        await asyncio.wait([*loops, *others, stopped], return_when=asyncio.FIRST_COMPLETED)
        health.draining = True
        for task in others:
            task.cancel()
        for runner in runners:
            runner.drain()
        _, late = await asyncio.wait([*loops, *others], timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
        if settings.leaves:
            await _leave(settings)
        failures = [task.exception() for task in (*loops, *others) if task.done() and not task.cancelled()]
        for failure in failures:
            if failure is not None:
                logs.get().error("the service can't go on", error=type(failure).__name__, exc_info=failure)
                print(f"{name}: {type(failure).__name__}", file=sys.stderr)
                raise SystemExit(1)
    finally:
        stopped.cancel()
        beating.cancel()
        http.should_exit = True
        await asyncio.wait([http_task], timeout=4.0)
        await emitter.close()


async def _leave(settings: Common) -> None:
    """Best effort: where it fails, the others take over after the session time-out."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(
            leaving.leave(settings.kafka, settings.member, patience_seconds=LEAVE_SECONDS), LEAVE_SECONDS
        )


async def _open_store(settings: Common, migrations: Path, health: Health) -> Pool:
    health.report("store", "waiting for the database")
    pool = await database.connect_patiently(settings.store)
    process.show_pool(pool)
    health.report("store", "migrating the database")
    await database.migrate(pool, database.CORE_MIGRATIONS, migrations)
    health.report("store", None)
    return pool


def _sender(emitter: Emitter, partitions: int) -> Send:
    async def send(topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        name = key.encode()
        parts = range(partitions) if name == record.KEY else (ids.partition(name, partitions),)
        try:
            messages = [Message(topic, part, name, value, headers, "") for part in parts]
            await asyncio.wait_for(emitter.send(messages), SEND_SECONDS)
        except TimeoutError:
            await emitter.replace()  # it may be stuck: the next request gets a new one
            raise

    return send
