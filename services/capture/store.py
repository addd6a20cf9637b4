"""Capture's own Postgres: properties with the hashes of their write keys, and the spool with its leases. No decisions here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.database import Pool

Db = Pool | asyncpg.Connection

MAX_LIVE_KEYS = 2  # two, so that a key can be replaced without a gap

Lane = tuple[str, int]  # topic and partition


@dataclass(frozen=True, slots=True)
class Property:
    """One web property. `keys` are the beginnings of its live write keys, `hashes` their SHA-256, in the same order."""

    property: str
    name: str
    origins: tuple[str, ...]
    thank_you_url: str | None
    country: str | None
    quota: int | None
    created_at: datetime
    keys: tuple[str, ...]
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NewProperty:
    """What an operator says of a property."""

    name: str
    origins: tuple[str, ...] = ()
    thank_you_url: str | None = None
    country: str | None = None
    quota: int | None = None


class TooManyKeys(Exception):
    """The property has two live write keys already."""


async def properties(db: Db) -> list[Property]:
    """All properties, by id."""
    return await _properties(db, None)


async def show(pool: Pool, property_: str) -> Property | None:
    """One property, or None."""
    return next(iter(await _properties(pool, property_)), None)


async def _properties(db: Db, property_: str | None) -> list[Property]:
    # Each property with its keys, oldest key first.
    rows = await db.fetch(
        """
        SELECT p.*, k.prefixes, k.hashes
          FROM property p
          LEFT JOIN LATERAL (
               SELECT array_agg(prefix ORDER BY created_at) AS prefixes, array_agg(hash ORDER BY created_at) AS hashes
                 FROM write_key WHERE property = p.property) k ON true
         WHERE $1::text IS NULL OR p.property = $1
         ORDER BY p.property
        """,
        property_,
    )
    return [
        Property(
            row["property"],
            row["name"],
            tuple(row["origins"]),
            row["thank_you_url"],
            row["country"],
            row["quota"],
            row["created_at"],
            tuple(row["prefixes"] or ()),
            tuple(row["hashes"] or ()),
        )
        for row in rows
    ]


async def add(pool: Pool, new: NewProperty, *, key_hash: bytes, key_prefix: str) -> str:
    """A new property with its first write key; returns its id: the name in letters, digits and hyphens, with a number when that is taken."""
    wanted = slug(new.name)
    number = 1
    while True:
        property_ = wanted if number == 1 else f"{wanted}-{number}"
        # Property and key together; nothing is written when the id is taken.
        made = await pool.fetchval(
            """
            WITH made AS (
                INSERT INTO property (property, name, origins, thank_you_url, country, quota)
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING property
            )
            INSERT INTO write_key (hash, property, prefix) SELECT $7, property, $8 FROM made RETURNING property
            """,
            property_,
            new.name,
            list(new.origins),
            new.thank_you_url,
            new.country,
            new.quota,
            key_hash,
            key_prefix,
        )
        if made is not None:
            return property_
        number += 1


async def add_key(pool: Pool, property_: str, *, key_hash: bytes, key_prefix: str) -> bool:
    """A further write key; False when there is no such property. Raises TooManyKeys when two are live."""
    async with pool.acquire() as connection, connection.transaction():
        # The property's row is locked, so that two who add at the same time count each other.
        found = await connection.fetchval("SELECT 1 FROM property WHERE property = $1 FOR UPDATE", property_)
        if found is None:
            return False
        live = await connection.fetchval("SELECT count(*) FROM write_key WHERE property = $1", property_)
        if live >= MAX_LIVE_KEYS:
            raise TooManyKeys
        # The key's hash and beginning; the key itself is nowhere.
        await connection.execute(
            "INSERT INTO write_key (hash, property, prefix) VALUES ($1, $2, $3)", key_hash, property_, key_prefix
        )
    return True


async def revoke_key(pool: Pool, property_: str, key_prefix: str) -> bool:
    """Ends a write key; False when there is none that begins so."""
    # By its beginning, which is all that an operator sees of it.
    tag = await pool.execute("DELETE FROM write_key WHERE property = $1 AND prefix = $2", property_, key_prefix)
    return bool(tag != "DELETE 0")


def slug(name: str) -> str:
    """A name as an id: `Müller & Söhne` is `muller-sohne`; `property` when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "property"


async def spool(db: Db, rows: Sequence[tuple[Lane, int, bytes]]) -> None:
    """Keeps messages that Kafka can't take now: (lane, number of events, packed messages) each."""
    # One row per lane of a flight, in the order given; committed when it returns.
    await db.execute(
        """
        INSERT INTO spool (topic, part, events, messages)
        SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bytea[])
        """,
        [lane[0] for lane, _, _ in rows],
        [lane[1] for lane, _, _ in rows],
        [events for _, events, _ in rows],
        [messages for _, _, messages in rows],
    )


async def backlog(db: Db) -> dict[Lane, int]:
    """How many events wait in the spool, by lane."""
    # All lanes that have rows, whoever wrote them.
    rows = await db.fetch("SELECT topic, part, sum(events)::bigint AS events FROM spool GROUP BY topic, part")
    return {(row["topic"], row["part"]): row["events"] for row in rows}


async def lease(db: Db, lanes: Sequence[Lane], *, holder: str, seconds: float) -> list[Lane]:
    """Which of these lanes `holder` may drain for so long: those that it holds, and those that nobody holds any more."""
    # A lease that ran out belongs to whoever comes first.
    rows = await db.fetch(
        """
        INSERT INTO spool_lease AS l (topic, part, holder, expires_at)
        SELECT topic, part, $3, now() + make_interval(secs => $4) FROM unnest($1::text[], $2::int[]) AS w(topic, part)
         ORDER BY topic, part
        ON CONFLICT (topic, part) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE l.holder = excluded.holder OR l.expires_at < now()
        RETURNING topic, part
        """,
        [lane[0] for lane in lanes],
        [lane[1] for lane in lanes],
        holder,
        seconds,
    )
    return [(row["topic"], row["part"]) for row in rows]


async def release(db: Db, *, holder: str) -> None:
    """Gives all leases back, so that nobody has to wait for their end."""
    # Whoever polls next takes them.
    await db.execute("DELETE FROM spool_lease WHERE holder = $1", holder)


async def oldest(db: Db, lanes: Sequence[Lane], *, events: int) -> list[tuple[int, Lane, bytes]]:
    """Per lane its oldest rows up to about so many events: (row id, lane, packed messages), oldest first."""
    # Rows of a lane until the events before a row reach the limit, so at least one row each.
    rows: list[Any] = await db.fetch(
        """
        SELECT w.topic, w.part, s.id, s.messages
          FROM unnest($1::text[], $2::int[]) AS w(topic, part)
         CROSS JOIN LATERAL (
               SELECT id, messages, sum(events) OVER (ORDER BY id) - events AS before
                 FROM (SELECT id, messages, events FROM spool
                        WHERE topic = w.topic AND part = w.part ORDER BY id LIMIT 200) AS r) AS s
         WHERE s.before < $3
         ORDER BY s.id
        """,
        [lane[0] for lane in lanes],
        [lane[1] for lane in lanes],
        events,
    )
    return [(row["id"], (row["topic"], row["part"]), row["messages"]) for row in rows]


async def drained(db: Db, ids: Sequence[int]) -> None:
    """Forgets rows that Kafka has acknowledged."""
    # By id; a row that somebody else forgot already is no matter.
    await db.execute("DELETE FROM spool WHERE id = ANY ($1::bigint[])", ids)
