"""CPU per lead of enrich, score and route, Postgres included, with ever more leads in their stores: it should be flat.

python -m tests.bench.growth [--sizes 10000,100000,1000000] [--rounds 10] [--leads 500] [--only enrich]

Real stages over a real Postgres, in one process, without Kafka (stage_cost.py). A store is filled by leads that went through the stages, which are
then copied in Postgres, each under ids of its own, until there are as many as wanted; without indexes, which are made afterwards, as full as those are
that have grown; then VACUUM ANALYZE. What is measured is the same for each
size: batches of posts, 30 % by somebody of the filled, each as likely as the other, so most of the pages that they need are cold. The
sizes take turns, round by round, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import uvloop
from asyncpg.pool import PoolConnectionProxy

from services.capture.domain import form
from services.capture.domain.captured import Scribe
from services.capture.domain.verdict import Arrival, Refused
from shared.message import Message
from tests import stack
from tests.bench import stage_cost
from tests.bench.leads import Crowd, Kind, Lead, Mix, Writer, form_path
from tests.bench.stage_cost import PARTITIONS, SECRET, Station

TEMPLATES = 2_000  # leads that went through the stages, of each store
_KNOWN = 0.30
_FIRST_NEW = 5_000_000  # the numbers of people whom no store knows begin here
_AT_ONCE = 100_000  # copies of one statement
_GROWN = 70  # percent that a page of a grown B-tree is full
_BATCH = 500

# A copy's own ids, from its template's and its number. An address carries the number behind its person's (anna.adler.17x3@); a phone
# number is its person's number in seven digits; the others are hashes.
_FUNCTIONS = """
CREATE FUNCTION copied_lead(id text, copy int) RETURNS text IMMUTABLE LANGUAGE sql
    RETURN 'ld_' || left(encode(sha256((id || '/' || copy)::bytea), 'hex'), 30);
CREATE FUNCTION copied_event(id uuid, copy int) RETURNS uuid IMMUTABLE LANGUAGE sql RETURN md5(id::text || '/' || copy)::uuid;
CREATE FUNCTION copied_text(said text, copy int, phone text) RETURNS text IMMUTABLE LANGUAGE sql
    RETURN replace(regexp_replace(said, '([0-9]+)@', '\\1x' || copy || '@', 'g'), coalesce(phone, '-'),
                   coalesce(left(phone, -7) || lpad((right(phone, 7)::int + {templates} * copy)::text, 7, '0'), '-'));
