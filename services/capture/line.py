"""One connection to Postgres that is thrown away when it is in doubt: a pool would wait for it, which takes as long as Postgres is frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")


class Line:
    """A connection, made when it is needed. Who comes while another task uses it waits, which counts towards the time that they have."""

    def __init__(self, dsn: str, opened: Callable[[asyncpg.Connection], Awaitable[None]] | None = None) -> None:
        self._dsn = dsn
        self._opened = opened
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def do(self, work: Callable[[asyncpg.Connection], Awaitable[T]], *, within_seconds: float) -> T:
        """What `work` returns. Raises one of database.FAILURES when there is no answer in time: what became of it then, nobody knows."""
        async with asyncio.timeout(within_seconds), self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(
                        self._dsn, server_settings={"application_name": "leadflow", "timezone": "UTC", "jit": "off"}
                    )
                    if self._opened is not None:
                        await self._opened(self._connection)
                return await work(self._connection)
            except BaseException:
                self.close()  # by who has the turn, so that nobody hangs up on another
                raise

    def close(self) -> None:
        """Hangs up, without a word to the other side."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()
