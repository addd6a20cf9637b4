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

# An event to each hook that subscribed to it before it happened. One that a hook was told of already is left as it is.
_PUT = """
INSERT INTO webhook.delivery (hook_id, event_id, type, key, lead_id, body, heard_at, state, tries, due_at)
SELECT hook_id, t.event_id, t.type, t.key, t.lead_id, t.body, t.at, 'waiting', 0, t.at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[])
       WITH ORDINALITY AS t(event_id, type, key, lead_id, body, at, nth)
  JOIN webhook.hook ON created_at <= t.at AND (events = '{}' OR t.type = ANY (events))
 ORDER BY t.nth
    ON CONFLICT DO NOTHING
"""

# Takes what is due of a hook, until it counts as dead: the oldest message of each lead that waits, so that a lead's come in order.
_TAKE = """
UPDATE webhook.delivery AS d SET tries = d.tries + 1, due_at = $2 + $4::interval
  FROM (SELECT hook_id, event_id FROM webhook.delivery AS one
         WHERE hook_id = $1 AND state = 'waiting' AND due_at <= $2
           AND NOT EXISTS (SELECT FROM webhook.delivery AS before
                            WHERE before.hook_id = one.hook_id AND before.lead_id = one.lead_id
                              AND before.state = 'waiting' AND before.number < one.number)
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

# What became of a try: the message, unless somebody else took it meanwhile; its hook's failures; and the try itself.
_SETTLE = """
WITH message AS (
    UPDATE webhook.delivery SET state = CASE WHEN $5::text = 'again' THEN 'waiting' ELSE $5::text END, due_at = $6,
           ended_at = CASE WHEN $5::text = 'again' THEN NULL ELSE $4::timestamptz END
     WHERE hook_id = $1 AND event_id = $2 AND state = 'waiting' AND tries = $3
), hook AS (
    UPDATE webhook.hook
       SET failing_since = CASE WHEN $5::text = 'delivered' THEN NULL ELSE coalesce(failing_since, $4::timestamptz) END,
           disabled_at = CASE WHEN $10::text IS NULL THEN disabled_at ELSE $4::timestamptz END,
           disabled_because = coalesce($10::text, disabled_because)
     WHERE hook_id = $1 AND ($10::text IS NOT NULL OR (failing_since IS NULL) = ($5::text <> 'delivered'))
)
INSERT INTO webhook.try (hook_id, event_id, at, status, why, took_ms)
SELECT $1, $2, $4::timestamptz, $7, $8, $9 WHERE EXISTS (SELECT FROM webhook.delivery WHERE hook_id = $1 AND event_id = $2)
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


async def take(pool: Pool, hook_id: str, *, now: datetime, most: int, lease: timedelta) -> list[Message]:
    """Begins a try of so many messages; whoever dies with them leaves them to others after `lease`."""
    return [Message(**row) for row in await pool.fetch(_TAKE, hook_id, now, most, lease)]


async def settle(pool: Pool, message: Message, answer: Answer, verdict: Verdict, *, now: datetime) -> None:
    """Writes down a try and what it came to."""
    await pool.execute(
        _SETTLE, message.hook_id, message.event_id, message.tries, now, verdict.state,
        now + timedelta(seconds=verdict.wait_seconds), answer.status, answer.why, answer.took_ms, verdict.disable,
    )  # fmt: skip


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
