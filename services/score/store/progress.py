"""How far leads have come with the last publication of a ruleset. For the API; changes nothing."""

from __future__ import annotations

from typing import Any

from services.score.domain.publications import KIND
from shared import clock
from shared.database import Pool

# Of each number with a publication the leads in all, and those that were not brought through its last one yet. Counted in the index alone.
_PROGRESS = """
SELECT sum((SELECT count(*) FROM lead l WHERE l.part = p.part))::bigint AS leads,
       sum((SELECT count(*) FROM lead l WHERE l.part = p.part AND l.ruled < p.seq))::bigint AS waiting,
       max(p.in_force_at) AS since
  FROM (SELECT DISTINCT ON (part) part, seq, in_force_at FROM publication WHERE kind = $1 AND NOT is_draft ORDER BY part, seq DESC) AS p
"""


async def rescore(pool: Pool) -> dict[str, Any] | None:
    """Leads in all and those still to be scored under the last publication; None where nothing was ever published."""
    row = await pool.fetchrow(_PROGRESS, KIND)
    if row is None or row["since"] is None:
        return None
    return {
        "leads": row["leads"],
        "waiting": row["waiting"],
        "done": row["leads"] - row["waiting"],
        "since": clock.text(row["since"]),
    }
