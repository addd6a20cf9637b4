"""Q4: the whole log of a run, read once more into empty stores; then every table is compared by content, and the topics must not have grown."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg

from deploy.local import drills
from tests.chaos import evidence
from tests.chaos.history import Difference, Evidence
from tests.chaos.rig import MOVED, Rig

_PATIENCE_SECONDS = 300.0
_SHOWN = 200  # differences that are written down
BEFORE = "before"  # how the stores of the run are called while their successors are filled: enrich_before ...

# What may differ, and why. Everything else is compared.
LEFT_OUT: Mapping[str, str] = {
    "cursor.owner_epoch": "each claim takes the next one, and the run claimed more often",
    "cursor.owner": "the instance that happened to have the number last",
    "cursor.recall_until": "set while a replay is under way",
    "outbox": "empty on both sides, which is a check of its own",
    "recalled": "the replay's own memory of what was sent, gone when it ends",
    "reject_pass": "an operator's decision, not the topics'",
    "migration": "the schema, not data",
    "demo": "the console's demo page, which no topic tells of",
}


async def replay(rig: Rig, found: Evidence) -> None:
    """Fills `found.differences` and `found.new_after_replay`. The run's stores stay beside the new ones, as enrich_before and so on."""
    ends = await evidence.ends(rig)
    for service in MOVED:
        await asyncio.to_thread(drills.stop, rig.layout, service)
    before = {service: await contents(rig.dsn(service)) for service in MOVED}
    for service in MOVED:
        await _put_aside(rig, service)
    for service in MOVED:
        await asyncio.to_thread(drills.start, rig.layout, service, wait=False)
    if not await _caught_up(rig):
        return
    for service in MOVED:
        await asyncio.to_thread(drills.stop, rig.layout, service)
    for service in MOVED:
        found.differences += compared(service, before[service], await contents(rig.dsn(service)))
    found.differences = found.differences[:_SHOWN]
    found.new_after_replay = [record.place for record in await evidence.records(rig, beyond=ends)]
    found.replayed = True


async def contents(dsn: str) -> dict[str, Counter[str]]:
    """Every table of a store: its rows as text, each with how often it is there."""
    connection = await asyncpg.connect(dsn)
    try:
        found = {}
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        for (table,) in tables:
            if table not in LEFT_OUT:
                rows = await connection.fetch(f'SELECT * FROM "{table}"', timeout=300)
                found[table] = Counter(_row(table, dict(row)) for row in rows)
        return found
    finally:
        await connection.close()


def compared(store: str, before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> list[Difference]:
    """Rows that are on one side only."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, Counter()), after.get(table, Counter())
        found += [Difference(store, table, "only before", row) for row in sorted((old - new).elements())]
        found += [Difference(store, table, "only after", row) for row in sorted((new - old).elements())]
    return found


def _row(table: str, row: dict[str, Any]) -> str:
    return repr({name: value for name, value in sorted(row.items()) if f"{table}.{name}" not in LEFT_OUT})


async def _put_aside(rig: Rig, service: str) -> None:
    connection = await asyncpg.connect(rig.dsn("postgres"))
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", service)
        await connection.execute(f'ALTER DATABASE "{service}" RENAME TO "{service}_{BEFORE}"')
        await connection.execute(f'CREATE DATABASE "{service}" OWNER "{service}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{service}" FROM PUBLIC')
    finally:
        await connection.close()


async def _caught_up(rig: Rig) -> bool:
    """Whether the new stores have come to the end of every topic, with nothing left to send."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    quiet = 0
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        try:
            quiet = 0 if evidence.behind(await evidence.stores(rig)) else quiet + 1
        except (OSError, TimeoutError, asyncpg.PostgresError):
            quiet = 0
        if quiet >= 3:
            return True
    return False
