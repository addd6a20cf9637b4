"""Who may write for a number: claims, the fence, and how far each topic has been read. The truth is in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.database import Pool
from shared.stage import Tx


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that is ours until somebody else claims it: the epoch to fence with, and where each topic goes on."""

    part: int
    epoch: int
    next_offsets: Mapping[str, int]
    recall_until: Mapping[str, int]
    fresh: frozenset[str]  # topics of which this store knew nothing, and of which nothing is recalled yet


class Fenced(Exception):
    """Somebody else has claimed these numbers; what was about to be written for them was not."""

    def __init__(self, parts: Sequence[int]) -> None:
        super().__init__(f"numbers {sorted(parts)} have a new owner")
        self.parts = frozenset(parts)


class SeenMeanwhile(Exception):
    """An event of this batch was counted by another instance in the same moment: the batch is done again and will see it."""


async def claim(pool: Pool, *, stage: str, part: int, owner: str, begin: Mapping[str, int]) -> Claim:
    """Takes number `part` for `owner`: from now on only the new epoch passes the fence. `begin` is where each topic starts.

    Waits for a transaction of the owner before us that is past its fence (a stalled one is ended by Postgres).
    """
    async with pool.acquire() as connection, connection.transaction():
        # A topic that this store has never read begins where the topic begins.
        await connection.execute(
            """
            INSERT INTO cursor (stage, topic, part, owner_epoch, owner, next_offset, fresh)
            SELECT $1, topic, $2, 0, '', next_offset, true FROM unnest($3::text[], $4::bigint[]) AS b(topic, next_offset)
            ON CONFLICT DO NOTHING
            """,
            stage,
            part,
            list(begin),
            list(begin.values()),
        )
        # The owner before us, if it is in the middle of a batch, holds these rows; in one order, so that nobody deadlocks.
        await connection.execute(
            "SELECT FROM cursor WHERE stage = $1 AND part = $2 ORDER BY topic FOR UPDATE", stage, part
        )
        # Claim: from now on only this epoch may move the cursors; the owner before us fails its next fence.
        rows = await connection.fetch(
            """
            WITH next AS MATERIALIZED (SELECT nextval('owner_epoch') AS epoch)
            UPDATE cursor SET owner_epoch = next.epoch, owner = $3 FROM next WHERE stage = $1 AND part = $2
            RETURNING topic, owner_epoch, next_offset, recall_until, fresh
            """,
            stage,
            part,
            owner,
        )
    return Claim(
        part=part,
        epoch=rows[0]["owner_epoch"],
        next_offsets={row["topic"]: row["next_offset"] for row in rows},
        recall_until={row["topic"]: row["recall_until"] for row in rows if row["recall_until"] is not None},
        fresh=frozenset(row["topic"] for row in rows if row["fresh"] and row["recall_until"] is None),
    )


async def fence(
    tx: Tx, *, stage: str, epochs: Mapping[int, int], next_offsets: Mapping[tuple[str, int], int], seen: Sequence[str]
) -> set[str]:
    """Moves the cursors of (topic, number) forward if our epochs still own them, and says which event ids count already.

    Raises Fenced with the numbers that are no longer ours. Holding the cursor rows until commit keeps a successor waiting.
    """
    places = sorted(next_offsets)
    # Fence and advance: a row of another epoch is not touched, so a missing row tells that the number was lost. Beside it the
    # inbox: which of the batch's events have been counted.
    rows = await tx.fetch(
        """
        WITH mine AS (
            UPDATE cursor AS c SET next_offset = greatest(c.next_offset, m.next_offset)
              FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS m(topic, part, epoch, next_offset)
             WHERE c.stage = $1 AND c.topic = m.topic AND c.part = m.part AND c.owner_epoch = m.epoch
         RETURNING c.topic, c.part
        )
        SELECT topic, part, NULL::text AS event_id FROM mine
        UNION ALL
        SELECT NULL, NULL, event_id::text FROM inbox WHERE stage = $1 AND event_id = ANY ($6::uuid[])
        """,
        stage,
        [topic for topic, _ in places],
        [part for _, part in places],
        [epochs[part] for _, part in places],
        [next_offsets[place] for place in places],
        seen,
    )
    mine = {(row["topic"], row["part"]) for row in rows if row["topic"] is not None}
    lost = {part for topic, part in places if (topic, part) not in mine}
    if lost:
        raise Fenced(sorted(lost))
    return {row["event_id"] for row in rows if row["event_id"] is not None}
