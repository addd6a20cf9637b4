"""Q4: the whole log of a run, read once more into empty stores; then every table is compared by content, and the topics must not have grown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from deploy.local import drills
from shared.topology import BY_NAME
from tests.chaos import evidence
from tests.chaos.history import Difference, Evidence
from tests.chaos.rig import MOVED, Rig

_PATIENCE_SECONDS = 300.0
BEFORE = "before"  # how the stores of the run are called while their successors are filled: enrich_before ...

# What may differ, and why. Everything else is compared.
LEFT_OUT: Mapping[str, str] = {
    "cursor.owner_epoch": "each claim takes the next one, and the run claimed more often",
    "cursor.owner": "the instance that happened to have the number last",
    "cursor.recall_until": "set while a replay is under way",
    "cursor.fresh": "likewise",
    "account.lead_id": "which of a company's leads, on two partitions, was handed over first within the same moment",
    "account.since": "when that one was",
    "pool_member.base": "where a member stood when it came to be free: by the order in which handovers of several numbers took their turn",
    "pool_member.turns": "counted from there",
    "pool_member.is_out": "whether a member was passed over at the pool's last turn: which turn was the last goes by the same order",
    "owner_load.used": "how full a day's bucket is, which drains between handovers: by the same order",
    "owner_load.at": "when that was",
    "a merge that an outcome of before came after": "nothing tells a replay which handover was moved when it was not known yet that it had ended: "
    "it stays, and the survivor gets its own; this is still told as a difference",
    "outbox": "empty on both sides, which is a check of its own",
    "recalled": "the replay's own memory of what was sent, gone when it ends",
    "reject_pass": "an operator's decision, not the topics'",
    "migration": "the schema, not data",
    "identifier.ties, the mark of a shared cookie": "that it once seemed to be several people's only makes later looks closer",
    "demo": "the console's demo page, which no topic tells of",
}

Table = dict[str, dict[str, Any]]  # primary key as text -> the other columns
Store = dict[str, Table]


async def replay(rig: Rig, found: Evidence) -> None:
    """Fills `found` with how the stores differ and which records were added. The run's stores stay beside the new ones, as
    enrich_before and so on. First the stages that read what enrich wrote, from the log as it is; then enrich alone."""
    rounds: Sequence[Sequence[str]] = (("score", "route", "console"), ("enrich",))
    for services in rounds:
        ends = await evidence.ends(rig)
        before, after = await _read_again(rig, services)
        for service in services:
            if service not in after:
                return  # it did not come to the end: `replayed` stays false
            found.differences += compared(service, before[service], after[service])
        found.new_after_replay += [record.place for record in await evidence.records(rig, beyond=ends)]
    found.replayed = True


async def _read_again(rig: Rig, services: Sequence[str]) -> tuple[dict[str, Store], dict[str, Store]]:
    """The stores before and after; those after are missing when they did not come to the end of their topics."""
    for service in MOVED:
        await asyncio.to_thread(drills.stop, rig.layout, service)
    before = {service: await contents(rig.dsn(service)) for service in services}
    for service in services:
        await _put_aside(rig, service)
        await asyncio.to_thread(drills.start, rig.layout, service, wait=False)
    caught_up = await _caught_up(rig, services)
    for service in services:
        await asyncio.to_thread(drills.stop, rig.layout, service)
    return before, {service: await contents(rig.dsn(service)) for service in services if caught_up}


async def contents(dsn: str) -> Store:
    """Every table of a store by its primary key, without what is left out."""
    connection = await asyncpg.connect(dsn)
    try:
        found: Store = {}
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        for (table,) in tables:
            if table in LEFT_OUT:
                continue
            keys = await connection.fetch(
                """
                SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                 WHERE i.indrelid = $1::text::regclass AND i.indisprimary ORDER BY a.attnum
                """,
                table,
            )
            names = [name for (name,) in keys]
            rows = await connection.fetch(f'SELECT * FROM "{table}"', timeout=300)
            if (
                table == "cursor"
            ):  # of topics that it writes, a stage notes how far it knew them at its last batch: nothing is read there
                rows = [row for row in rows if not BY_NAME[row["topic"]].transactional]
            found[table] = {" ".join(str(row[name]) for name in names): _compared(table, row) for row in rows}
        return found
    finally:
        await connection.close()


def compared(store: str, before: Store, after: Store) -> list[Difference]:
    """Every column of every row that is not the same, and rows that are on one side only."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, {}), after.get(table, {})
        for key in sorted(old.keys() | new.keys()):
            if key not in old or key not in new:
                found.append(Difference(store, table, "a row", f"{key}: only {'before' if key in old else 'after'}"))
                continue
            for column, was in old[key].items():
                if new[key].get(column) != was:
                    found.append(
                        Difference(store, table, column, f"{key}: {_apart(str(was), str(new[key].get(column)))}")
                    )
    return found


def _compared(table: str, row: Any) -> dict[str, Any]:
    found = {name: meant(value) for name, value in row.items() if f"{table}.{name}" not in LEFT_OUT}
    if table == "identifier" and isinstance(found["ties"], tuple) and isinstance(found["ties"][1], list):
        found["ties"] = found["ties"][1][
            :3
        ]  # of a cookie: its latest event, first and last identification, and then the mark
    return found


def meant(value: Any) -> Any:
    """A value by its content: a document is what it says, in whatever order its map's keys were written."""
    if isinstance(value, bytes):
        for form in (msgspec.json, msgspec.msgpack):
            try:
                return ("document", meant(form.decode(value, strict=False)))
            except (msgspec.DecodeError, ValueError):
                continue
        return value
    if isinstance(value, dict):
        return {meant(key): meant(inner) for key, inner in sorted(value.items(), key=repr)}
    return [meant(inner) for inner in value] if isinstance(value, list) else value


def _apart(was: str, now: str) -> str:
    """Where two texts begin to differ."""
    at = next((place for place, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), 0)
    begin = max(0, at - 30)
    return f"...{was[begin : at + 60]}... became ...{now[begin : at + 60]}..."


async def _put_aside(rig: Rig, service: str) -> None:
    connection = await asyncpg.connect(rig.dsn("postgres"))
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", service)
        await connection.execute(f'ALTER DATABASE "{service}" RENAME TO "{service}_{BEFORE}"')
        await connection.execute(f'CREATE DATABASE "{service}" OWNER "{service}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{service}" FROM PUBLIC')
    finally:
        await connection.close()


async def _caught_up(rig: Rig, services: Sequence[str]) -> bool:
    """Whether the new stores have come to the end of every topic that they read, with nothing left to send."""
    deadline, quiet = time.monotonic() + _PATIENCE_SECONDS, 0
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        try:
            found = await evidence.progress(rig, services)
            quiet = 0 if evidence.behind(found) else quiet + 1
        except (OSError, TimeoutError, asyncpg.PostgresError):
            quiet = 0
        if quiet >= 3:
            return True
    return False
