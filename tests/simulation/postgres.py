"""The store of schedules in a real Postgres: the same sessions as in memory, so that the memory is shown to tell the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from tests.simulation.loop import OUTSIDE, VirtualLoop

_TABLES = ("cursor", "outbox", "inbox", "recalled", "tally")


class PostgresStore:
    """One migrated database for many schedules, one after the other. Connections are made outside of any instance and used again."""

    def __init__(self, loop: VirtualLoop, dsn: str, tables: Sequence[str] = _TABLES) -> None:
        self.loop = loop
        self._dsn = dsn
        self._tables = tables
        self._free: list[Any] = []
        self._sessions: list[PostgresSession] = []

    def session(self) -> PostgresSession:
        made = PostgresSession(self)
        self._sessions.append(made)
        return made

    async def connection(self) -> Any:
        """A connection that nobody uses."""
        while self._free:
            found = self._free.pop()
            if not found.is_closed():
                return found
        return await asyncpg.connect(
            self._dsn,
            server_settings={"lock_timeout": "8000", "timezone": "UTC", "jit": "off", "application_name": "sim"},
        )

    def give_back(self, connection: Any) -> None:
        self._free.append(connection)

    def reset(self) -> None:
        """An empty store for the next schedule, once the last one's sessions are gone, on the server too."""
        for session in self._sessions:
            session.kill()
        self._sessions.clear()
        self.loop.run_until_complete(self.loop.create_task(self._reset(), context=OUTSIDE))

    async def _reset(self) -> None:
        # An idle one may have a statement on its way that it has not read yet, so all but those that are given back have to go.
        while await self._ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL($1)"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            [connection.get_server_pid() for connection in self._free if not connection.is_closed()],
        ):
            pass
        for table in self._tables:
            await self._ask(f"DELETE FROM {table}")

    async def _ask(self, sql: str, *arguments: Any) -> list[Any]:
        self.loop.answers_awaited += 1
        try:
            connection = await self.connection()
            rows: list[Any] = await connection.fetch(sql, *arguments)
        finally:
            self.loop.answers_awaited -= 1
        self.give_back(connection)
        return rows

    async def content(self) -> dict[str, list[dict[str, Any]]]:
        """The committed rows of each table that the check looks at, all as of one moment: an instance may commit between two looks."""
        self.loop.answers_awaited += 1
        try:
            connection = await self.connection()
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                found = {
                    name: [dict(row) for row in await connection.fetch(f"SELECT * FROM {name}")]
                    for name in self._tables
                }
        finally:
            self.loop.answers_awaited -= 1
        self.give_back(connection)
        return found

    async def backup(self) -> Any:
        return await self.content(), None

    async def restore(self, backup: Any) -> None:
        """An older state stands again."""
        tables, _ = backup
        for name in self._tables:
            await self._ask(f"DELETE FROM {name}")
            for row in tables.get(name, ()):
                places = ", ".join(f"${at + 1}" for at in range(len(row)))
                await self._ask(
                    f"INSERT INTO {name} ({', '.join(row)}) OVERRIDING SYSTEM VALUE VALUES ({places})", *row.values()
                )

    def close(self) -> None:
        """Ends all connections."""
        for session in self._sessions:
            session.kill()
        for connection in self._free:
            connection.terminate()
        self.loop.run_until_complete(asyncio.sleep(0.1))  # the loop closes what was ended


class PostgresSession:
    """One session of an instance. What it asks the server does, whatever becomes of the instance meanwhile."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._connection: Any = None
        self._begun = False
        self.open = self.busy = self.gone = False

    async def begin(self) -> None:
        """The first statement sends it along."""
        self.open = True

    def run(self, sql: str, arguments: Sequence[Any]) -> asyncio.Future[list[Any]]:
        answer: asyncio.Future[list[Any]] = self._store.loop.create_future()
        self.busy = True
        self._store.loop.create_task(self._serve(sql, arguments, answer), context=OUTSIDE)
        return answer

    async def _serve(self, sql: str, arguments: Sequence[Any], answer: asyncio.Future[list[Any]]) -> None:
        loop = self._store.loop
        loop.answers_awaited += 1
        rows: list[Any] = []
        error: Exception | None = None
        try:
            if self._connection is None and not self.gone:
                self._connection = await self._store.connection()
            if self.gone:
                raise asyncpg.ConnectionDoesNotExistError("connection was closed")
            if self.open and not self._begun:
                self._begun = True
                await self._connection.execute("BEGIN")
            rows = await self._connection.fetch(sql, *arguments)
        except Exception as caught:
            error = caught
        finally:
            loop.answers_awaited -= 1
            self.busy = False
        if self.gone and self._connection is not None:
            self._connection.terminate()
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(rows)

    async def commit(self) -> None:
        """Raises when the server has ended the session."""
        if self._begun or self.gone:
            await self.run("COMMIT", ())
        self.open = self._begun = False

    async def rollback(self) -> None:
        """What was written is forgotten."""
        if self._begun and not self.gone:
            await self.run("ROLLBACK", ())
        self.open = self._begun = False

    def release(self) -> None:
        """The client gives it back."""
        if self.gone or self._connection is None:
            return
        if self.busy or self._begun:
            self.kill()
        else:
            connection, self._connection = self._connection, None
            self.gone = True
            self._store.give_back(connection)

    def kill(self) -> None:
        """The connection breaks; the server rolls back as soon as it notices."""
        if not self.gone:
            self.gone = True
            if self._connection is not None:
                self._connection.terminate()
