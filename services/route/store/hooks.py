"""What an operator does to hooks and sees of them, in route's store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.database import Pool


async def add(
    pool: Pool, hook_id: str, *, url: str, events: Sequence[str], note: str, secret: str, now: datetime
) -> None:
    """Makes a hook with its secret."""
    # Both at once: a hook without a secret could not sign.
    await pool.execute(
        """
        WITH made AS (
            INSERT INTO webhook.hook (hook_id, url, events, note, created_at) VALUES ($1, $2, $3, $4, $6) RETURNING hook_id
        ) INSERT INTO webhook.secret (hook_id, secret, made_at) SELECT hook_id, $5, $6 FROM made
        """,
        hook_id, url, list(events), note, secret, now,
    )  # fmt: skip


async def listed(pool: Pool) -> list[dict[str, Any]]:
    """All hooks, the oldest first, with how many messages wait or failed and when one was last delivered."""
    # One look at a hook's messages for all three.
    rows = await pool.fetch(
        """
        SELECT h.hook_id, url, events, note, created_at, failing_since, disabled_at, disabled_because,
               count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'failed') AS failed,
               max(ended_at) FILTER (WHERE state = 'delivered') AS delivered_at
          FROM webhook.hook AS h LEFT JOIN webhook.delivery USING (hook_id) GROUP BY h.hook_id ORDER BY created_at, h.hook_id
        """
    )
    return [dict(row) for row in rows]


async def remove(pool: Pool, hook_id: str) -> bool:
    """Deletes a hook; False where there is none."""
    # Its secrets, messages and tries go with it.
    return await _changed(pool, "DELETE FROM webhook.hook WHERE hook_id = $1", hook_id)


async def rotate(pool: Pool, hook_id: str, *, secret: str, old_ends_at: datetime, now: datetime) -> bool:
    """Gives a hook a new secret; the newest of before ends then, older ones now. False where there is no such hook."""
    return await _changed(
        pool,
        # Of the secrets in use the newest stays for a while, so that never more than two sign.
        """
        WITH old AS (
            UPDATE webhook.secret SET ends_at = CASE WHEN ends_at IS NULL THEN $3 ELSE least(ends_at, $4) END WHERE hook_id = $1
        ) INSERT INTO webhook.secret (hook_id, secret, made_at) SELECT hook_id, $2, $4 FROM webhook.hook WHERE hook_id = $1
        """,
        hook_id, secret, old_ends_at, now,
    )  # fmt: skip


async def enable(pool: Pool, hook_id: str, *, now: datetime) -> bool:
    """Lets a hook be told again, what waits at once; False where there is none."""
    return await _changed(
        pool,
        # What waited begins its tries anew; what waits for an earlier message of its lead still does. The hook is locked first, as everywhere.
        """
        WITH held AS MATERIALIZED (
            SELECT hook_id FROM webhook.hook WHERE hook_id = $1 FOR NO KEY UPDATE
        ), waiting AS (
            UPDATE webhook.delivery SET due_at = CASE WHEN due_at = 'infinity' THEN due_at ELSE $2 END, tries = 0
             WHERE hook_id = (SELECT hook_id FROM held) AND state = 'waiting'
        )
        UPDATE webhook.hook SET disabled_at = NULL, disabled_because = NULL, failing_since = NULL WHERE hook_id = $1
        """,
        hook_id, now,
    )  # fmt: skip


async def disable(pool: Pool, hook_id: str, *, now: datetime) -> bool:
    """Holds a hook's messages back; False where there is none."""
    return await _changed(
        pool,
        # One that is disabled already keeps its own reason.
        """
        UPDATE webhook.hook SET disabled_at = coalesce(disabled_at, $2), disabled_because = coalesce(disabled_because, 'by an operator')
         WHERE hook_id = $1
        """,
        hook_id, now,
    )  # fmt: skip


async def deliveries(
    pool: Pool, hook_id: str, *, state: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """A page of a hook's messages, the newest first, with their tries. None is due where an earlier one of its lead waits."""
    # The tries of a page in one look.
    rows = await pool.fetch(
        """
        SELECT number, event_id::text, type, key, lead_id, state, tries, heard_at, nullif(due_at, 'infinity') AS due_at, ended_at,
               ARRAY(SELECT ROW (at, status, why, took_ms) FROM webhook.try AS t
                      WHERE t.hook_id = d.hook_id AND t.event_id = d.event_id ORDER BY at) AS log
          FROM webhook.delivery AS d
         WHERE hook_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::bigint IS NULL OR number < $3)
         ORDER BY number DESC LIMIT $4
        """,
        hook_id, state, before, limit,
    )  # fmt: skip
    names = ("at", "status", "why", "took_ms")
    return [{**row, "log": [dict(zip(names, one, strict=True)) for one in row["log"]]} for row in rows]


async def resend(pool: Pool, hook_id: str, event_id: str, *, now: datetime) -> bool:
    """Makes a message wait again; False where there is none."""
    return await _changed(
        pool,
        # One that waits is only sent sooner.
        """
        UPDATE webhook.delivery SET state = 'waiting', tries = 0, due_at = $3, ended_at = NULL
         WHERE hook_id = $1 AND event_id = $2
        """,
        hook_id, event_id, now,
    )  # fmt: skip


async def _changed(pool: Pool, statement: str, *values: object) -> bool:
    return not str(await pool.execute(statement, *values)).endswith(" 0")
