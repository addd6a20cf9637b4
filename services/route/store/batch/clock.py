"""What the clock has made due: the timers of the numbers held. What they do is decided where they are read with their leads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.route.domain import timers
from services.route.domain.events import Due
from services.route.domain.state import TimerKey
from shared.stage import Input, Tx

# The timers of these numbers ($1) that are due up to a time of each ($2), the longest due first. Nurture's stands in its own row: each lead
# in a track has one. Each number's first ones are taken from the index: joined, all that wait would be read each second.
DUE = """
SELECT due.* FROM unnest($1::int[], $2::timestamptz[]) AS t (part, until), LATERAL (
    (SELECT lead_id, part, kind, key, due_at FROM timer
      WHERE timer.part = t.part AND due_at <= t.until ORDER BY due_at, lead_id, kind, key LIMIT $3)
     UNION ALL
    (SELECT lead_id, part, 'nurture', '', due_at FROM nurture
      WHERE nurture.part = t.part AND due_at <= t.until ORDER BY due_at, lead_id LIMIT $3)
) AS due
 ORDER BY due_at, lead_id, kind, key LIMIT $3
"""


async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
    """What fell due, at most `limit`, each with its due time as now."""
    rows = await tx.fetch(DUE, list(until), list(until.values()), limit)
    return [
        Input(timers.input_id(TimerKey(lead_id, kind, key), at), Due(lead_id, kind), at, part)
        for lead_id, part, kind, key, at in rows
    ]
