"""The outbox and the inbox: what a batch leaves behind in its own transaction, and what is swept when the broker has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared import message
from shared.database import Pool
from shared.message import Message
from shared.outcome import CommandResult
from shared.ownership import SeenMeanwhile
from shared.stage import Tx


async def put(
    tx: Tx,
    *,
    stage: str,
    counted: Mapping[str, datetime],
    messages: Mapping[int, Sequence[Message]],
    acknowledged: Sequence[int],
    commands: Sequence[CommandResult] = (),
) -> dict[int, int]:
    """Writes the batch's traces: event ids that count from now on (with their time), messages by number, ended commands; and deletes
    the outbox rows that the broker has acknowledged. Returns the new outbox row of each number.

    Raises SeenMeanwhile when another instance counted one of the events since the fence looked.
    """
    parts = sorted(part for part, batch in messages.items() if batch)
    # One statement for all traces of a batch: sweep, remember, keep what must still be sent.
    rows = await tx.fetch(
        """
        WITH swept AS (
            DELETE FROM outbox WHERE id = ANY ($2::bigint[])
        ), counted AS (
            INSERT INTO inbox (stage, event_id, at)
            SELECT $1, event_id, at FROM unnest($3::uuid[], $4::timestamptz[]) AS i(event_id, at)
            ON CONFLICT DO NOTHING
            RETURNING 1
        ), ended AS (
            INSERT INTO command AS c (command_id, status, reason, result)
            SELECT * FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[])
            ON CONFLICT (command_id) DO UPDATE SET status = excluded.status, reason = excluded.reason, result = excluded.result
             WHERE excluded.status <> 'pending'
        ), kept AS (
            INSERT INTO outbox (stage, part, messages)
            SELECT $1, part, messages FROM unnest($5::int[], $6::bytea[]) AS o(part, messages)
            RETURNING id, part
        )
        SELECT id, part FROM kept
        UNION ALL
        SELECT NULL, count(*)::int FROM counted
        """,
        stage,
        acknowledged,
        list(counted),
        list(counted.values()),
        parts,
        [message.pack(messages[part]) for part in parts],
        [command.command_id for command in commands],
        [command.status for command in commands],
        [command.reason for command in commands],
        [command.result for command in commands],
    )
    newly = sum(row["part"] for row in rows if row["id"] is None)
    if newly != len(counted):
        raise SeenMeanwhile
    return {row["part"]: row["id"] for row in rows if row["id"] is not None}


async def left(pool: Pool, *, stage: str, part: int, epoch: int) -> list[tuple[int, list[Message]]]:
    """What earlier owners of the number left unsent, oldest first: (row id, messages). Nothing when `epoch` owns the number no more:
    then its successor sends it."""
    # Oldest first, so that a lead's versions go out in the order in which they were decided.
    rows = await pool.fetch(
        """
        SELECT id, messages FROM outbox WHERE stage = $1 AND part = $2
           AND EXISTS (SELECT FROM cursor AS c WHERE c.stage = $1 AND c.part = $2 AND c.owner_epoch = $3)
         ORDER BY id
        """,
        stage,
        part,
        epoch,
    )
    return [(row["id"], message.unpack(row["messages"])) for row in rows]


async def sweep(pool: Pool, *, acknowledged: Sequence[int]) -> None:
    """Deletes rows that the broker has acknowledged, at once: for when no next batch comes to do it."""
    # Rows by id: only their owner knows the ids, so no fence is needed to forget what is on the topic already.
    await pool.execute("DELETE FROM outbox WHERE id = ANY ($1::bigint[])", acknowledged)


async def waiting(pool: Pool, *, stage: str) -> tuple[int, float]:
    """How many rows of a stage are there, whoever wrote them, and how old the oldest is (seconds; 0 when none is)."""
    # A few rows at most while all is well: those of batches that Kafka is acknowledging, and of those that nobody swept yet.
    rows = await pool.fetch(
        """
        SELECT count(*) AS waiting, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS seconds
          FROM outbox WHERE stage = $1
        """,
        stage,
    )
    return rows[0]["waiting"], rows[0]["seconds"]


async def trim_inbox(pool: Pool, *, stage: str, before: datetime, limit: int = 10_000) -> int:
    """Forgets event ids older than `before` (the topics' retention: nothing older can come again). Returns how many went."""
    # In slices, so that no long transaction stands in the way of the batches.
    tag = await pool.execute(
        """
        DELETE FROM inbox WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM inbox WHERE stage = $1 AND at < $2 LIMIT $3))
        """,
        stage,
        before,
        limit,
    )
    return int(tag.split()[-1])


INBOX_MEMORY = timedelta(days=100)  # topics keep 90 days; the rest is slack for segments that are deleted late
