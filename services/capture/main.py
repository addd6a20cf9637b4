"""Capture's wiring: settings, store, the way to Kafka, the door. One process; any number of them may run side by side."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import signal
import socket
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import uuid_utils
import uvloop
from fastapi import FastAPI

from services.capture import api, declared, fields
from services.capture.backlog import Backlog
from services.capture.broker import Broker
from services.capture.domain.captured import Scribe
from services.capture.domain.mailed import Links
from services.capture.door.desk import Desk
from services.capture.door.door import Door, is_hot
from services.capture.fetching import Fetching
from services.capture.limits import Limits
from services.capture.metrics import publish, publish_limits
from services.capture.properties import Properties
from services.capture.quota import Quota
from services.capture.reception import Reception, most_connections
from services.capture.settings import Settings
from services.capture.spool import Spool
from services.capture.writer import Writer
from shared import clock, database, logs, ops, problem, service, settings, topology
from shared.database import Pool
from shared.health import Health
from shared.metrics import process
from shared.metrics.door import SPOOL_LIMIT

MIGRATIONS = Path(__file__).parent / "migrations"
TOPICS = (topology.CAPTURED.name, topology.DEAD.name, topology.PRIVACY.name, topology.COMMANDS.name)
_WATCH_SECONDS = 0.5
_AGAIN_SECONDS = 0.5
_LAST_FLIGHT_SECONDS = 6.0
_AGAIN_SECONDS = 1.0
# A request leaves some thirty objects until its flight has landed, and hardly ever a cycle: at Python's own threshold (700) the
# collector looks through all that flies again and again, for nothing.
COLLECT_AFTER = 20_000
_UNREAD_BYTES = 64 * 1024  # that the system keeps for who does not read; it would take megabytes, and each answer costs


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels these tasks and returns when the last one is over. A client that is just closing a connection may keep a cancellation to
    itself (aiokafka's do): then it is asked again."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_AGAIN_SECONDS)


class Parts:
    """What one process is made of, so that tests can put it together without a socket."""

    def __init__(self, config: Settings, pool: Pool, health: Health) -> None:
        self.config = config
        self.pool = pool
        self.health = health
        self.broker = Broker(config.kafka, client_id=f"{config.member}-door", topics=TOPICS)
        # The spool drains through a producer of its own: a lane that hangs there must not disturb those that don't.
        self.drain = Broker(config.kafka, client_id=f"{config.member}-drain", topics=TOPICS)
        self.spool = Spool(
            config.store,
            holder=f"{config.member}/{uuid_utils.uuid7()}",
            write=self.drain.write,
            budget_seconds=config.spool_budget_seconds,
            limit_events=config.spool_limit_events,
        )
        self.writer = Writer(write=self.broker.write, spool=self.spool, budget_seconds=config.kafka_budget_seconds)
        SPOOL_LIMIT.set(config.spool_limit_events)
        self.properties = Properties()
        self.quota = Quota(config.store)
        self.limits = Limits(config.rates, self.quota)
        self.backlog = Backlog(
            config.kafka,
            topic=topology.CAPTURED.name,
            group=f"leadflow-{topology.CAPTURED.read_by[0]}",
            limit_seconds=config.backlog_limit_seconds,
        )
        scribe = Scribe(
            secret=config.secret.encode(), partitions=config.partitions, new_id=lambda: str(uuid_utils.uuid7())
        )
        self.fetching = Fetching(
            config.store,
            properties=self.properties,
            scribe=scribe,
            durable=self.writer.durable,
            now=clock.now,
            chance=random.random,
            budget_seconds=config.spool_budget_seconds,
        )
        self.door = Door(
            Desk(
                properties=self.properties,
                writer=self.writer,
                scribe=scribe,
                now=clock.now,
                limits=self.limits,
                behind=lambda: self.backlog.too_long,
                proxies=config.proxies,
                country_headers=config.country_header_names,
                keep_notices=self.fetching.keep,
                public_url=config.public_url,
                links=Links(config.secret.encode(), config.link_hosts, config.partitions),
            )
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reads the properties and what the spool holds, then accepts events. Raises what Postgres raises."""
        self.broker.start()
        self.drain.start()
        await self.properties.refresh(self.pool)
        await self.spool.look()
        self._writing = asyncio.create_task(self.writer.run())
        work: list[Coroutine[Any, Any, None]] = [
            self.spool.run(),
            self.properties.follow(self.config.store),
            self.quota.run(),
            self.backlog.run(),
            self.fetching.run(),
            self._watch(),
            ops.beat(),
        ]
        self._tasks = [asyncio.create_task(one) for one in work]

    async def close(self) -> None:
        """The last flight lands, then everything ends. Nobody may put events any more."""
        self.writer.close()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=_LAST_FLIGHT_SECONDS)
        await ended(self._tasks)
        await asyncio.gather(self.broker.close(), self.drain.close())

    async def _watch(self) -> None:
        """Tells health and metrics how things are. Ready means: what comes is accepted, be it by Kafka or by the spool."""
        while True:
            trouble = None
            if self.spool.full():
                trouble = "the spool is past the operator's bound (LEADFLOW_SPOOL_LIMIT_EVENTS)"
            elif self.broker.trouble and self.spool.trouble:
                trouble = f"{self.broker.trouble}; {self.spool.trouble}"
            self.health.report("durability", trouble)
            # While rows wait, the door does not try Kafka: then who drains knows.
            kafka = self.broker.trouble or self.drain.trouble
            self.health.note("kafka", kafka and f"{kafka}: events go into the spool")
            self.health.report("backlog", self._backlog_tells())
            self.health.note("spool", self._spool_tells())
            publish(self.writer, self.spool, kafka_answers=self.broker.trouble is None)
            publish_limits(self.limits, self.backlog)
            await asyncio.sleep(_WATCH_SECONDS)

    def _backlog_tells(self) -> str | None:
        if not self.backlog.too_long:
            return None
        return f"enrich is {self.backlog.seconds:.0f} s behind, more than the operator's bound (LEADFLOW_BACKLOG_LIMIT_SECONDS)"

    def _spool_tells(self) -> str | None:
        if self.spool.trouble:
            return f"{self.spool.trouble}: without it an absence of Kafka means 503"
        if not self.spool.events:
            return None
        return f"{self.spool.events} events wait for Kafka, the oldest for {self.spool.oldest_seconds:.0f} s"


