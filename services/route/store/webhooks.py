"""Hooks, their messages and tries in route's store. What an answer means is decided in domain/webhooks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.route.domain.webhooks.answer import Answer, Verdict
from services.route.domain.webhooks.told import TEST, Told
from shared.database import Pool
from shared.stage import Input, Tx

Connection = Pool | PoolConnectionProxy | asyncpg.Connection

# An event to each hook that subscribed to it before it happened. One that a hook was told of already is left as it is. One whose lead has an
# earlier message that waits is due when that has ended (_SETTLE): however many wait for one, nobody who looks for what is due reads them.
_PUT = """
WITH new AS (
    SELECT hook_id, t.*
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[])
           WITH ORDINALITY AS t(event_id, type, key, lead_id, body, at, nth)
      JOIN webhook.hook ON created_at <= t.at AND (events = '{}' OR t.type = ANY (events))
     WHERE NOT EXISTS (SELECT FROM webhook.delivery AS d WHERE d.hook_id = hook.hook_id AND d.event_id = t.event_id)
)
INSERT INTO webhook.delivery (hook_id, event_id, type, key, lead_id, body, heard_at, state, tries, due_at)
SELECT hook_id, event_id, type, key, lead_id, body, at, 'waiting', 0,
       CASE WHEN row_number() OVER (PARTITION BY hook_id, lead_id ORDER BY nth) > 1
              OR EXISTS (SELECT FROM webhook.delivery AS d
                          WHERE d.hook_id = new.hook_id AND d.lead_id = new.lead_id AND d.state = 'waiting')
            THEN 'infinity' ELSE at END
  FROM new ORDER BY nth
    ON CONFLICT DO NOTHING
"""

# Messages that wait for an earlier one of their lead, and there is none any more: it ended in the moment in which they came.
_WAKE = """
UPDATE webhook.delivery AS d SET due_at = $1
 WHERE state = 'waiting' AND due_at = 'infinity'
   AND number = (SELECT number FROM webhook.delivery AS first
                  WHERE first.hook_id = d.hook_id AND first.lead_id = d.lead_id AND first.state = 'waiting' ORDER BY number LIMIT 1)
