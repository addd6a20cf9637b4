"""Rebuild and restore: a store that is new, or older than its topics, first learns what its stage has already decided and sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shared.database import Pool
from shared.message import Message
from shared.reader import read
from shared.stage import Record, Stage, Tx
from shared.topology import DEAD

_SLICE = 5000


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
            await remember(pool, stage=stage, part=part, records=slice_, recollect=empty)
            slice_.clear()
    await remember(pool, stage=stage, part=part, records=slice_, recollect=empty)


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


async def end(pool: Pool, *, stage: str, part: int, epoch: int) -> bool:
    """Ends the recall of number `part` if its cursors have come far enough and it is still ours; says whether it has ended."""
    async with pool.acquire() as connection, connection.transaction():
        # Still some way to go?
        if await connection.fetchval(
            "SELECT true FROM cursor WHERE stage = $1 AND part = $2 AND next_offset < recall_until LIMIT 1", stage, part
        ):
            return False
        # The number has caught up with what it had decided before. Whoever claimed it meanwhile may have begun a recall of their own.
        ours = await connection.fetch(
            "UPDATE cursor SET recall_until = NULL WHERE stage = $1 AND part = $2 AND owner_epoch = $3 RETURNING topic",
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
