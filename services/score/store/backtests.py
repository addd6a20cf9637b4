"""Backtests in score's store: what was asked, how far it is, what it found. The leads themselves are read by history.py."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.database import Pool

KEPT = 10  # backtests; the eleventh takes the oldest one's place
SILENT = timedelta(seconds=30)  # without a sign of life: nobody runs it any more
OPEN = ("waiting", "running")

_ASKED = """
INSERT INTO backtest (backtest_id, asked_at, at, before, after, status, beat_at) VALUES ($1, $2, $3, $4, $5, 'waiting', $2)
"""

# All that have ended but the latest ($1).
_FORGET = """
DELETE FROM backtest WHERE status NOT IN ('waiting', 'running')
   AND backtest_id NOT IN (SELECT backtest_id FROM backtest ORDER BY asked_at DESC LIMIT $1)
"""

# One backtest.
_ONE = "SELECT * FROM backtest WHERE backtest_id = $1"

# How far it is; what it is by now, since somebody may have cancelled it.
_BEAT = """
UPDATE backtest SET status = CASE status WHEN 'waiting' THEN $5 ELSE status END, leads = $2, done = $3, beat_at = $4
 WHERE backtest_id = $1
RETURNING status
"""

# The end, whatever it is; the first one counts.
_END = """
UPDATE backtest SET status = $2, reason = $3, report = $4, beat_at = $5 WHERE backtest_id = $1 AND status IN ('waiting', 'running')
"""

# What one piece of the leads came to.
_PIECE = "INSERT INTO backtest_piece (backtest_id, piece, rows) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"

# The pieces after one, a few at a time.
_PIECES = "SELECT piece, rows FROM backtest_piece WHERE backtest_id = $1 AND piece > $2 ORDER BY piece LIMIT 20"

# How many leads score has ever heard of.
_LEADS = "SELECT count(*) FROM lead"


class Backtest(Struct, frozen=True):
    """One backtest as the store has it."""

    backtest_id: uuid.UUID
    asked_at: datetime
    at: datetime
    before: str
    after: str
    status: str
    reason: str | None
    leads: int
    done: int
    beat_at: datetime
    report: bytes | None

    def is_lost(self, now: datetime) -> bool:
        """Whether it should still go on, and the instance that ran it has long been silent."""
        return self.status in OPEN and now - self.beat_at > SILENT


async def ask(pool: Pool, backtest_id: uuid.UUID, *, now: datetime, at: datetime, before: str, after: str) -> None:
    """Notes a backtest that is to be run, and forgets the oldest ones."""
    await pool.execute(_ASKED, backtest_id, now, at, before, after)
    await pool.execute(_FORGET, KEPT)


async def one(pool: Pool, backtest_id: uuid.UUID) -> Backtest | None:
    """A backtest, or None."""
    row = await pool.fetchrow(_ONE, backtest_id)
    return None if row is None else Backtest(**row)


async def beat(
    pool: Pool, backtest_id: uuid.UUID, *, leads: int, done: int, now: datetime, status: str = "running"
) -> bool:
    """Says how far a backtest is; whether it is still to go on."""
    return await pool.fetchval(_BEAT, backtest_id, leads, done, now, status) in OPEN


async def end(
    pool: Pool,
    backtest_id: uuid.UUID,
    *,
    status: str,
    now: datetime,
    reason: str | None = None,
    report: bytes | None = None,
) -> None:
    """The end of a backtest; nothing where it has ended before."""
    await pool.execute(_END, backtest_id, status, reason, report, now)


async def keep(pool: Pool, backtest_id: uuid.UUID, piece: int, rows: bytes) -> None:
    """Keeps the leads of one piece."""
    await pool.execute(_PIECE, backtest_id, piece, rows)


async def leads(pool: Pool) -> int:
    """How many leads score has ever heard of."""
    return int(await pool.fetchval(_LEADS))


async def rows(pool: Pool, backtest_id: uuid.UUID) -> AsyncIterator[bytes]:
    """All leads of a backtest, a line of JSON each, some hundred at a time."""
    after = -1
    while found := await pool.fetch(_PIECES, backtest_id, after):
        for piece, lines in found:
            yield lines
            after = piece


def shown(found: Backtest, now: datetime) -> dict[str, Any]:
    """How far it is, for the API."""
    lost = found.is_lost(now)
    reason = (
        "the instance of score that ran it has ended, or cannot reach its store; ask for it again"
        if lost
        else found.reason
    )
    said = {
        "status": "failed" if lost else found.status,
        "leads": found.leads,
        "done": found.done,
        "reason": reason,
    }
    return {name: value for name, value in said.items() if value is not None}
