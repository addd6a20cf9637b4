"""What the core sees as asyncpg's pool: each statement and each commit is an await where the world may fail. The server is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
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
        self._session = session

    def acquire(self) -> Acquired:
        """A session for as long as the block runs."""
        return Acquired(self._instance, self._session)

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        async with self.acquire() as connection:
            return await connection.fetch(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> str:
        async with self.acquire() as connection:
            return await connection.execute(sql, *arguments)


class Acquired:
    """What `async with pool.acquire()` enters."""

    __slots__ = ("_instance", "_make", "_session")

    def __init__(self, instance: Instance, make: Callable[[], Any]) -> None:
        self._instance = instance
        self._make = make

    async def __aenter__(self) -> Connection:
        world = self._instance.world
        if world.store_away:
            await world.pause("connect")
            raise world.rng.choice(_REFUSED)()
        self._session = self._make()
        self._instance.sessions[self._session] = None
        return Connection(world, self._session)

    async def __aexit__(self, *_: object) -> None:
        self._instance.sessions.pop(self._session, None)
        self._session.release()


class Connection:
    """One session as a client has it."""

    def __init__(self, world: Any, session: Any) -> None:
        self._world = world
        self._session = session

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

    def transaction(self) -> Transaction:
        """Commits at the end of the block, or rolls back what raises."""
        return Transaction(self._world, self._session)


class Transaction:
    """What `async with connection.transaction()` enters."""

    __slots__ = ("_session", "_world")

    def __init__(self, world: Any, session: Any) -> None:
        self._world = world
        self._session = session

    async def __aenter__(self) -> None:
        await self._session.begin()

    async def __aexit__(self, raised: object, *_: object) -> None:
        world, session = self._world, self._session
        if raised is not None:
            if not world.over:
                await world.pause("roll back")
                await session.rollback()
            return
        await world.pause("commit")
        fate = world.store_fate()
        if fate == "lost":
            session.kill()
            raise world.rng.choice(_BROKEN)()
        await session.commit()
        if world.trace is not None:
            world.note("  committed")
        if fate == "unanswered":
            session.kill()
            await world.pause("unanswered")
            raise world.rng.choice(_BROKEN)()
        await world.pause("committed")
