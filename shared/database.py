"""Postgres: the pool, migrations as numbered files, and telling the record's fault from the world's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from shared import logs

Pool = asyncpg.Pool
CORE_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x1EADF10E  # an advisory lock: two instances that start together migrate one after the other

# A stalled owner (SIGSTOP, a lost network) must not hold its rows for ever: Postgres ends a transaction that stays idle this long,
# which is less than the session time-out after which its successor comes.
IDLE_IN_TRANSACTION_SECONDS = 5

# SQLSTATE classes that are the world's fault though they look like errors of a statement: tried again, never bisected.
_TRANSIENT_STATES = {"40001", "40P01", "55P03", "57014", "25P03", "25P04"}
_TRANSIENT_CLASSES = {"08", "0A", "25", "28", "3D", "53", "57", "58", "XX"}
# The classes that name a value: data exception, integrity constraint, program limit. Anything else (42: a table or a right that is
# missing) is neither the record's fault nor mended by waiting: the service ends loudly instead of burying healthy records.
_ROW_CLASSES = {"22", "23", "54"}


async def connect(dsn: str, *, max_size: int = 4) -> Pool:
    """A pool whose sessions have the house's time-outs. Raises OSError or asyncpg.PostgresError when there is no database."""
    pool: Pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=max_size,
        command_timeout=60,
        server_settings={
            "application_name": "leadflow",
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_SECONDS * 1000),
            "lock_timeout": "8000",
            "statement_timeout": "45000",
            "timezone": "UTC",
            "jit": "off",
            # Statements find rows by keys, so their plans don't depend on the values: planning score's save anew for each batch, as
            # Postgres would (it holds its documents as constants), takes 1 ms.
            "plan_cache_mode": "force_generic_plan",
        },
        reset=_as_it_was,
    )
    return pool


async def _as_it_was(_connection: Any) -> None:
    """What is sent to Postgres when a connection goes back to the pool: nothing.

    Nobody here changes a session (locks are the transaction's; only `migrate` sets anything, and takes it back), and the driver itself
    rolls back what is still open. Its own four statements took 75 us of Postgres and 90 us of ours, after every transaction.
    """


async def connect_patiently(dsn: str, *, max_size: int = 4) -> Pool:
    """As `connect`, but waits with back-off while the database is away, saying so."""
    wait = 0.2
    while True:
        try:
            return await connect(dsn, max_size=max_size)
        except Exception as error:
            if not is_worlds_fault(error):
                raise
            logs.get().warning(
                "the database does not answer, trying again", error=type(error).__name__, wait_seconds=wait
            )
            await asyncio.sleep(wait)
            wait = min(wait * 2, 3)


async def migrate(pool: Pool, *folders: Path) -> None:
    """Applies the numbered files (0001_what.sql) of each folder that were not applied yet, each in its own transaction, in order.

    A file that was applied and changed since is an error: migrations are never edited, the next number changes what is there. Where
    nothing is missing nothing is written, so that a role that may not change tables can begin; where something is, it is told who can.
    """
    lacking = await missing(pool, *folders)
    if not lacking:
        return
    async with pool.acquire() as connection:
        # Whether this role may make tables here.
        if not await connection.fetchval("SELECT has_schema_privilege(current_schema(), 'CREATE')"):
            raise RuntimeError(
                f"The store lacks migrations that this role may not apply: {', '.join(lacking)}. "
                "Let the store's owner do it: leads stores migrate."
            )
        await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        try:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migration (folder text, file text, body text NOT NULL, PRIMARY KEY (folder, file))"
            )
            for file in await _files(connection, folders, begun=True):
                async with connection.transaction():
                    body = file.read_text()
                    await connection.execute(body)
                    # Its text is kept, so that a change of it is seen.
                    await connection.execute(
                        "INSERT INTO migration VALUES ($1, $2, $3)", file.parent.parent.name, file.name, body
                    )
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _MIGRATION_LOCK)
            await connection.execute("RESET statement_timeout; RESET lock_timeout")


async def missing(pool: Pool, *folders: Path) -> list[str]:
    """The migrations of these folders that this store does not have yet, as `folder/file`, in their order. Raises as `migrate`."""
    async with pool.acquire() as connection:
        # Whether this store was ever migrated.
        begun = await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL")
        return [f"{one.parent.parent.name}/{one.name}" for one in await _files(connection, folders, begun=begun)]


async def _files(connection: Any, folders: Sequence[Path], *, begun: bool) -> list[Path]:
    found = []
    for folder in folders:
        name = folder.parent.name
        rows = await connection.fetch("SELECT file, body FROM migration WHERE folder = $1", name) if begun else []
        applied = {row["file"]: row["body"] for row in rows}
        for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
            if file.name not in applied:
                found.append(file)
            elif applied[file.name] != file.read_text():
                raise RuntimeError(
                    f"Migration {name}/{file.name} was changed after it had been applied. "
                    "Restore the file and put the change into a new one with the next number."
                )
    return found


# What asking a store for something small may end in, whoever is to blame; what a batch ends in is judged by the functions below. asyncpg says
# InternalClientError when a connection breaks between two messages.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


def is_worlds_fault(error: BaseException) -> bool:
    """Whether `error` says that Postgres or the way to it is in trouble, so that trying again can help.

    Otherwise it is the fault of a row (a constraint, a type, a size), and would repeat for ever.
    """
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # the driver could not pack an argument: that is a row's fault
    return isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError)


def is_rows_fault(error: BaseException) -> bool:
    """Whether Postgres (or its driver, while it packs arguments) refused a value, so that bisecting can find the culprit."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in _ROW_CLASSES
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of `error` for a dead letter's detail (the message may hold data), else the exception's class."""
    return getattr(error, "sqlstate", None) or type(error).__name__
