"""A Postgres in memory, as far as one batch can tell: row locks, READ COMMITTED, deadlocks, roll-back. Its statements are in statements.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import asyncpg

from tests.simulation.loop import OUTSIDE, VirtualLoop

LOCK_TIMEOUT_SECONDS = 8.0
Key = tuple[str, Any]  # table, primary key
Row = dict[str, Any]
Handler = Callable[..., Awaitable[list[Row]]]


class Tables:
    """What is committed, who holds which row, and the sequences."""

    def __init__(self, loop: VirtualLoop, statements: Callable[[str], Handler]) -> None:
        self.loop = loop
        self.statements = statements
        self.rows: dict[str, dict[Any, Row]] = {}
        self.locks: dict[Key, Session] = {}
        self.waiting: dict[Key, list[asyncio.Future[None]]] = {}
        self.sequences: dict[str, int] = {}

    def next(self, sequence: str) -> int:
        """Sequences do not roll back."""
        self.sequences[sequence] = value = self.sequences.get(sequence, 0) + 1
        return value

    def table(self, name: str) -> dict[Any, Row]:
        """The committed rows of a table by primary key."""
        found = self.rows.get(name)
        if found is None:
            found = self.rows[name] = {}
        return found

    def snapshot(self) -> tuple[dict[str, dict[Any, Row]], dict[str, int]]:
        """A backup of what is committed."""
        return {name: dict(rows) for name, rows in self.rows.items()}, dict(self.sequences)


class Session:
    """One connection: at most one transaction. What it writes others see once it has committed."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.writes: dict[Key, Row | None] = {}
        self.held: list[Key] = []
        self.waits_for: Key | None = None
        self.gone = False
        self.failed = False
        self.busy = False
        self.open = False
        self._waiter: asyncio.Future[None] | None = None

    # -- what a statement does -----------------------------------------------------------------------------------------

    def get(self, table: str, key: Any) -> Row | None:
        """A row as this session sees it now."""
        place = (table, key)
        if place in self.writes:
            return self.writes[place]
        return self.tables.table(table).get(key)

    def scan(self, table: str) -> Iterator[tuple[Any, Row]]:
        """All rows of a table as this session sees them now."""
        for key, row in list(self.tables.table(table).items()):
            if (table, key) not in self.writes:
                yield key, row
        for (name, key), written in list(self.writes.items()):
            if name == table and written is not None:
                yield key, written

    def put(self, table: str, key: Any, row: Row | None) -> None:
        """Writes (None: deletes) a row that is locked."""
        self.writes[table, key] = row

    async def lock(self, table: str, key: Any) -> None:
        """Waits until the row, or the place where it will be, is ours."""
        place = (table, key)
        locks = self.tables.locks
        while (holder := locks.get(place)) is not None and holder is not self:
            other: Session | None = holder
            while other is not None and other.waits_for is not None:
                other = locks.get(other.waits_for)
                if other is self:
                    raise asyncpg.DeadlockDetectedError("deadlock detected")
            waiter: asyncio.Future[None] = self.tables.loop.create_future()
            self.tables.waiting.setdefault(place, []).append(waiter)
            self.waits_for, self._waiter = place, waiter
            timer = self.tables.loop.call_later(LOCK_TIMEOUT_SECONDS, self._time_out, waiter, context=OUTSIDE)
            try:
                await waiter
            finally:
                timer.cancel()
                self.waits_for = self._waiter = None
        if holder is None:
            locks[place] = self
            self.held.append(place)

    @staticmethod
    def _time_out(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(asyncpg.LockNotAvailableError("canceling statement due to lock timeout"))

    # -- what a client does --------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """The first statement sends it along."""
        self.open = True

    def run(self, sql: str, arguments: Sequence[Any]) -> asyncio.Future[list[Row]]:
        """Runs a statement at the server, whatever becomes of the client meanwhile."""
        answer: asyncio.Future[list[Row]] = self.tables.loop.create_future()
        if self.gone:
            answer.set_exception(asyncpg.ConnectionDoesNotExistError("connection was closed"))
        elif self.failed:
            answer.set_exception(asyncpg.InFailedSQLTransactionError("current transaction is aborted"))
        else:
            self.busy = True
            self._drive(self.tables.statements(sql)(self, *arguments), answer)
        return answer

    def _drive(self, work: Any, answer: asyncio.Future[list[Row]]) -> None:
        try:
            lock = work.send(None)
        except StopIteration as done:
            self._answer(answer, done.value, None)
        except asyncpg.PostgresError as error:
            self._answer(answer, [], error)
        else:
            lock._asyncio_future_blocking = False
            lock.add_done_callback(lambda _: self._drive(work, answer), context=OUTSIDE)

    def _answer(self, answer: asyncio.Future[list[Row]], rows: list[Row], error: Exception | None) -> None:
        self.busy = False
        if error is not None:
            if self.open:
                self.failed = True
                self._forget()
            else:
                self._end()
        elif not self.open:
            self._apply()
        if answer.done():
            return
        if self.gone:
            error = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(rows)

    async def commit(self) -> None:
        """Raises when the server has ended the session."""
        if self.gone:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        self._apply()

    async def rollback(self) -> None:
        """What was written is forgotten."""
        self._end()

    def release(self) -> None:
        """The client gives it back."""
        if self.busy:
            self.kill()
        else:
            self._end()

    def kill(self) -> None:
        """The server ends the session."""
        if self.gone:
            return
        self.gone = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(asyncpg.AdminShutdownError("terminating connection"))
        self._end()

    def _apply(self) -> None:
        if not self.gone and not self.failed:
            for (table, key), row in self.writes.items():
                if row is None:
                    self.tables.table(table).pop(key, None)
                else:
                    self.tables.table(table)[key] = row
        self._end()

    def _end(self) -> None:
        self.open = self.failed = False
        self._forget()

    def _forget(self) -> None:
        self.writes.clear()
        held, self.held = self.held, []
        for place in held:
            del self.tables.locks[place]
            for waiter in self.tables.waiting.pop(place, ()):
                if not waiter.done():
                    waiter.set_result(None)
