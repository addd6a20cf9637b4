"""SQL: vendors' hooks with their secrets, which never leave this process. No decisions here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.capture.store.db import Db
from shared.database import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHook:
    """What an operator set up for a vendor at a property. `field_map` is JSON; of a secret's name the current one is the first."""

    property: str
    vendor: str
    field_map: str | None = None
    base_url: str | None = None
    api_version: str | None = None
    created_at: datetime | None = None
    secrets: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)


async def all_hooks(db: Db, property_: str | None = None) -> list[StoredHook]:
    """All hooks, or those of one property."""
    # Each hook with its secrets, the current one of a name first.
    rows = await db.fetch(
        """
        SELECT h.*, s.names, s.secrets
          FROM hook h
          LEFT JOIN LATERAL (
               SELECT array_agg(name ORDER BY name, rank) AS names, array_agg(secret ORDER BY name, rank) AS secrets
                 FROM hook_secret WHERE property = h.property AND vendor = h.vendor) s ON true
         WHERE $1::text IS NULL OR h.property = $1
         ORDER BY h.property, h.vendor
        """,
        property_,
    )
    found = []
    for row in rows:
        secrets: dict[str, list[bytes]] = {}
        for name, secret in zip(row["names"] or (), row["secrets"] or (), strict=True):
            secrets.setdefault(name, []).append(secret)
        found.append(
            StoredHook(
                property=row["property"],
                vendor=row["vendor"],
                field_map=row["field_map"],
                base_url=row["base_url"],
                api_version=row["api_version"],
                created_at=row["created_at"],
                secrets=secrets,
            )
        )
    return found


async def put_hook(pool: Pool, hook: StoredHook) -> bool:
    """Sets a hook up, in place of what there was; False when there is no such property. What is due to be fetched is tried at once."""
    async with pool.acquire() as connection, connection.transaction():
        # Locked, so that it is not deleted meanwhile; also gives two who set the same hook up a turn each.
        if not await connection.fetchval(
            "SELECT 1 FROM property WHERE property = $1 AND state <> 'deleted' FOR UPDATE", hook.property
        ):
            return False
        # The old secrets go before the new ones come.
        await connection.execute(
            "DELETE FROM hook_secret WHERE property = $1 AND vendor = $2", hook.property, hook.vendor
        )
        await connection.execute(
            """
            INSERT INTO hook (property, vendor, field_map, base_url, api_version) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (property, vendor) DO UPDATE SET field_map = excluded.field_map, base_url = excluded.base_url,
                                                         api_version = excluded.api_version
            """,
            hook.property,
            hook.vendor,
            hook.field_map,
            hook.base_url,
            hook.api_version,
        )
        several = [(name, rank, one) for name, ones in hook.secrets.items() for rank, one in enumerate(ones)]
        # One row a secret.
        await connection.execute(
            """
            INSERT INTO hook_secret (property, vendor, name, rank, secret)
            SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::bytea[])
            """,
            hook.property,
            hook.vendor,
            [name for name, _, _ in several],
            [rank for _, rank, _ in several],
            [one for _, _, one in several],
        )
        # A new token or address may be what they waited for.
        await connection.execute(
            "UPDATE notice SET due_at = now() WHERE property = $1 AND vendor = $2 AND state = 'due' AND due_at > now()",
            hook.property,
            hook.vendor,
        )
    return True


async def remove_hook(pool: Pool, property_: str, vendor: str) -> bool:
    """Ends a hook; its secrets are gone. False when there is none."""
    # The secrets go with it.
    tag = await pool.execute("DELETE FROM hook WHERE property = $1 AND vendor = $2", property_, vendor)
    return bool(tag != "DELETE 0")