def fastapi_app(health: Health) -> FastAPI:
    """The FastAPI app behind the door, with the hot routes in its OpenAPI document."""
    app = ops.app("capture", health)
    app.include_router(fields.routes())
    plain = app.openapi
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(declared.complete(plain()))
        return made

    app.openapi = openapi  # type: ignore[method-assign]
    return app


async def serve(config: Settings, listening: socket.socket) -> None:
    """Runs until SIGTERM or SIGINT: then no new connections, the open requests get their answers, and the process ends."""
    asyncio.get_running_loop().set_exception_handler(logs.of_the_loop)
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    health = Health()
    app = fastapi_app(health)
    parts: list[Parts] = []
    # Until the store has answered once there are no properties: whoever sends is told to come again.
    http = service.server(ops.until_started(app, health, elsewhere=is_hot))
    http.config.http = Reception(  # type: ignore[assignment]
        lambda: parts[0].door if parts else None,
        most=most_connections(),
        each=config.address_connections,
        proxies=config.proxies,
    )
    http_task = asyncio.create_task(http.serve(sockets=[listening]))
    stopped = asyncio.create_task(stop.wait())
    opening = asyncio.create_task(_open(config, health, app))
    await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        parts.append(opening.result())
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again
        gc.set_threshold(COLLECT_AFTER, 10, 10)
        health.report("start", None)
        await stopped
    health.draining = True
    http.should_exit = True  # answers what is open, within the server's own time-out
    await asyncio.wait([http_task], timeout=5.0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening
    for running in parts:
        await running.close()
        running.pool.terminate()


async def _open(config: Settings, health: Health, app: FastAPI) -> Parts:
    """Opens the door, however long the store is away and however often it goes away again meanwhile: a door that ended would leave
    nobody to say 503. Raises what is not the world's fault."""
    while True:
        health.report("store", "waiting for the database: without it no write key is known")
        pool = await database.connect_patiently(config.store)
        parts = Parts(config, pool, health)
        try:
            await database.migrate(pool, MIGRATIONS)
            await parts.start()
            process.show_pool(pool)
            break
        except BaseException as error:
            await parts.close()
            pool.terminate()
            if not database.is_worlds_fault(error):
                raise
            logs.get().warning("the database went away while the door opened, trying again", error=type(error).__name__)
        await asyncio.sleep(_AGAIN_SECONDS)
    guard = [ops.operator(config.token, config.reading_token)]
    app.include_router(api.routes(pool, parts.properties), dependencies=guard)
    app.include_router(ops.config_routes(config), dependencies=guard, responses=problem.declared(401, 403, 429))
    health.report("store", None)
    return parts


def main() -> None:
    """The process."""
    config = settings.load(Settings)
    logs.configure("capture", config.member)
    # It warns of each broken body; whoever sent that is told already.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    listening = service.listen(config.http_host, config.http_port, "LEADFLOW_CAPTURE_PORT")
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    uvloop.run(serve(config, listening))


if __name__ == "__main__":
    main()
