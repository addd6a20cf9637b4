"""All leads with all their activities, a page at a time, for those who look what another ruleset would make of them. Changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.score.domain.lead import Lead
from services.score.store.batches import lead_of
from shared.database import Pool

PAGE = 50  # what is done with a page takes some 15 ms, in which no batch has its turn

# The leads after an id ($1) in order, so many ($2), each with its activities in their latest revision, by the lead's life.
_PAGE = """
SELECT l.lead_id, l.part, l.data, a.lives, a.bodies
  FROM (SELECT lead_id, part, data FROM lead WHERE lead_id > $1 ORDER BY lead_id LIMIT $2) AS l
 CROSS JOIN LATERAL (
       SELECT array_agg(life) AS lives, array_agg(body) AS bodies
         FROM (SELECT DISTINCT ON (activity_id, life) life, body
                 FROM activity WHERE lead_id = l.lead_id
                ORDER BY activity_id, life, revision DESC) AS latest
 ) AS a
 ORDER BY l.lead_id
"""


async def leads(pool: Pool, *, after: str = "", page: int = PAGE) -> AsyncIterator[list[Lead]]:
    """Every lead after an id, in order of the ids, in pages."""
    while rows := await pool.fetch(_PAGE, after, page):
        found = []
        for lead_id, part, data, lives, bodies in rows:
            lead = lead_of(lead_id, part, data)
            life = lead.state.life
            present = [body for of, body in zip(lives or (), bodies or (), strict=True) if of == life]
            found.append(lead_of(lead_id, part, data, present))
        yield found
        after = rows[-1]["lead_id"]


async def count(pool: Pool) -> int:
    """How many leads there are."""
    return int(await pool.fetchval("SELECT count(*) FROM lead"))