"""

# Takes what is due of a hook, until it counts as dead: the oldest message of each lead that waits, so that a lead's come in order. Which is the
# oldest, is looked up for each (a join with all that wait would compare each with each, for one lead that has many).
_TAKE = """
UPDATE webhook.delivery AS d SET tries = d.tries + 1, due_at = $2 + $4::interval
  FROM (SELECT hook_id, event_id FROM webhook.delivery AS one
         WHERE hook_id = $1 AND state = 'waiting' AND due_at <= $2
           AND number = (SELECT number FROM webhook.delivery AS first
                          WHERE first.hook_id = one.hook_id AND first.lead_id = one.lead_id AND first.state = 'waiting'
                          ORDER BY number LIMIT 1)
         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
 WHERE d.hook_id = due.hook_id AND d.event_id = due.event_id
RETURNING d.hook_id, d.event_id::text, d.type, d.key, d.body, d.tries
"""

# The hooks that have something due and may be told of it, with the secrets that sign, the newest first.
_DUE_HOOKS = """
SELECT hook_id, url, failing_since,
       ARRAY(SELECT secret FROM webhook.secret AS s
              WHERE s.hook_id = h.hook_id AND (ends_at IS NULL OR ends_at > $1) ORDER BY made_at DESC) AS secrets
  FROM webhook.hook AS h
 WHERE disabled_at IS NULL
   AND EXISTS (SELECT FROM webhook.delivery AS d WHERE d.hook_id = h.hook_id AND state = 'waiting' AND due_at <= $1)
"""

# Whether a message waits at all for a hook that may be told of it.
_WAITS = """
SELECT EXISTS (SELECT FROM webhook.hook AS h WHERE disabled_at IS NULL
                  AND EXISTS (SELECT FROM webhook.delivery AS d WHERE d.hook_id = h.hook_id AND state = 'waiting'))
"""

# What became of a try: the message, unless somebody else took it meanwhile; the next of its lead, once it has ended; its hook's failures; and
# the try itself. The hook is locked first, as whoever deletes it does.
_SETTLE = """
WITH held AS MATERIALIZED (
    SELECT hook_id FROM webhook.hook WHERE hook_id = $1 FOR NO KEY UPDATE
), message AS (
    UPDATE webhook.delivery SET state = CASE WHEN $5::text = 'again' THEN 'waiting' ELSE $5::text END, due_at = $6,
           ended_at = CASE WHEN $5::text = 'again' THEN NULL ELSE $4::timestamptz END
     WHERE hook_id = (SELECT hook_id FROM held) AND event_id = $2 AND state = 'waiting' AND tries = $3
    RETURNING lead_id, number
), next AS (
    UPDATE webhook.delivery SET due_at = $4
     WHERE hook_id = $1 AND $5::text <> 'again' AND due_at = 'infinity' AND number = (
           SELECT min(d.number) FROM message JOIN webhook.delivery AS d ON d.lead_id = message.lead_id AND d.number > message.number
            WHERE d.hook_id = $1 AND d.state = 'waiting')
), hook AS (
    UPDATE webhook.hook
       SET failing_since = CASE WHEN $5::text = 'delivered' THEN NULL ELSE coalesce(failing_since, $4::timestamptz) END,
           disabled_at = CASE WHEN $10::text IS NULL THEN disabled_at ELSE $4::timestamptz END,
           disabled_because = coalesce($10::text, disabled_because)
     WHERE hook_id = (SELECT hook_id FROM held) AND ($10::text IS NOT NULL OR (failing_since IS NULL) = ($5::text <> 'delivered'))
)
INSERT INTO webhook.try (hook_id, event_id, at, status, why, took_ms)
SELECT $1, $2, $4::timestamptz, $7, $8, $9 WHERE EXISTS (SELECT FROM held) AND EXISTS (SELECT FROM webhook.delivery WHERE hook_id = $1 AND event_id = $2)
"""

# Messages that ended long ago, with their tries; and those that waited as long for a hook that is disabled.
_FORGET = """
DELETE FROM webhook.delivery AS d
 WHERE ended_at < $1
    OR state = 'waiting' AND heard_at < $1 AND EXISTS (SELECT FROM webhook.hook AS h WHERE h.hook_id = d.hook_id AND disabled_at < $1)
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that has something to be sent."""

    hook_id: str
    url: str
    failing_since: datetime | None
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Message:
    """One message whose try has begun."""

    hook_id: str
    event_id: str
    type: str
    key: str
    body: bytes
    tries: int


async def load(_: Tx, __: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """Nothing is needed to decide."""
    return {}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Keeps the events of a batch for whoever subscribed."""
    await put(tx, list(changes.values()))


async def put(tx: Connection, told: Sequence[Told]) -> None:
    """Keeps events for whoever subscribed."""
    columns = [(one.event_id, one.type, one.key, one.lead_id, one.body, one.at) for one in told]
    await tx.execute(_PUT, *map(list, zip(*columns, strict=True)))


async def due(pool: Pool, now: datetime) -> list[Hook]:
    """The hooks that have something due."""
    return [Hook(**row) for row in await pool.fetch(_DUE_HOOKS, now)]


async def waits(pool: Pool) -> bool:
    """Whether anything waits, due or not."""
    return bool(await pool.fetchval(_WAITS))


async def take(pool: Pool, hook_id: str, *, now: datetime, most: int, lease: timedelta) -> list[Message]:
    """Begins a try of so many messages; whoever dies with them leaves them to others after `lease`."""
    return [Message(**row) for row in await pool.fetch(_TAKE, hook_id, now, most, lease)]


async def settle(pool: Pool, message: Message, answer: Answer, verdict: Verdict, *, now: datetime) -> None:
    """Writes down a try and what it came to."""
    await pool.execute(
        _SETTLE, message.hook_id, message.event_id, message.tries, now, verdict.state,
        now + timedelta(seconds=verdict.wait_seconds), answer.status, answer.why, answer.took_ms, verdict.disable,
    )  # fmt: skip


async def wake(pool: Pool, now: datetime) -> None:
    """Makes due what waits for a message that has ended; hardly ever is there any."""
    await pool.execute(_WAKE, now)


async def forget(pool: Pool, before: datetime) -> None:
    """Lets go of what ended before."""
    await pool.execute(_FORGET, before)


async def test(pool: Pool, hook_id: str, told: Told) -> bool:
    """A message to one hook alone; False where there is no such hook."""
    # Like any other message, but to one hook only.
    status = await pool.execute(
        """
        INSERT INTO webhook.delivery (hook_id, event_id, type, key, lead_id, body, heard_at, state, tries, due_at)
        SELECT hook_id, $2, $3, $4, $5, $6, $7, 'waiting', 0, $7 FROM webhook.hook WHERE hook_id = $1
        """,
        hook_id, told.event_id, TEST, told.key, told.lead_id, told.body, told.at,
    )  # fmt: skip
    return status != "INSERT 0 0"
