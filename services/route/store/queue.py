"""The queue, and what a routing document can be tried on. Nothing here is on the way of a record, and nothing writes."""

from __future__ import annotations

import time
from typing import Any

from services.route.domain import choice
from services.route.domain.simulating import Case
from shared import clock
from shared.database import Pool
from shared.metrics import handover
from shared.stage import Tx

WATCH_SECONDS = 15.0

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


class Watch:
    """Of one instance: measures the queue now and then, for the alert."""

    def __init__(self) -> None:
        self._looked_at = 0.0

    async def look(self, tx: Tx) -> None:
        """Measures, unless it did just now. A reason that nobody waits for any more is nothing."""
        if time.monotonic() - self._looked_at < WATCH_SECONDS:
            return
        self._looked_at = time.monotonic()
        found = {row["reason"]: row for row in await tx.fetch(WAITING)}
        for reason in (*choice.REASONS, *found.keys() - set(choice.REASONS)):
            row = found.get(reason)
            handover.QUEUE_LEADS.labels(reason).set(row["leads"] if row is not None else 0)
            seconds = (clock.now() - row["since"]).total_seconds() if row is not None else 0.0
            handover.QUEUE_OLDEST_SECONDS.labels(reason).set(seconds)


async def cases(pool: Pool, limit: int) -> list[Case]:
    """The last `limit` leads that were handed over or wait, in the order of time."""
    rows = await pool.fetch(CASES, limit)
    return [Case(*row) for row in reversed(rows)]
