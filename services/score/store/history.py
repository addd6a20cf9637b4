"""What was known of leads, for those who ask: the API. Changes nothing."""

from __future__ import annotations

from services.score.domain.lead import Lead
from services.score.store.batches import lead_of
from shared.database import Pool

# One lead with all its activities, for the API.
_ONE = """
SELECT l.lead_id, l.part, l.data, ARRAY(SELECT a.body FROM activity a WHERE a.lead_id = l.lead_id) AS bodies
  FROM lead l
 WHERE l.lead_id = $1
"""


async def lead_with_activities(pool: Pool, lead_id: str) -> Lead | None:
    """One lead with the bodies of all its activities, or None where score has never heard of it."""
    row = await pool.fetchrow(_ONE, lead_id)
    return None if row is None else lead_of(*row)
