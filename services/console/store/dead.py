"""Dead letters, their replays, the demo page's property, as the console's store keeps them. Nothing here decides."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.console.domain.dead import Kept, Replayed
from shared.contracts import Dead, Place
from shared.database import Pool
from shared.stage import Input, Tx

_headers = msgspec.json.Decoder(list[tuple[str, bytes]]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters: each field that is given must fit. `waiting`: those that were never replayed."""

    service: str | None = None
    reason: str | None = None
    topic: str | None = None
    waiting: bool = False


async def seen(tx: Tx, ids: Sequence[str]) -> set[str]:
    """Which of these are kept already. Keeping is idempotent, so no lock is needed for the answer to be useful."""
    # Dead letters and replays share the namespace of event ids.
    rows = await tx.fetch(
        """
        SELECT dead_id::text AS id FROM dead WHERE dead_id = ANY ($1::uuid[])
        UNION ALL
        SELECT command_id::text FROM replay WHERE command_id = ANY ($1::uuid[])
        """,
        ids,
    )
    return {row["id"] for row in rows}


async def load(_: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """Nothing: a dead letter is decided on by itself."""
    return {}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Keeps dead letters and notes of replays; what is there stays."""
    kept = [one for one in changes.values() if isinstance(one, Kept)]
    if kept:
        # A batch of dead letters, each once.
        await tx.execute(
            """
            INSERT INTO dead (dead_id, service, reason, detail, topic, part, place, died_at, replay_of, key, headers, value)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bigint[],
                                 $8::timestamptz[], $9::uuid[], $10::bytea[], $11::bytea[], $12::bytea[])
            ON CONFLICT DO NOTHING
            """,
            [one.dead.event_id for one in kept],
            [one.dead.service for one in kept],
            [one.dead.reason for one in kept],
            [one.dead.detail for one in kept],
            [one.dead.place.topic for one in kept],
            [one.dead.place.partition for one in kept],
            [one.dead.place.offset for one in kept],
            [one.dead.at for one in kept],
            [one.replay_of for one in kept],
            [one.dead.key for one in kept],
            [msgspec.json.encode(one.dead.headers) for one in kept],
            [one.dead.value for one in kept],
        )
    replayed = [one for one in changes.values() if isinstance(one, Replayed)]
    if replayed:
        # A batch of replays, each once.
        await tx.execute(
            """
            INSERT INTO replay (command_id, dead_id, replayed_at)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
            ON CONFLICT DO NOTHING
            """,
            [one.command_id for one in replayed],
            [one.dead_id for one in replayed],
            [one.at for one in replayed],
        )


async def counts(pool: Pool) -> list[dict[str, Any]]:
    """How many dead letters there are by service, topic and reason, and how many of them were never replayed."""
    # The whole table in a few rows, largest first.
    rows = await pool.fetch(
        """
        SELECT service, topic, reason, count(*) AS dead, count(*) FILTER (WHERE NOT EXISTS (
                   SELECT FROM replay AS r WHERE r.dead_id = d.dead_id)) AS waiting
          FROM dead AS d
         GROUP BY service, topic, reason
         ORDER BY count(*) DESC, service, topic, reason
        """
    )
    return [dict(row) for row in rows]


async def newest(
    pool: Pool, wanted: Wanted, *, limit: int, before: tuple[datetime, str] | None = None
) -> list[dict[str, Any]]:
    """Dead letters without their contents, newest first; `before` is the time and id of the last one of the page before."""
    # A page by keyset, which stays an index's condition on the first page too; a filter that is not given is null and lets all through.
    rows = await pool.fetch(
        """
        SELECT d.dead_id::text AS id, d.service, d.reason, d.detail, d.topic, d.part AS partition, d.place AS "offset",
               d.died_at, d.replay_of::text, length(d.value) AS bytes, max(r.replayed_at) AS replayed_at
          FROM dead AS d LEFT JOIN replay AS r USING (dead_id)
         WHERE ($1::text IS NULL OR d.service = $1) AND ($2::text IS NULL OR d.reason = $2)
           AND ($3::text IS NULL OR d.topic = $3)
           AND (d.died_at, d.dead_id) < (coalesce($5, 'infinity'::timestamptz), coalesce($6, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         GROUP BY d.dead_id
        HAVING NOT $4 OR count(r.dead_id) = 0
         ORDER BY d.died_at DESC, d.dead_id DESC
         LIMIT $7
        """,
        wanted.service,
        wanted.reason,
        wanted.topic,
        wanted.waiting,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [dict(row) for row in rows]


async def letter(pool: Pool, dead_id: str) -> tuple[Dead, str | None, datetime | None] | None:
    """One dead letter whole, which one it is a replay of, and when it was last replayed."""
    # By its id, with its latest replay.
    row = await pool.fetchrow(
        """
        SELECT d.*, (SELECT max(replayed_at) FROM replay AS r WHERE r.dead_id = d.dead_id) AS replayed_at
          FROM dead AS d WHERE d.dead_id = $1
        """,
        dead_id,
    )
    if row is None:
        return None
    dead = Dead(
        event_id=str(row["dead_id"]),
        service=row["service"],
        reason=row["reason"],
        detail=row["detail"],
        place=Place(topic=row["topic"], partition=row["part"], offset=row["place"]),
        at=row["died_at"],
        value=row["value"],
        key=row["key"],
        headers=_headers(row["headers"]),
    )
    return dead, str(row["replay_of"]) if row["replay_of"] else None, row["replayed_at"]


async def demo(pool: Pool) -> tuple[str, str] | None:
    """The write key and capture's address for the demo page, when there is a demo."""
    # At most one row.
    row = await pool.fetchrow("SELECT write_key, capture FROM demo")
    return (row["write_key"], row["capture"]) if row else None


async def begin_demo(pool: Pool, *, write_key: str, capture: str) -> None:
    """From now on the demo page posts there with that key."""
    # The latest demo replaces the one before.
    await pool.execute(
        """
        INSERT INTO demo (write_key, capture) VALUES ($1, $2)
        ON CONFLICT (only_one) DO UPDATE SET write_key = excluded.write_key, capture = excluded.capture
        """,
        write_key,
        capture,
    )
