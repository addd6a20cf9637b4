"""SQL: the spool, where accepted events wait for Kafka, and its leases. No decisions here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.capture.store.db import Db

Lane = tuple[str, int]  # topic and partition


CHANNEL = "spool"  # where instances tell each other into which lanes they have put rows: `topic partition holder`


async def spool(db: Db, rows: Sequence[tuple[Lane, int, bytes]], *, holder: str) -> None:
    """Keeps messages that Kafka can't take now: (lane, number of events, packed messages) each. The other instances hear of it."""
    # One row per lane of a flight, in the order given; committed, and told, when it returns.
    await db.execute(
        """
        WITH kept AS (
            INSERT INTO spool (topic, part, events, messages)
            SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bytea[]) RETURNING topic, part
        )
        SELECT pg_notify($5, concat_ws(' ', topic, part, $6::text)) FROM kept
        """,
        [lane[0] for lane, _, _ in rows],
        [lane[1] for lane, _, _ in rows],
        [events for _, events, _ in rows],
        [messages for _, _, messages in rows],
        CHANNEL,
        holder,
    )


def told(payload: str) -> tuple[str, Lane]:
    """Who put rows into which lane, from what was heard on the channel."""
    topic, part, holder = payload.split(" ", 2)
    return holder, (topic, int(part))


async def backlog(db: Db) -> dict[Lane, int]:
    """How many events wait in the spool, by lane."""
    # All lanes that have rows, whoever wrote them.
    rows = await db.fetch("SELECT topic, part, sum(events)::bigint AS events FROM spool GROUP BY topic, part")
    return {(row["topic"], row["part"]): row["events"] for row in rows}


async def oldest_seconds(db: Db) -> float:
    """For how long the oldest row waits; 0 where there is none."""
    # The first by id, which was the first to be put there, or nearly so.
    found = await db.fetchval("SELECT extract(epoch FROM now() - spooled_at) FROM spool ORDER BY id LIMIT 1")
    return max(0.0, float(found or 0))


async def lease(db: Db, lanes: Sequence[Lane], *, holder: str, seconds: float) -> list[Lane]:
    """Which of these lanes `holder` may drain for so long: those that it holds, and those that nobody holds any more."""
    # A lease that ran out belongs to whoever comes first.
    rows = await db.fetch(
        """
        INSERT INTO spool_lease AS l (topic, part, holder, expires_at)
        SELECT topic, part, $3, now() + make_interval(secs => $4) FROM unnest($1::text[], $2::int[]) AS w(topic, part)
         ORDER BY topic, part
        ON CONFLICT (topic, part) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE l.holder = excluded.holder OR l.expires_at < now()
        RETURNING topic, part
        """,
        [lane[0] for lane in lanes],
        [lane[1] for lane in lanes],
        holder,
        seconds,
    )
    return [(row["topic"], row["part"]) for row in rows]


async def release(db: Db, *, holder: str) -> None:
    """Gives all leases back, so that nobody has to wait for their end."""
    # Whoever polls next takes them.
    await db.execute("DELETE FROM spool_lease WHERE holder = $1", holder)


async def oldest(db: Db, lanes: Sequence[Lane], *, events: int) -> list[tuple[int, Lane, bytes]]:
    """Per lane its oldest rows up to about so many events: (row id, lane, packed messages), oldest first."""
    # Rows of a lane until the events before a row reach the limit, so at least one row each.
    rows: list[Any] = await db.fetch(
        """
        SELECT w.topic, w.part, s.id, s.messages
          FROM unnest($1::text[], $2::int[]) AS w(topic, part)
         CROSS JOIN LATERAL (
               SELECT id, messages, sum(events) OVER (ORDER BY id) - events AS before
                 FROM (SELECT id, messages, events FROM spool
                        WHERE topic = w.topic AND part = w.part ORDER BY id LIMIT 200) AS r) AS s
         WHERE s.before < $3
         ORDER BY s.id
        """,
        [lane[0] for lane in lanes],
        [lane[1] for lane in lanes],
        events,
    )
    return [(row["id"], (row["topic"], row["part"]), row["messages"]) for row in rows]


async def drained(db: Db, ids: Sequence[int]) -> None:
    """Forgets rows that Kafka has acknowledged."""
    # By id; a row that somebody else forgot already is no matter.
    await db.execute("DELETE FROM spool WHERE id = ANY ($1::bigint[])", ids)
