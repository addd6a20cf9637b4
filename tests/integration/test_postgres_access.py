"""Towards Postgres: TLS by the store's address, and roles that may do their own service's rows and nothing else (deploy/postgres/roles.sql)."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy import stores
from deploy.local import postgres
from deploy.local.layout import CHECKOUT, SERVICES
from shared import database
from tests import stack
from tests.integration import secured

PASSWORD = "throw-away"


@pytest.fixture(scope="module")
def server(infrastructure: stack.Infrastructure) -> str:
    """host:port of a Postgres that has been through roles.sql, twice."""
    there = urlsplit(infrastructure.postgres)
    psql = shutil.which("psql") or str(postgres.found() / "psql")
    told = {f"{service.upper()}{suffix}_PASSWORD": PASSWORD for service in SERVICES for suffix in ("", "_OWNER")}
    environment = os.environ | told | {"PGPASSWORD": there.password or ""}
    command = [
        psql,
        "--quiet",
        "--no-psqlrc",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        str(CHECKOUT / "deploy/postgres/roles.sql"),
    ]
    command += ["-h", there.hostname or "", "-p", str(there.port), "-U", there.username or "", "postgres"]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return f"{there.hostname}:{there.port}"


def at(server: str, role: str, name: str) -> str:
    """The address of a database for a role."""
    return f"postgresql://{role}:{PASSWORD}@{server}/{name}"


@pytest.fixture
async def score(server: str) -> AsyncIterator[asyncpg.Connection]:
    """Score's own connection to its store, whose owner has made the tables."""
    await stores.migrate("score", at(server, "score_owner", "score"))
    connection = await asyncpg.connect(at(server, "score", "score"))
    yield connection
    await connection.close()


async def test_a_service_finds_its_tables_made_and_begins_without_a_right_to_make_any(
    server: str, score: asyncpg.Connection
) -> None:
    pool = await database.connect(at(server, "score", "score"))
    try:
        await database.migrate(pool, *stores.FOLDERS["score"])
    finally:
        await pool.close()
    for table in await score.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        await score.execute(f'SELECT FROM "{table["tablename"]}"; DELETE FROM "{table["tablename"]}" WHERE false')
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await score.execute("CREATE TABLE mine (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await score.execute("DROP TABLE migration")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await score.execute("TRUNCATE lead")


async def test_a_service_that_comes_before_its_tables_says_who_can_make_them(server: str, tmp_path: Path) -> None:
    new = tmp_path / "score" / "migrations"
    new.mkdir(parents=True)
    (new / "9999_new.sql").write_text("CREATE TABLE new (id int);")
    pool = await database.connect(at(server, "score", "score"))
    try:
        with pytest.raises(RuntimeError, match=r"score/9999_new\.sql.*leads stores migrate"):
            await database.migrate(pool, new)
    finally:
        await pool.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_is_denied_every_other_store(server: str, service: str) -> None:
    for other in {*SERVICES, "postgres", "template1"} - {service}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(at(server, service, other))
    connection = await asyncpg.connect(at(server, service, service))
    try:
        # Rights beyond the own database.
        row = await connection.fetchrow(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert row is not None
        assert set(row.values()) == {False}
        assert not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'member')", f"{service}_owner")
    finally:
        await connection.close()


async def test_a_store_is_reached_by_tls_whose_certificate_is_checked(server: str, tmp_path: Path) -> None:
    trusted, stranger = secured.authority(tmp_path / "trusted"), secured.authority(tmp_path / "stranger")
    host, _, port = server.partition(":")
    async with secured.tls_before(host, int(port), trusted) as door:
        known = f"{at(f'127.0.0.1:{door}', 'score', 'score')}?sslmode=verify-full&sslrootcert={{}}"
        pool = await database.connect(known.format(trusted.ca))
        try:
            assert await pool.fetchval("SELECT current_user") == "score"
        finally:
            await pool.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await database.connect(known.format(stranger.ca))
