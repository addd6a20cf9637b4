"""Rebuild and restore: a store that is new, or older than its topics, first learns what its stage has already decided and sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from shared.database import Pool
from shared.message import Message
from shared.reader import read
from shared.stage import Record, Stage, Tx
from shared.topology import DEAD

_SLICE = 5000


class Phase(Struct, frozen=True):
    """How far a stage has come with its recall. `claimed`: what the topics tell is known of every number. `read`: and every number has read
    again what it had read before. `rebuilding`: the store, or a topic, was new."""

    claimed: bool
    read: bool
    rebuilding: bool


async def remember(
    pool: Pool, *, stage: Stage, part: int, records: Sequence[Record], with_value: bool = False, recollect: bool = False
) -> None:
    """Notes records of the stage's own output: what is decided again under the same id is not sent again.

    With `with_value` the record itself is kept, with `recollect` what the stage wants to know of it, for a `load` that must keep the decision
    that stands there.
    """
    rows = [record for record in records if _text(record, "ce_id")]
    said = [stage.recollect(record) if recollect and stage.recollect is not None else None for record in rows]
    # What stands on our own output topics already; known ids stay as they are.
    await pool.execute(
        """
        INSERT INTO recalled (stage, event_id, part, topic, type, subject, value, at, about, revision, version, withdrawn)
        SELECT $1, event_id, $2, topic, type, subject, value, at, about, revision, version, withdrawn
          FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::timestamptz[], $9::uuid[], $10::int[], $11::bigint[],
                      $12::boolean[]) AS r(event_id, topic, type, subject, value, at, about, revision, version, withdrawn)
        ON CONFLICT DO NOTHING
        """,
        stage.name,
        part,
        [_text(record, "ce_id") for record in rows],
        [record.topic for record in rows],
        [_text(record, "ce_type") for record in rows],
        [_text(record, "ce_subject") for record in rows],
        [
            record.value if with_value else one.value if one is not None else None
            for record, one in zip(rows, said, strict=True)
        ],
        [_time(record) for record in rows],
        [one.about if one is not None else None for one in said],
        [one.revision if one is not None else None for one in said],
        [one.version if one is not None else None for one in said],
        [one.withdrawn if one is not None else None for one in said],
    )


async def read_own_output(pool: Pool, kafka: str, *, stage: Stage, part: int, partitions: int, empty: bool) -> None:
    """Reads everything that the stage's ordinary output topics keep: of this number alone, or of all where a number's output goes
    to any partition. Transactional topics are read by their writer (shared.once).

    `empty`: the store is, so that each of these decisions can be kept. In one that is older than its topics, what later events have made of those
    that are there is decided anew."""
    numbers = [part] if stage.same_part else range(partitions)
    places = {(topic.name, number): 0 for topic in stage.writes if not topic.transactional for number in numbers}
    places[DEAD.name, part] = 0  # a dead letter stands in the number of the record that died
    slice_: list[Record] = []
    async for record in read(kafka, places, committed_only=False):
        if record.headers.get("ce_source", b"").decode() != stage.name:
            continue  # topics with several writers
        slice_.append(record)
        if len(slice_) >= _SLICE:
            await _noted(pool, stage, part, slice_, empty=empty)
            slice_.clear()
    await _noted(pool, stage, part, slice_, empty=empty)


async def _noted(pool: Pool, stage: Stage, part: int, records: Sequence[Record], *, empty: bool) -> None:
    await remember(pool, stage=stage, part=part, records=records, recollect=empty)
    if stage.restore is not None:
        async with pool.acquire() as connection:
            await stage.restore(connection, part, records)


async def begin(pool: Pool, *, stage: str, part: int, until: Mapping[str, int]) -> None:
    """From now on, and until the cursors of number `part` reach `until` (topic -> offset), outputs are compared with what is recalled."""
    # The mark outlives a crash in the middle of the rebuild.
    await pool.execute(
        """
        UPDATE cursor AS c SET recall_until = greatest(c.recall_until, u.until_offset) FROM unnest($3::text[], $4::bigint[]) AS u(topic, until_offset)
         WHERE c.stage = $1 AND c.part = $2 AND c.topic = u.topic
        """,
        stage,
        part,
        list(until),
        list(until.values()),
    )


async def nothing(pool: Pool, *, stage: str, part: int) -> None:
    """Number `part` is new to this store, and there is nothing to be recalled of it."""
    # It is new no more.
    await pool.execute("UPDATE cursor SET fresh = false WHERE stage = $1 AND part = $2", stage, part)


async def phase(tx: Pool | Tx, *, stage: str, partitions: int) -> Phase:
    """How far the stage's numbers have come, all of them, whoever holds them."""
    # A number that is not there, or is new and has no mark yet, is still to be claimed; one that is not at its mark, to be read.
    rows = await tx.fetch(
        """
        SELECT count(*) FILTER (WHERE NOT is_begun) = 0 AND count(*) >= $2 AS claimed,
               count(*) FILTER (WHERE is_behind) = 0 AS read, coalesce(bool_or(is_new), false) AS rebuilding
          FROM (SELECT part, bool_or(fresh) AS is_new, NOT bool_or(fresh) OR bool_or(recall_until IS NOT NULL) AS is_begun,
                       bool_or(next_offset < recall_until) AS is_behind
                  FROM cursor WHERE stage = $1 GROUP BY part) AS n
        """,
        stage,
        partitions,
    )
    row = rows[0]
    return Phase(claimed=row["claimed"], read=row["claimed"] and row["read"], rebuilding=row["rebuilding"])


async def end(pool: Pool, *, stage: str, part: int, epoch: int, partitions: int) -> bool:
    """Ends the recall of number `part` if the cursors of all numbers have come far enough and it is still ours; says whether it has ended.
    What another number is still to read may be told by this one's records."""
    async with pool.acquire() as connection, connection.transaction():
        if not (await phase(connection, stage=stage, partitions=partitions)).read:
            return False
        # All have caught up with what they had decided before. Whoever claimed the number meanwhile may have begun a recall of their own.
        ours = await connection.fetch(
            "UPDATE cursor SET recall_until = NULL, fresh = false WHERE stage = $1 AND part = $2 AND owner_epoch = $3 RETURNING topic",
            stage,
            part,
            epoch,
        )
        if not ours:
            return False
        # What was recalled for it is of no more use.
        await connection.execute("DELETE FROM recalled WHERE stage = $1 AND part = $2", stage, part)
        return True


async def drop_known(tx: Tx, *, stage: str, parts: Collection[int], messages: dict[int, list[Message]]) -> None:
    """Takes messages off the batch that stand on their topics already."""
    wanted = [message.event_id for part in parts for message in messages.get(part, ())]
    if not wanted:
        return
    # Which of these are on the topics already.
    rows = await tx.fetch(
        "SELECT event_id::text FROM recalled WHERE stage = $1 AND event_id = ANY ($2::uuid[])", stage, wanted
    )
    known = {row["event_id"] for row in rows}
    for part in parts:
        if part in messages:
            messages[part] = [message for message in messages[part] if message.event_id not in known]


def _text(record: Record, header: str) -> str:
    return record.headers.get(header, b"").decode()


def _time(record: Record) -> datetime | None:
    """When the record's cause was, as the stage wrote it."""
    try:
        return datetime.fromisoformat(_text(record, "ce_time"))
    except ValueError:
        return None
