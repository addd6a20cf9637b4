"""The queue, and what a routing document can be tried on. Nothing here is on the way of a record, and nothing writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.route.domain.simulating import Case
from shared.database import Pool

# One lead that waits.
ONE = "SELECT lead_id, episode, reason, path, since FROM queue WHERE lead_id = $1"

# How many leads wait for each reason, and since when the longest does.
WAITING = "SELECT reason, count(*) AS leads, min(since) AS since FROM queue GROUP BY reason ORDER BY reason"

# The last first handovers, and all that wait now: the newest first.
CASES = """
SELECT * FROM (
    SELECT opened_for AS lead_id, episode, created_at AS at, document AS value, handover_id, owner FROM handover WHERE attempt = 1
     ORDER BY created_at DESC LIMIT $1
) AS handed
UNION ALL
SELECT * FROM (
    SELECT lead_id, episode, since AS at, scored AS value, NULL, NULL FROM queue WHERE scored <> '' ORDER BY since DESC LIMIT $1
) AS waiting
 ORDER BY at DESC LIMIT $1
"""


async def one(pool: Pool, lead_id: str) -> dict[str, Any] | None:
    """A lead that waits, if it does."""
    row = await pool.fetchrow(ONE, lead_id)
    return dict(row) if row is not None else None


async def waiting(pool: Pool) -> dict[str, tuple[int, datetime]]:
    """By reason: how many leads wait, and since when the longest does."""
    return {row["reason"]: (row["leads"], row["since"]) for row in await pool.fetch(WAITING)}


async def cases(pool: Pool, limit: int) -> list[Case]:
    """The last `limit` leads that were handed over or wait, in the order of time."""
    rows = await pool.fetch(CASES, limit)
    return [Case(*row) for row in reversed(rows)]
