"""What an operator sees of mail and does to it, in route's store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.route.domain.mail.answer import State
from shared.database import Pool

Row = dict[str, Any]

_COLUMNS = (
    "mail_id::text, number, kind, lead_id, track, step, content, template, state, why, tries, told_at, due_at, ended_at"
)


async def listed(pool: Pool, *, state: str | None, lead_id: str | None, before: int | None, limit: int) -> list[Row]:
    """A page of mails, the newest first, with what happened to each."""
    # What happened to each in one look for the page.
    rows = await pool.fetch(
        f"""
        SELECT {_COLUMNS}, ARRAY(SELECT DISTINCT what FROM mail.happened AS h WHERE h.mail_id = m.mail_id ORDER BY what) AS happened
          FROM mail.mail AS m
         WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR lead_id = $2) AND ($3::bigint IS NULL OR number < $3)
         ORDER BY number DESC LIMIT $4
        """,
        state, lead_id, before, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def one(pool: Pool, mail_id: str) -> Row | None:
    """A mail with its tries and what happened to it; None where there is none."""
    # Both lists in their order.
    row = await pool.fetchrow(
        f"""
        SELECT {_COLUMNS}, address,
               ARRAY(SELECT ROW (at, came_to, why, took_ms) FROM mail.try AS t WHERE t.mail_id = m.mail_id ORDER BY at) AS log,
               ARRAY(SELECT ROW (at, what, url, channel, told_at) FROM mail.happened AS h WHERE h.mail_id = m.mail_id ORDER BY at) AS happened
          FROM mail.mail AS m WHERE mail_id = $1
        """,
        mail_id,
    )
    if row is None:
        return None
    tries, happened = ("at", "came_to", "why", "took_ms"), ("at", "what", "url", "channel", "told_at")
    return {
        **row,
        "log": [dict(zip(tries, each, strict=True)) for each in row["log"]],
        "happened": [dict(zip(happened, each, strict=True)) for each in row["happened"]],
    }


async def resend(pool: Pool, mail_id: str, now: datetime) -> str | None:
    """Lets a mail be sent again that is unknown, failed or was skipped; returns the state in which it was, None where there is none. It has a day
    from now on."""
    # Nothing is changed of one that is sent, or that somebody is about to send.
    return await pool.fetchval(  # type: ignore[no-any-return]
        """
        WITH was AS (SELECT mail_id, state FROM mail.mail WHERE mail_id = $1 FOR UPDATE), changed AS (
            UPDATE mail.mail AS m SET state = 'waiting', why = 'an operator sends it again', tries = 0, turn = m.turn + 1, due_at = $2, told_at = $2, ended_at = NULL
              FROM was WHERE m.mail_id = was.mail_id AND was.state = ANY ($3) AND data IS NOT NULL
        )
        SELECT state FROM was
        """,
        mail_id, now, [State.UNKNOWN.value, State.FAILED.value, State.SKIPPED.value],
    )  # fmt: skip


async def counts(pool: Pool, since: datetime) -> Row:
    """How many mails are where (of those that ended, since a moment), and since when the longest waits."""
    # One pass over what is kept.
    rows = await pool.fetch(
        "SELECT state, count(*) AS mails FROM mail.mail WHERE ended_at IS NULL OR ended_at > $1 GROUP BY state ORDER BY state",
        since,
    )
    # What waits is due at its next try, so its age is that of its event.
    oldest = await pool.fetchval("SELECT min(told_at) FROM mail.mail WHERE state = 'waiting'")
    return {"mails": {row["state"]: row["mails"] for row in rows}, "waiting_since": oldest}
