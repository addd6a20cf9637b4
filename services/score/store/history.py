"""What was known of leads at any moment, for those who ask: the API about one, a backtest about all. Changes nothing.

A backtest reads like this, in as many workers as `cuts` was asked for pieces; each holds one page of leads at a time:

    for after, upto in await history.cuts(pool, 4):
        async for known in history.all_known(pool, at=at, after=after, upto=upto): ...

What becomes known while it is being read came after `at`, so that it makes no difference; `at` lies in the past by the time that score
is behind its topics. Known is in domain/known.py, and domain/account.py says what it comes to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from services.score.domain.advice import Advice
from services.score.domain.known import Decided, Known, Profiled, Reported
from services.score.domain.lead import Lead, known_at
from services.score.store.batches import lead_of
from shared.database import Pool

_decided = msgspec.msgpack.Decoder(Decided).decode
_profiled = msgspec.msgpack.Decoder(Profiled).decode

# What was known at a moment ($1) of these leads ($2), in order of their ids: what is said of them now, what was said then if it was something
# else, and of each activity, in each life of its lead, the latest revision.
_KNOWN = """
SELECT l.lead_id, l.part, l.data, p.data AS profile, d.data AS decided, a.lives, a.bodies, o.reported, s.advised
  FROM lead l
  LEFT JOIN LATERAL (
       SELECT data FROM former f WHERE f.lead_id = l.lead_id AND f.kind = 'profile' AND f.known_at <= $1 ORDER BY f.known_at DESC LIMIT 1
  ) p ON true
  LEFT JOIN LATERAL (
       SELECT data FROM former f WHERE f.lead_id = l.lead_id AND f.kind = 'decided' AND f.known_at <= $1 ORDER BY f.known_at DESC LIMIT 1
  ) d ON true
  CROSS JOIN LATERAL (
       SELECT array_agg(life) AS lives, array_agg(body) AS bodies
         FROM (SELECT DISTINCT ON (activity_id, life) life, body
                 FROM activity a
                WHERE a.lead_id = l.lead_id AND a.known_at <= $1
                ORDER BY activity_id, life, revision DESC) AS latest
  ) a
  CROSS JOIN LATERAL (
       SELECT array_agg((event_id::text, life, outcome, occurred_at, known_at, episode) ORDER BY known_at, event_id) AS reported
         FROM outcome o
        WHERE o.lead_id = l.lead_id AND o.known_at <= $1
  ) o
  CROSS JOIN LATERAL (
       SELECT array_agg((name, value, at, expires_at, known_at, life) ORDER BY known_at) AS advised
         FROM advice s
        WHERE s.lead_id = l.lead_id AND s.known_at <= $1
  ) s
 WHERE l.lead_id = ANY ($2::text[])
 ORDER BY l.lead_id
"""

# The leads after an id ($1) up to another one ($2), in order, so many ($3).
_PAGE = "SELECT lead_id FROM lead WHERE lead_id > $1 AND lead_id <= $2 ORDER BY lead_id LIMIT $3"

# The last lead of each of so many ($1) pieces of about the same size, in order.
_CUTS = """
SELECT max(lead_id) FROM (SELECT lead_id, ntile($1) OVER (ORDER BY lead_id) AS piece FROM lead) AS pieces GROUP BY piece ORDER BY piece
"""

# One lead's number, and its document.
_ONE = "SELECT lead_id, part, data FROM lead WHERE lead_id = $1"


async def lead(pool: Pool, lead_id: str) -> Lead | None:
    """One lead as it is now, without its activities; None where score has never heard of it."""
    row = await pool.fetchrow(_ONE, lead_id)
    return None if row is None else lead_of(*row)


async def known(pool: Pool, lead_id: str, *, at: datetime) -> Known | None:
    """What was known of a lead at a moment; None where nothing was. One that had been absorbed by then says so: `decided.absorbed_into`."""
    row = await pool.fetchrow(_KNOWN, at, [lead_id])
    return None if row is None else _known(row, at)


async def all_known(pool: Pool, *, at: datetime, after: str = "", upto: str, page: int = 200) -> AsyncIterator[Known]:
    """What was known at a moment of each lead after an id up to another one, in order of their ids, `page` leads in memory at a time.

    Absorbed leads are among them, with what was decided of them and nothing else in their present life; leads of which nothing was known
    yet are not.
    """
    while ids := [lead_id for (lead_id,) in await pool.fetch(_PAGE, after, upto, page)]:
        for row in await pool.fetch(_KNOWN, at, ids):
            if (found := _known(row, at)) is not None:
                yield found
        after = ids[-1]


async def cuts(pool: Pool, pieces: int) -> Sequence[tuple[str, str]]:
    """The ids cut into so many pieces of about the same number of leads, fewer where there are few: what each comes after, and its last."""
    last = [upto for (upto,) in await pool.fetch(_CUTS, pieces)]
    return list(zip(["", *last], last, strict=False))


def _known(row: Any, at: datetime) -> Known | None:
    return known_at(
        lead_of(row["lead_id"], row["part"], row["data"]),
        at,
        decided_then=_decided(row["decided"]) if row["decided"] is not None else None,
        profiled_then=_profiled(row["profile"]) if row["profile"] is not None else None,
        activities=zip(row["lives"] or (), row["bodies"] or (), strict=True),
        reported=(Reported(*one) for one in row["reported"] or ()),
        advised=(Advice(*one) for one in row["advised"] or ()),
    )
