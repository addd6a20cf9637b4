"""What time brings: leads that the clock may have changed, and those whose turn has come to be scored under a ruleset that was published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from itertools import accumulate

from services.score.domain.lead import Due, Republished
from services.score.domain.publications import KIND, Rulesets
from shared import clock, ids
from shared.stage import Input, Tx

# The leads of these numbers ($1) that are to be looked at up to a time of each ($2), the longest due first. Each number's first ones are taken
# from the index: joined, all that wait would be read each time.
_DUE = """
SELECT due.* FROM unnest($1::int[], $2::timestamptz[]) AS t (part, until)
 CROSS JOIN LATERAL (SELECT lead_id, part, due_at FROM review
                      WHERE review.part = t.part AND due_at <= t.until ORDER BY due_at, lead_id LIMIT $3) AS due
 ORDER BY due_at, lead_id LIMIT $3
"""

# A slice takes no more activities than this (or one lead's): all of them are read and counted anew, and a transaction that thinks for
# seconds is ended by Postgres (database.IDLE_IN_TRANSACTION_SECONDS).
ACTIVITIES = 10_000

# So many ($3) leads of each of these numbers ($1) that were not brought through its last publication ($2) yet, each with how much it did.
_BEHIND = """
SELECT l.lead_id, t.part, (SELECT count(*) FROM activity a WHERE a.lead_id = l.lead_id) AS activities
  FROM unnest($1::int[], $2::bigint[]) AS t (part, seq)
 CROSS JOIN LATERAL (SELECT lead_id FROM lead WHERE part = t.part AND ruled < t.seq ORDER BY ruled LIMIT $3) AS l
"""


def due(rulesets: Rulesets) -> Callable[[Tx, Mapping[int, datetime], int], Awaitable[list[Input]]]:
    """The stage's due. Reviews come first; what room they leave is for leads that wait for a new ruleset."""
    done: dict[
        int, int
    ] = {}  # the last publication of each number of which no lead is left: nobody can fall behind it again

    async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
        found = [
            Input(ids.timer_id(lead_id, "review", clock.to_ms(at)), Due(lead_id), at, part)
            for lead_id, part, at in await tx.fetch(_DUE, list(until), list(until.values()), limit)
        ]
        behind = {
            part: standing
            for part, read_until in until.items()
            if (standing := rulesets.latest(part)).seq > done.get(part, -1) and standing.at <= read_until
        }
        room = limit - len(found)
        if not behind or room <= 0:
            return found
        seqs = {part: standing.seq for part, standing in behind.items()}
        # Each number may have all the room: what was set aside may be all of one number, and who asks takes no more than it can do.
        rows = await tx.fetch(_BEHIND, list(seqs), list(seqs.values()), room)
        done.update((part, seq) for part, seq in seqs.items() if all(one["part"] != part for one in rows))
        sizes = accumulate(one["activities"] for one in rows)
        rows = [
            one for number, (one, size) in enumerate(zip(rows, sizes, strict=True)) if not number or size <= ACTIVITIES
        ]
        return found + [
            Input(
                ids.timer_id(lead_id, f"{KIND} {seqs[part]}", clock.to_ms(behind[part].at)),
                Republished(lead_id),
                behind[part].at,
                part,
            )
            for lead_id, part, _ in rows
        ]

    return due
