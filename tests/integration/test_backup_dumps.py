"""Dumping and restoring one store with Postgres' own programs, on a real Postgres: whole, or as it was before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.console.backup import dumps
from services.console.where import Trouble

MAKE = """
    CREATE TABLE migration (folder text, file text, body text);
    INSERT INTO migration VALUES ('shared', '0001_core.sql', 'CREATE');
    CREATE TABLE lead (id int PRIMARY KEY, name text);
    CREATE SCHEMA webhook;
    CREATE TABLE webhook.hook (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, secret text);
    INSERT INTO lead VALUES (1, 'as it was');
    INSERT INTO webhook.hook (secret) VALUES ('s');
"""
LATER = "UPDATE lead SET name = 'as it is'; CREATE TABLE later (id int); DROP TABLE webhook.hook"


async def run(dsn: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        if sql.startswith("SELECT"):
            return list(await connection.fetch(sql))
        await connection.execute(sql)
        return []
    finally:
        await connection.close()


async def state(dsn: str) -> tuple[str, set[str]]:
    """The lead's name, and which tables there are by schema."""
    (lead,) = await run(dsn, "SELECT name FROM lead")
    tables = await run(
        dsn, "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
    )
    return lead["name"], {row["name"] for row in tables}


WAS = ("as it was", {"public.migration", "public.lead", "webhook.hook"})
IS = ("as it is", {"public.migration", "public.lead", "public.later"})


async def test_a_store_comes_back_as_it_was_tables_of_later_migrations_gone(store: str, tmp_path: Path) -> None:
    await run(store, MAKE)
    stored = await asyncio.to_thread(dumps.dump, store, tmp_path / "score.dump")
    assert set(stored.migrations) == {"shared/0001_core.sql"}
    assert stored.sha256 == dumps.digest(tmp_path / "score.dump")
    assert (tmp_path / "score.dump").stat().st_mode & 0o077 == 0
    await run(store, LATER)
    assert await state(store) == IS
    for _ in range(2):
        await asyncio.to_thread(dumps.restore, store, tmp_path / "score.dump")
        assert await state(store) == WAS


async def test_a_restore_that_fails_leaves_what_was_there(store: str, tmp_path: Path) -> None:
    await run(store, MAKE)
    await asyncio.to_thread(dumps.dump, store, tmp_path / "score.dump")
    await run(store, LATER)
    whole = (tmp_path / "score.dump").read_bytes()
    (tmp_path / "score.dump").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Trouble, match="pg_restore failed"):
        await asyncio.to_thread(dumps.restore, store, tmp_path / "score.dump")
    assert await state(store) == IS


async def test_after_a_restore_that_was_killed_the_next_one_finds_what_was_there(store: str, tmp_path: Path) -> None:
    await run(store, MAKE)
    await asyncio.to_thread(dumps.dump, store, tmp_path / "score.dump")
    await dumps._put_aside(store)
    await run(store, "CREATE TABLE half (id int)")  # and here it died
    (tmp_path / "broken.dump").write_bytes(b"no dump")
    with pytest.raises(Trouble):
        await asyncio.to_thread(dumps.restore, store, tmp_path / "broken.dump")
    assert await state(store) == WAS


async def test_who_is_connected_as_a_service_is_seen(store: str) -> None:
    service = await asyncpg.connect(store, server_settings={"application_name": "leadflow"})
    try:
        assert len((await dumps.look(store)).users) == 1
    finally:
        await service.close()


async def test_a_password_stands_on_no_command_line_and_in_no_mistake(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as told:
        await asyncio.to_thread(dumps.dump, "postgresql://score:hidden@127.0.0.1:1/score", tmp_path / "x.dump")
    assert "hidden" not in str(told.value)
