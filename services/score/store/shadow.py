"""What the shadow ruleset made of leads: kept page by page, and told in sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.score.domain.foresight import Seen, Shadowed, moved
from services.score.domain.ruleset import SQL
from shared import clock
from shared.database import Pool

# What was made of these leads ($1) by these versions ($2).
_BEFORE = """
SELECT s.lead_id, s.live_stage, s.live_total, s.stage, s.total, s.since, s.entries, s.looked_at
  FROM unnest($1::text[], $2::text[]) AS t (lead_id, version) JOIN shadow s USING (lead_id, version)
"""

# A page of leads, each in its latest look.
_KEEP = """
INSERT INTO shadow (lead_id, version, live_stage, live_total, stage, total, since, entries, looked_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::timestamptz[], $8::int[], $9::timestamptz[])
ON CONFLICT (lead_id) DO UPDATE
   SET version = excluded.version, live_stage = excluded.live_stage, live_total = excluded.live_total, stage = excluded.stage,
       total = excluded.total, since = excluded.since, entries = excluded.entries, looked_at = excluded.looked_at
"""

# Of a version ($1): how many leads are in which stage by the live ruleset and in the shadow.
_STAGES = """
SELECT live_stage AS before, stage AS after, count(*) AS leads, sum(entries) AS entries, min(looked_at) AS oldest, max(looked_at) AS latest
  FROM shadow WHERE version = $1 GROUP BY 1, 2 ORDER BY 1, 2
"""

# Of a version ($1) the leads that differ most.
_MOVED = """
SELECT lead_id, live_stage, live_total, stage, total FROM shadow WHERE version = $1 AND total <> live_total
 ORDER BY abs(total - live_total) DESC, lead_id LIMIT 20
"""


async def before(pool: Pool, versions: dict[str, str]) -> dict[str, Shadowed]:
    """What was made of these leads (id -> version) at the last look, those that this version was never asked of left out."""
    rows = await pool.fetch(_BEFORE, list(versions), list(versions.values()))
    return {
        row["lead_id"]: Shadowed(Seen(*tuple(row)[:5]), row["since"], row["entries"], row["looked_at"]) for row in rows
    }


async def keep(pool: Pool, found: Sequence[tuple[str, Shadowed]]) -> None:
    """What these versions made of these leads."""
    rows = [
        (
            one.seen.lead_id,
            version,
            one.seen.stage,
            one.seen.total,
            one.seen.other_stage,
            one.seen.other_total,
            one.since,
            one.entries,
            one.looked_at,
        )
        for version, one in found
    ]
    if rows:
        await pool.execute(_KEEP, *map(list, zip(*rows, strict=True)))


async def forget(pool: Pool, but: Sequence[str]) -> None:
    """Deletes what other versions than these made of leads."""
    # Only this version's report is asked for.
    await pool.execute("DELETE FROM shadow WHERE version <> ALL ($1::text[])", but)


async def report(pool: Pool, version: str) -> dict[str, Any]:
    """How the shadow differs: count by stage, who entered SQL in it, the most moved leads, and how old the oldest look is."""
    stages = await pool.fetch(_STAGES, version)
    return {
        "leads": sum(row["leads"] for row in stages),
        "in_sql": sum(row["leads"] for row in stages if row["after"] == SQL),
        "in_sql_live": sum(row["leads"] for row in stages if row["before"] == SQL),
        "entered_sql": int(sum(row["entries"] for row in stages)),
        "stages": [{"before": row["before"], "after": row["after"], "leads": row["leads"]} for row in stages],
        "most_moved": [moved(Seen(*row)) for row in await pool.fetch(_MOVED, version)],
        "oldest_look": clock.text(min(row["oldest"] for row in stages)) if stages else None,
        "latest_look": clock.text(max(row["latest"] for row in stages)) if stages else None,
    }
