"""What the API shows of route's store. Nothing here is on the way of a record, and nothing writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.database import Pool

Row = dict[str, Any]

# The handovers that a lead has, and those that it had before a merge gave them to another.
OF_A_LEAD = """
SELECT handover_id, lead_id, opened_for, owner, state, state_at, created_at, accepted_at, contacted_at, accept_escalated, contact_escalated,
       document
  FROM handover
 WHERE lead_id = $1 OR (opened_for = $1 AND opened_for <> lead_id)
 ORDER BY created_at, handover_id
"""

# One handover.
ONE = """
SELECT handover_id, lead_id, opened_for, owner, state, state_at, created_at, accepted_at, contacted_at, accept_escalated, contact_escalated,
       document
  FROM handover WHERE handover_id = $1
"""

# Handovers of an owner ($1) in a state ($2), where either is asked for, before the last one of the page before, the newest first.
LIST = """
SELECT handover_id, lead_id, episode, attempt, owner, pool, state, state_at, created_at, accept_by, contact_by,
       nullif(accept_escalated, false) AS accept_escalated, nullif(contact_escalated, false) AS contact_escalated
  FROM handover
 WHERE ($1::text IS NULL OR owner = $1) AND ($2::text IS NULL OR state = $2) AND (created_at, handover_id) < ($3, $4)
 ORDER BY created_at DESC, handover_id DESC LIMIT $5
"""

# Whether route has heard of a lead.
KNOWN = "SELECT true FROM lead WHERE lead_id = $1"

# Everything that was said about these handovers, in the order in which it came.
OUTCOMES = """
SELECT command_id, handover_id, outcome, reason, amount, currency, reported_by AS by, occurred_at, received_at, verdict,
       state_before, state_after
  FROM outcome_log WHERE handover_id = ANY ($1::text[]) ORDER BY received_at, command_id
"""

# What was said of a lead and waits for its handover.
WAITING = """
SELECT command_id, handover_id, outcome, reason, amount, currency, reported_by AS by, occurred_at, received_at, verdict
  FROM outcome_log WHERE lead_id = $1 AND verdict = 'waiting' ORDER BY received_at, command_id
"""

# Which lead this one is now, if a merge made it another.
SURVIVOR = "SELECT survivor FROM absorbed WHERE lead_id = $1"

# The leads that wait for somebody, the longest first, after the last one of the page before.
QUEUE = "SELECT lead_id, episode, reason, path, since FROM queue WHERE (since, lead_id) > ($1, $2) ORDER BY since, lead_id LIMIT $3"

# How many wait in all.
QUEUED = "SELECT count(*) FROM queue"


async def handovers_of(pool: Pool, lead_id: str) -> list[Row]:
    """A lead's handovers, oldest first."""
    return [dict(row) for row in await pool.fetch(OF_A_LEAD, lead_id)]


async def handovers(
    pool: Pool, *, owner: str | None, state: str | None, after: tuple[datetime, str], limit: int
) -> list[Row]:
    """At most `limit` handovers older than the place `after`, the newest first."""
    return [dict(row) for row in await pool.fetch(LIST, owner, state, *after, limit)]


async def is_known(pool: Pool, lead_id: str) -> bool:
    """Whether route has heard of this lead."""
    return bool(await pool.fetchval(KNOWN, lead_id))


async def handover(pool: Pool, handover_id: str) -> Row | None:
    """One handover, if there is one of this id."""
    row = await pool.fetchrow(ONE, handover_id)
    return dict(row) if row is not None else None


async def outcomes(pool: Pool, handover_ids: list[str]) -> list[Row]:
    """What was said about these handovers."""
    return [dict(row) for row in await pool.fetch(OUTCOMES, handover_ids)]


async def waiting(pool: Pool, lead_id: str) -> list[Row]:
    """What was said of a lead and has no handover yet."""
    return [dict(row) for row in await pool.fetch(WAITING, lead_id)]


async def survivor(pool: Pool, lead_id: str) -> str | None:
    """The lead that `lead_id` is now, if it is another one."""
    found: str | None = await pool.fetchval(SURVIVOR, lead_id)
    return found


async def queue(pool: Pool, *, after: tuple[datetime, str], limit: int) -> tuple[int, list[Row]]:
    """How many leads wait, and at most `limit` of them after the place `after`."""
    total: int = await pool.fetchval(QUEUED)
    return total, [dict(row) for row in await pool.fetch(QUEUE, *after, limit)]
