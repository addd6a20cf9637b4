"""SQL: how many events each property with a quota had on a day. No decisions here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.capture.store.db import Db


async def added(db: Db, day: date, events: Mapping[str, int]) -> dict[str, int]:
    """Adds to the day's counts; returns those of the same properties, of all instances."""
    # In the order of ids, so that two instances never wait for each other in a circle.
    rows = await db.fetch(
        """
        INSERT INTO usage AS u (property, day, events)
        SELECT property, $1, events FROM unnest($2::text[], $3::bigint[]) AS n(property, events) ORDER BY property
        ON CONFLICT (property, day) DO UPDATE SET events = u.events + excluded.events
        RETURNING property, events
        """,
        day,
        list(events),
        list(events.values()),
    )
    return {row["property"]: row["events"] for row in rows}


async def forget_before(db: Db, day: date) -> None:
    """Deletes the counts of earlier days: nobody asks for them."""
    # What another instance deletes at this moment is skipped, so that neither waits.
    await db.execute(
        """
        DELETE FROM usage USING (SELECT property, day FROM usage WHERE day < $1 FOR UPDATE SKIP LOCKED) AS old
        WHERE usage.property = old.property AND usage.day = old.day
        """,
        day,
    )
