"""What the core sees as asyncpg's pool: each statement and each commit is an await where the world may fail. The server is elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.simulation.loop import Instance

_BROKEN = (
    lambda: asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    lambda: ConnectionResetError("reset by peer"),
    lambda: TimeoutError(),
    lambda: asyncpg.AdminShutdownError("terminating connection due to administrator command"),
)
_REFUSED = (
    lambda: ConnectionRefusedError("no server"),
    lambda: asyncpg.CannotConnectNowError("the database system is starting up"),
)


class SimulatedPool:
    """Sessions of one instance. `session` makes one at the server (in memory or real)."""

    def __init__(self, instance: Instance, session: Callable[[], Any]) -> None:
        self._instance = instance
        self._world = instance.world
        self._session = session

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        if self._world.store_away:
            await self._world.pause("connect")
            raise self._world.rng.choice(_REFUSED)()
        session = self._session()
        self._instance.sessions.add(session)
        try:
            yield Connection(self._world, session)
        finally:
            self._instance.sessions.discard(session)
            session.release()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        async with self.acquire() as connection:
            return await connection.fetch(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> str:
        async with self.acquire() as connection:
            return await connection.execute(sql, *arguments)


class Connection:
    """One session as a client has it."""

    def __init__(self, world: Any, session: Any) -> None:
        self._world = world
        self._session = session
        self._in_transaction = False

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        world = self._world
        await world.pause(sql)
        fate = world.store_fate()
        if fate is None:
            rows: list[Any] = await self._session.run(sql, arguments)
        else:
            if fate == "unanswered":  # outside a transaction it stands
                await self._session.run(sql, arguments)
            self._session.kill()
            raise world.rng.choice(_BROKEN)()
        if world.rng.random() < 0.2:
            await world.pause("answer")
        return rows

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        rows = await self.fetch(sql, *arguments)
        return next(iter(rows[0].values())) if rows else None

    async def execute(self, sql: str, *arguments: Any) -> str:
        return f"DONE {len(await self.fetch(sql, *arguments))}"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        world, session = self._world, self._session
        await session.begin()
        try:
            yield
        except BaseException:
            if not world.over:
                await world.pause("roll back")
                await session.rollback()
            raise
        await world.pause("commit")
        fate = world.store_fate()
        if fate == "lost":
            session.kill()
            raise world.rng.choice(_BROKEN)()
        await session.commit()
        world.note("  committed")
        if fate == "unanswered":
            session.kill()
            await world.pause("unanswered")
            raise world.rng.choice(_BROKEN)()
        await world.pause("committed")
