"""SQL: who may send, properties with the hashes of their write keys. No decisions here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.capture.store.db import Db
from shared.database import Pool

MAX_LIVE_KEYS = 2  # two, so that a key can be replaced without a gap


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