"""
# What a copy has of its own, by table and column; every other column is its template's. `t` is the template's row, `c.copy` the number,
# `p.phone` the phone number of its lead.
_OWN = {
    "enrich": {
        "lead": {"lead_id": "copied_lead(t.lead_id, c.copy)", "made_by": "copied_text(t.made_by, c.copy, p.phone)"},
        "identifier": {
            "name": "copied_text(t.name, c.copy, p.phone)",
            "lead_id": "copied_lead(t.lead_id, c.copy)",
            "ties": "convert_to(copied_text(convert_from(t.ties, 'UTF8'), c.copy, p.phone), 'UTF8')",
        },
        "activity": {"event_id": "copied_event(t.event_id, c.copy)", "lead_id": "copied_lead(t.lead_id, c.copy)"},
    },
    "score": {
        "lead": {"lead_id": "copied_lead(t.lead_id, c.copy)"},
        "activity": {"lead_id": "copied_lead(t.lead_id, c.copy)", "activity_id": "copied_event(t.activity_id, c.copy)"},
        "inbox": {"event_id": "copied_event(t.event_id, c.copy)"},
    },
    "route": {
        "lead": {"lead_id": "copied_lead(t.lead_id, c.copy)"},
        "handover": {
            "handover_id": "replace(t.handover_id, t.lead_id, copied_lead(t.lead_id, c.copy))",
            "lead_id": "copied_lead(t.lead_id, c.copy)",
            "opened_for": "copied_lead(t.opened_for, c.copy)",
        },
        "queue": {"lead_id": "copied_lead(t.lead_id, c.copy)"},
        "inbox": {"event_id": "copied_event(t.event_id, c.copy)"},
    },
}  # fmt: skip
_PHONES = {
    "enrich": "(SELECT lead_id, split_part(min(name), U&'\\001F', 2) AS phone FROM identifier WHERE name LIKE 'phone%' GROUP BY lead_id)"
}


class Posts:
    """What people post, to capture's own domain: the templates first, then those who are measured, in a store of so many copies."""

    def __init__(self, copies: int, seed: int) -> None:
        self._copies, self._random = copies, random.Random(seed)
        self._scribe = Scribe(secret=SECRET.encode(), partitions=PARTITIONS, new_id=lambda: str(uuid.uuid4()))
        self._writer = Writer(1)
        self._new = Crowd(seed, first=_FIRST_NEW, people=_FIRST_NEW, mix=Mix(known=0.0, invalid=0.0))
        self._number = 2 * _FIRST_NEW

    def template(self, person: int) -> Message:
        return self._message(Lead(Kind.NEW, person, person), 0)

    def next(self) -> Message:
        if self._random.random() >= _KNOWN:
            return self._message(self._new.next(), 0)
        self._number += 1
        person, copy = self._random.randrange(TEMPLATES), self._random.randrange(self._copies + 1)
        return self._message(Lead(Kind.KNOWN, self._number, person), copy)

    def _message(self, lead: Lead, copy: int) -> Message:
        body = self._writer.form(lead)
        if copy:
            digits, own = f"{lead.person:07d}", f"{lead.person + TEMPLATES * copy:07d}"
            body = body.replace(f".{lead.person}@".encode(), f".{lead.person}x{copy}@".encode())
            body = body.replace(f'{digits}"'.encode(), f'{own}"'.encode())
            body = body.replace(f"{digits[:3]} {digits[3:]}".encode(), f"{own[:3]} {own[3:]}".encode())
        fields = form.of_json(body)
        assert isinstance(fields, dict)
        arrival = Arrival("bench", datetime.now(UTC), "127.0.0.1", None)
        found = form.submission(form_path(lead).rpartition("/")[2], fields, arrival)
        assert not isinstance(found, Refused), found
        made = self._scribe.captured(found, arrival)
        assert isinstance(made, Message), made
        return made


