"""Dumping and restoring one store with pg_dump and pg_restore. Passwords go by the environment, never by a command line."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from deploy import stores
from deploy.local import postgres
from deploy.local.layout import SetupError
from services.console.backup.manifest import Stored
from services.console.connecting import connect
from services.console.where import Trouble
from shared import clock

_ASIDE = "leadflow_before_restore"  # the schema of what was there, until the restored one stands


@dataclass(frozen=True, slots=True)
class Target:
    """A store as it is found: its role and server, and who is connected to it as a service."""

    role: str
    server: str
    users: Sequence[str]
    migrations: dict[str, str]


async def look(dsn: str) -> Target:
    """Looks at a store. Raises Trouble when it does not answer."""
    connection = await connect(dsn)
    try:
        # Services call themselves so, this look does not; of another role's sessions only the role is seen, and a service's is named as its store.
        users = await connection.fetch(
            """
            SELECT pid::text FROM pg_stat_activity
             WHERE datname = current_database() AND (application_name = 'leadflow' OR (usename = datname AND usename <> current_user))
            """
        )
        row = await connection.fetchrow(
            "SELECT current_user::text AS role, current_setting('server_version') AS server"
        )
        # Absent in a store that was never filled.
        has = await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL")
        rows = await connection.fetch("SELECT folder, file, body FROM migration") if has else []
    finally:
        await connection.close()
    assert row is not None
    ran = {f"{one['folder']}/{one['file']}": _sha256(one["body"].encode()) for one in rows}
    return Target(row["role"], row["server"], [one["pid"] for one in users], ran)


def dump(dsn: str, file: Path) -> Stored:
    """Writes one store to `file`, whole or not at all; it may be in use. Raises Trouble."""
    at, found = clock.now(), asyncio.run(look(dsn))
    fresh = file.with_suffix(".fresh")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        _run("pg_dump", dsn, ["--format=custom", "--no-owner", "--no-privileges"], out=out.fileno())
        os.fsync(out.fileno())
    fresh.replace(file)
    return Stored(
        file=file.name,
        bytes=file.stat().st_size,
        sha256=digest(file),
        role=found.role,
        server=found.server,
        made_at=at,
        migrations=found.migrations,
    )


def restore(dsn: str, file: Path) -> None:
    """Puts what is in `file` in the place of what is in the store. When it fails, what was there before is there again. Raises Trouble."""
    asyncio.run(_put_aside(dsn))
    try:
        _run("pg_restore", dsn, ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(file)])
    except BaseException:
        asyncio.run(_put_back(dsn))
        raise
    asyncio.run(_forget(dsn))


def known_migrations(service: str) -> dict[str, str]:
    """The migrations that this version knows for a service, as `Stored.migrations`."""
    return {
        f"{folder.parent.name}/{file.name}": _sha256(file.read_text().encode())
        for folder in stores.FOLDERS[service]
        for file in folder.glob("*.sql")
    }


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _run(program: str, dsn: str, arguments: Sequence[str], *, out: int | None = None) -> None:
    try:
        binary = postgres.found() / program
    except SetupError as error:
        raise Trouble(str(error)) from None
    where = urlsplit(dsn)
    environment = {
        **os.environ,
        "PGPASSWORD": unquote(where.password or ""),
        "PGUSER": unquote(where.username or ""),
        "PGHOST": where.hostname or "",
        "PGPORT": str(where.port or 5432),
        "PGDATABASE": unquote(where.path.lstrip("/")),
    }
    into = ["--dbname", environment["PGDATABASE"]] if program == "pg_restore" else []
    done = subprocess.run(
        [str(binary), *into, *arguments], env=environment, stdout=out, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Trouble(f"{program} failed for {where.hostname}:{where.port}{where.path}: {done.stderr.strip()}")


async def _put_aside(dsn: str) -> None:
    """What is there goes to schemas of other names: dropped when the restore has succeeded, renamed back when not."""
    connection = await connect(dsn)
    try:
        async with connection.transaction():
            # Of a restore that was killed: what stands aside is what was there before it.
            if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", _aside("public")):
                await _return(connection)
            for schema in await _schemas(connection):
                await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{_aside(schema)}"')
            await connection.execute("CREATE SCHEMA public")
    finally:
        await connection.close()


async def _put_back(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        async with connection.transaction():
            await _return(connection)
    finally:
        await connection.close()


async def _forget(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        for schema in await _schemas(connection, aside=True):
            await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    finally:
        await connection.close()


async def _return(connection: asyncpg.Connection) -> None:
    for schema in await _schemas(connection):
        await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    for schema in await _schemas(connection, aside=True):
        await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{schema.removeprefix(_aside(""))}"')


async def _schemas(connection: asyncpg.Connection, *, aside: bool = False) -> list[str]:
    """The store's own schemas; with `aside` those that wait for the end of a restore."""
    # Postgres' own begin with pg_ or are the information schema.
    rows = await connection.fetch(
        "SELECT nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND starts_with(nspname, $1) = $2",
        _aside(""),
        aside,
    )
    return [row["name"] for row in rows]


def _aside(schema: str) -> str:
    return f"{_ASIDE}_{schema}"
