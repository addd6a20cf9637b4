"""SQL: what vendors told by ids only, until their leads are fetched. No decisions here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.capture.store.db import Db

LEAD, WITHDRAWAL = "lead", "withdrawal"
DUE, DONE, DEAD = "due", "done", "dead"
KEPT_DAYS = 400  # LinkedIn keeps leads for 365 days, so so long they can be deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice: whose it is, what it says (JSON), when it came, and how often its lead was asked for, this time included."""

    property: str
    vendor: str
    message_id: str
    kind: str
    said: bytes
    heard_at: datetime
    tries: int = 0


async def put_told(db: Db, notices: Sequence[Told]) -> None:
    """Keeps notices until they are dealt with. One that is known changes nothing, unless its lead could not be had: then it is tried
    anew."""
    # Committed when it returns; a repeat within the statement is told apart by DISTINCT.
    await db.execute(
        """
        INSERT INTO notice AS n (property, vendor, message_id, kind, said, heard_at)
        SELECT DISTINCT ON (1, 2, 3) *
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[])
        ON CONFLICT (property, vendor, message_id)
           DO UPDATE SET state = 'due', tries = 0, due_at = now(), heard_at = excluded.heard_at WHERE n.state = 'dead'
        """,
        [one.property for one in notices],
        [one.vendor for one in notices],
        [one.message_id for one in notices],
        [one.kind for one in notices],
        [one.said for one in notices],
        [one.heard_at for one in notices],
    )


async def take_due(db: Db, *, most: int, seconds: float) -> list[Told]:
    """Those that are due, oldest first, for this caller alone for so long; who dies meanwhile leaves them to the next."""
    # What another is taking at the moment is passed over.
    rows = await db.fetch(
        """
        UPDATE notice n SET tries = tries + 1, due_at = now() + make_interval(secs => $2)
          FROM (SELECT property, vendor, message_id FROM notice WHERE state = 'due' AND due_at <= now()
                 ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) d
         WHERE (n.property, n.vendor, n.message_id) = (d.property, d.vendor, d.message_id)
        RETURNING n.property, n.vendor, n.message_id, n.kind, n.said, n.heard_at, n.tries
        """,
        most,
        seconds,
    )
    return [Told(**dict(row)) for row in rows]


async def again_in(db: Db, told: Told, seconds: float) -> None:
    """It did not work: once more in so many seconds."""
    # Unless it was dealt with meanwhile.
    await db.execute(
        """
        UPDATE notice SET due_at = now() + make_interval(secs => $4)
         WHERE property = $1 AND vendor = $2 AND message_id = $3 AND state = 'due'
        """,
        told.property,
        told.vendor,
        told.message_id,
        seconds,
    )


async def dealt_with(db: Db, told: Told, *, state: str, person: str | None = None) -> None:
    """It is done (and whose it is), or dead: never tried again by itself."""
    # The first who says so is right.
    await db.execute(
        """
        UPDATE notice SET state = $4, person = $5
         WHERE property = $1 AND vendor = $2 AND message_id = $3 AND state = 'due'
        """,
        told.property,
        told.vendor,
        told.message_id,
        state,
        person,
    )


async def known(db: Db, property_: str, vendor: str, message_id: str) -> tuple[str, str | None] | None:
    """The state of a lead and whose it is; None when it was never told of."""
    # By what names its event.
    row = await db.fetchrow(
        "SELECT state, person FROM notice WHERE property = $1 AND vendor = $2 AND message_id = $3",
        property_,
        vendor,
        message_id,
    )
    return None if row is None else (row["state"], row["person"])


async def fetches_due(db: Db) -> tuple[int, float]:
    """How many are due, and for how many seconds the oldest has waited."""
    # From when the vendor told of it.
    row = await db.fetchrow(
        """
        SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(heard_at)), 0)::float8 AS seconds
          FROM notice WHERE state = 'due'
        """
    )
    return (row["due"], row["seconds"]) if row is not None else (0, 0.0)


async def forget(db: Db) -> None:
    """Forgets what was dealt with long ago."""
    # After KEPT_DAYS nobody asks for it.
    await db.execute(
        "DELETE FROM notice WHERE state <> 'due' AND heard_at < now() - make_interval(days => $1)", KEPT_DAYS
    )