async def filled(server: str, size: int, only: str) -> tuple[list[Station], Posts]:
    """Stations (`only` the one, or all where that is empty) whose stores hold `size` leads, and who posts to them."""
    posts = Posts(size // TEMPLATES - 1, size)
    wanted = [stage for stage in stage_cost.stages() if only in ("", stage.name)]
    stations = [await stage_cost.opened(server, stage) for stage in wanted]
    for first in range(0, TEMPLATES, _BATCH):
        await _through(stations, [posts.template(person) for person in range(first, first + _BATCH)])
    for station in stations:
        await _copy(station, size // TEMPLATES - 1)
    return stations, posts


async def _copy(station: Station, copies: int) -> None:
    """Copies the rows that stand in a store, so many times."""
    name, pool = station.stage.name, station.pool
    phones = _PHONES.get(name, "(SELECT NULL::text AS lead_id, NULL::text AS phone)")
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
        await connection.execute(_FUNCTIONS.format(templates=TEMPLATES))
        await connection.execute(f"CREATE TEMP TABLE phone AS SELECT * FROM {phones} AS p")
        for table, own in _OWN[name].items():
            columns = await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
                table,
            )
            names = [row["attname"] for row in columns]
            await connection.execute(f"CREATE TEMP TABLE template AS TABLE {table}")
            with_phone = (
                "LEFT JOIN phone AS p USING (lead_id)"
                if "lead_id" in names
                else "CROSS JOIN (SELECT NULL::text AS phone) AS p"
            )
            indexes = await _without_indexes(connection, table)
            step = max(1, _AT_ONCE // TEMPLATES)
            for first in range(1, copies + 1, step):
                # The rows of a table once more under so many numbers.
                await connection.execute(
                    f"""
                    INSERT INTO {table} ({", ".join(names)}) SELECT {", ".join(own.get(one, f"t.{one}") for one in names)}
                      FROM template AS t {with_phone} CROSS JOIN generate_series({first}, {min(first + step - 1, copies)}) AS c(copy)
                    """,
                    timeout=600,
                )
            await connection.execute("DROP TABLE template")
            for index in indexes:
                await connection.execute(index, timeout=600)
        await connection.execute("DROP TABLE phone")
        await connection.execute("VACUUM (ANALYZE, FREEZE)", timeout=600)
        await connection.execute("RESET statement_timeout; RESET maintenance_work_mem")


async def _without_indexes(connection: PoolConnectionProxy, table: str) -> list[str]:
    """Drops a table's indexes and keys; returns the statements that make them again."""
    # Keys first, since their indexes go with them.
    keys = await connection.fetch(
        "SELECT conname, pg_get_constraintdef(oid) AS made FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')",
        table,
    )
    again = []
    for name, made in keys:
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {made} WITH (fillfactor = {_GROWN})")
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")
    for name, made in await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1", table
    ):
        head, where, condition = made.partition(" WHERE ")
        again.append(f"{head} WITH (fillfactor = {_GROWN}){where}{condition}")
        await connection.execute(f"DROP INDEX {name}")
    return again


async def _through(stations: Sequence[Station], messages: Sequence[Message]) -> None:
    for station in stations:
        messages = await stage_cost.run(station, messages)


def main() -> None:
    """Fills the stores, measures, prints a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="leads in the stores")
    parser.add_argument("--rounds", type=int, default=10, help="of which the medians are shown")
    parser.add_argument("--leads", type=int, default=500, help="of each round and size")
    parser.add_argument("--only", default="", help="one stage: enrich, score, route")
    told = parser.parse_args()
    with stack.infrastructure() as found:
        uvloop.run(_measure(found.postgres, [int(size) for size in told.sizes.split(",")], told))


async def _measure(server: str, sizes: Sequence[int], told: argparse.Namespace) -> None:
    towns = {}
    for size in sizes:
        began = time.monotonic()
        towns[size] = await filled(server, size, told.only)
        print(f"{size} leads stand in each store after {time.monotonic() - began:.0f} s", flush=True)
    control = await asyncpg.connect(server)
    await control.execute("CHECKPOINT", timeout=600)
    used: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for turn in range(told.rounds + 1):
        for size, (stations, posts) in towns.items():
            for station in stations:
                station.cpu.clear()
                station.backend_cpu.clear()
                station.records = 0
            for _ in range(max(1, told.leads // _BATCH)):
                await _through(stations, [posts.next() for _ in range(_BATCH)])
            for station in stations if turn else ():  # the first one warms
                theirs = 1e6 * station.backend_cpu["all"] / station.records
                used[station.stage.name, size].append((1e6 * station.cpu["all"] / station.records, theirs))
    print(_table(used, sizes))
    for stations, _ in towns.values():
        for station in stations:
            await station.pool.close()
            await control.execute(f"DROP DATABASE {station.database} WITH (FORCE)")
    await control.close()


def _table(used: dict[tuple[str, int], list[tuple[float, float]]], sizes: Sequence[int]) -> str:
    """us of CPU per record: each service and its Postgres, a column for each size."""
    lines = [
        "| us a record | " + " | ".join(f"{size:,} leads" for size in sizes) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for at, kind in enumerate(("", "'s Postgres")):
        for name in dict.fromkeys(name for name, _ in used):
            medians = [statistics.median(one[at] for one in used[name, size]) for size in sizes]
            lines.append(f"| {name}{kind} | " + " | ".join(f"{median:.0f}" for median in medians) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
