"""What the API shows of nurture: a lead's steps, who is where, who is suppressed, and audiences as they are exported. Nothing here writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.route.domain.nurture.state import Nurtured
from services.route.store.nurture import unpack
from shared.clock import from_ms
from shared.database import Pool

Row = dict[str, Any]

# A lead's state in nurture.
STATE = "SELECT data FROM nurture WHERE lead_id = $1"

# The steps that a lead took, the newest last.
STEPS = """
SELECT event_id, track, step, content, channel, at, skipped, because, due_at FROM (
    SELECT * FROM nurture_step WHERE lead_id = $1 ORDER BY at DESC, event_id LIMIT $2
) AS s ORDER BY at, event_id
"""

# What is suppressed for a lead itself.
SUPPRESSED = "SELECT channel, why, at, by FROM suppression WHERE subject = 'lead:' || $1 ORDER BY channel"

# How many leads are at each step now. Looks at every lead in nurture.
ENROLLED = """
SELECT place, count(*) AS leads FROM nurture, unnest(string_to_array(steps, ' ')) AS place WHERE steps <> '' GROUP BY place ORDER BY place
"""

# What steps came to since a moment.
RECENT = """
SELECT track, step, coalesce(skipped, 'sent') AS came_to, count(*) AS times
  FROM nurture_step WHERE at > $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

# Every audience and how many are in it.
AUDIENCES = "SELECT audience, count(*) FILTER (WHERE is_member) AS members, max(at) AS changed_at FROM audience_member GROUP BY audience ORDER BY audience"

# The first transaction that may still be under way: all before it can be seen.
FIRST_UNDER_WAY = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"

# Whether the store has come as far as a cursor says: one of before it was built anew says more.
IS_OF_HERE = "SELECT $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())"

# The changes of an audience since a cursor, as far as no transaction that may still add some is under way. Of who left, only what nobody in
# it has: two leads may have one address, and one may come back under another number. Without a cursor only who is in it.
CHANGES = """
SELECT saved_in::text AS saved_in, lead_id, is_member, at,
       CASE WHEN is_member OR NOT EXISTS (SELECT FROM audience_member o WHERE o.audience = m.audience AND o.email = m.email AND o.is_member)
            THEN email ELSE '' END AS email,
       CASE WHEN is_member OR NOT EXISTS (SELECT FROM audience_member o WHERE o.audience = m.audience AND o.phone = m.phone AND o.is_member)
            THEN phone ELSE '' END AS phone,
       digits
  FROM audience_member m
 WHERE audience = $1 AND (saved_in, lead_id) > ($2::text::xid8, $3) AND saved_in < pg_snapshot_xmin(pg_current_snapshot())
   AND (is_member OR $4)
 ORDER BY saved_in, lead_id
 FETCH FIRST $5 ROWS WITH TIES
"""


async def lead(pool: Pool, lead_id: str, *, limit: int) -> Row:
    """Where a lead is, what it got, and what is suppressed for it."""
    data = await pool.fetchval(STATE, lead_id)
    found = unpack(data) if data is not None else None
    return {
        "lead_id": lead_id,
        **(_shown(found) if found is not None else {"active": [], "audiences": []}),
        "suppressed": [dict(row) for row in await pool.fetch(SUPPRESSED, lead_id)],
        "steps": [dict(row) for row in await pool.fetch(STEPS, lead_id, limit)],
    }


async def status(pool: Pool, *, since: datetime) -> Row:
    """How many leads are at each step, and what steps came to since a moment."""
    return {
        "enrolled": {row["place"]: row["leads"] for row in await pool.fetch(ENROLLED)},
        "since": since,
        "steps": [dict(row) for row in await pool.fetch(RECENT, since)],
    }


async def audiences(pool: Pool) -> list[Row]:
    """Every audience that ever had somebody in it."""
    return [dict(row) for row in await pool.fetch(AUDIENCES)]


async def is_of_here(pool: Pool, transaction: int) -> bool:
    """Whether a cursor's transaction was one of this store."""
    return bool(await pool.fetchval(IS_OF_HERE, str(transaction)))


async def now(pool: Pool) -> int:
    """The first transaction whose changes may be still to come."""
    return int(await pool.fetchval(FIRST_UNDER_WAY))


async def changes(pool: Pool, audience: str, *, after: tuple[int, str] | None, limit: int) -> list[Row]:
    """At least `limit` changes after a place where there are so many, in their order; those of one lead stand together."""
    transaction, lead_id = after or (0, "")
    rows = await pool.fetch(CHANGES, audience, str(transaction), lead_id, after is not None, limit)
    return [dict(row) for row in rows]


def _shown(found: Nurtured) -> Row:
    active = [
        {"track": one.track, "step": one.step, "since": from_ms(one.since), "due_at": from_ms(one.due)}
        for one in found.active
    ]
    return {
        "active": active,
        "entered": {
            track: {"times": one.times, "last_at": from_ms(one.last).astimezone(UTC)}
            for track, one in found.entered.items()
        },
        "seen": list(found.seen),
        "audiences": sorted(found.member_of),
        "recycled": found.recycled,
        **({"recycled_because": found.recycled_because} if found.recycled_because else {}),
        **({"merged_into": found.merged_into} if found.merged_into else {}),
    }
