"""SQL: who may send, properties with the hashes of their write keys. No decisions here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.capture.domain.verdict import ANY
from services.capture.store.db import Db
from shared.database import Pool

MAX_LIVE_KEYS = 2  # of a kind: two, so that a key can be replaced without a gap

LIVE, PAUSED, DELETED = "live", "paused", "deleted"


@dataclass(frozen=True, slots=True)
class Property:
    """One web property. `keys` are the beginnings of its live write keys, `hashes` their SHA-256 and `kinds` what each is for (any,
    browser, server), in the same order. `via` is the kind of the key by which it was found."""

    property: str
    name: str
    origins: tuple[str, ...]
    thank_you_url: str | None
    country: str | None
    quota: int | None
    created_at: datetime
    keys: tuple[str, ...]
    hashes: tuple[bytes, ...]
    kinds: tuple[str, ...] = ()
    state: str = LIVE
    via: str = ANY


@dataclass(frozen=True, slots=True)
class NewProperty:
    """What an operator says of a property."""

    name: str
    origins: tuple[str, ...] = ()
    thank_you_url: str | None = None
    country: str | None = None
    quota: int | None = None


class TooManyKeys(Exception):
    """The property has two live write keys of the kind already."""


async def properties(db: Db) -> list[Property]:
    """All properties, by id, those that were deleted too."""
    return await _properties(db, None)


async def show(db: Db, property_: str) -> Property | None:
    """One property, or None."""
    return next(iter(await _properties(db, property_)), None)


async def _properties(db: Db, property_: str | None) -> list[Property]:
    # Each property with its keys, oldest key first.
    rows = await db.fetch(
        """
        SELECT p.*, k.prefixes, k.hashes, k.kinds
          FROM property p
          LEFT JOIN LATERAL (
               SELECT array_agg(prefix ORDER BY created_at, prefix) AS prefixes,
                      array_agg(hash ORDER BY created_at, prefix) AS hashes,
                      array_agg(kind ORDER BY created_at, prefix) AS kinds
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
            tuple(row["kinds"] or ()),
            row["state"],
        )
        for row in rows
    ]


async def add(pool: Pool, new: NewProperty, *, key_hash: bytes, key_prefix: str, kind: str = ANY) -> str:
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
            INSERT INTO write_key (hash, property, prefix, kind) SELECT $7, property, $8, $9 FROM made RETURNING property
            """,
            property_,
            new.name,
            list(new.origins),
            new.thank_you_url,
            new.country,
            new.quota,
            key_hash,
            key_prefix,
            kind,
        )
        if made is not None:
            return property_
        number += 1


async def change(pool: Pool, property_: str, said: NewProperty) -> bool:
    """Gives a property new settings, all of them; False when there is none. Its id stays."""
    # A property that was deleted is not changed any more.
    tag = await pool.execute(
        """
        UPDATE property SET name = $2, origins = $3, thank_you_url = $4, country = $5, quota = $6
         WHERE property = $1 AND state <> 'deleted'
        """,
        property_,
        said.name,
        list(said.origins),
        said.thank_you_url,
        said.country,
        said.quota,
    )
    return bool(tag != "UPDATE 0")


async def enter(pool: Pool, property_: str, state: str) -> bool:
    """Brings a property into a state; False when there is none. A deleted one keeps its id and keys, so that those get a clear answer
    and nobody else gets the id; its hooks and their secrets go."""
    async with pool.acquire() as connection, connection.transaction():
        # What was deleted stays so.
        tag = await connection.execute(
            "UPDATE property SET state = $2 WHERE property = $1 AND state <> 'deleted'", property_, state
        )
        if state == DELETED:
            # Their secrets go with them.
            await connection.execute("DELETE FROM hook WHERE property = $1", property_)
    return bool(tag != "UPDATE 0")


async def add_key(pool: Pool, property_: str, *, key_hash: bytes, key_prefix: str, kind: str = ANY) -> bool:
    """A further write key; False when there is no such property. Raises TooManyKeys when two of the kind are live."""
    async with pool.acquire() as connection, connection.transaction():
        # The property's row is locked, so that two who add at the same time count each other.
        found = await connection.fetchval(
            "SELECT 1 FROM property WHERE property = $1 AND state <> 'deleted' FOR UPDATE", property_
        )
        if found is None:
            return False
        live = await connection.fetchval(
            "SELECT count(*) FROM write_key WHERE property = $1 AND kind = $2", property_, kind
        )
        if live >= MAX_LIVE_KEYS:
            raise TooManyKeys
        # The key's hash and beginning; the key itself is nowhere.
        await connection.execute(
            "INSERT INTO write_key (hash, property, prefix, kind) VALUES ($1, $2, $3, $4)",
            key_hash,
            property_,
            key_prefix,
            kind,
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
