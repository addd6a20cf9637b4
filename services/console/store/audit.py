"""The books as the console's store keeps them: a line for each event, and the sums. What a line says, domain/audit.py decides."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.domain.audit import Accepted, Ending, Line, Said, sums
from shared.database import Pool
from shared.stage import Input, Tx

_ONE_AT_A_TIME = 0x1EADB00C  # an advisory lock


@dataclass(frozen=True, slots=True)
class Standing:
    """How the books stand as a whole; `oldest_ms` is Kafka's time of what has been in flight for the longest."""

    in_flight: int
    missing: int
    unbalanced: int
    oldest_ms: int | None


async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """What is known of these events. Two instances write the books one after the other: records of one event may come to both."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
    # By id; of most there is nothing yet.
    rows = await tx.fetch(
        """
        SELECT event_id::text, ending, at_ms, hour, property, accepted_ms, part, place FROM audit WHERE event_id = ANY ($1::uuid[])
        """,
        list({input_.event[0] for input_ in inputs}),
    )
    return {id_: Line(said, said) for id_, said in ((row["event_id"], _said(row)) for row in rows)}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Writes the lines that changed, and what they add to the sums."""
    lines: Mapping[str, Line] = changes  # type: ignore[assignment]
    said = [line.now for line in lines.values()]
    places = [one.accepted for one in said]
    added = sums(lines.values())
    # Lines that were there are replaced whole: each was joined with what stood there, under the lock of `load`. Beside them the sums.
    await tx.execute(
        """
        WITH lines AS (
            INSERT INTO audit (event_id, ending, at_ms, hour, property, accepted_ms, part, place)
            SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::int[], $5::text[], $6::bigint[], $7::int[], $8::bigint[])
            ON CONFLICT (event_id) DO UPDATE
               SET ending = excluded.ending, at_ms = excluded.at_ms, hour = excluded.hour, property = excluded.property,
                   accepted_ms = excluded.accepted_ms, part = excluded.part, place = excluded.place
        )
        INSERT INTO book AS b (hour, property, accepted, scored, noted, dead)
        SELECT * FROM unnest($9::int[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
        ON CONFLICT (hour, property) DO UPDATE
           SET accepted = b.accepted + excluded.accepted, scored = b.scored + excluded.scored,
               noted = b.noted + excluded.noted, dead = b.dead + excluded.dead
        """,
        list(lines),
        [one.ending for one in said],
        [one.at_ms for one in said],
        [one and one.hour for one in places],
        [one and one.property for one in places],
        [one and one.at_ms for one in places],
        [one and one.part for one in places],
        [one and one.offset for one in places],
        [one.hour for one in added],
        [one.property for one in added],
        [one.accepted for one in added],
        [one.scored for one in added],
        [one.noted for one in added],
        [one.dead for one in added],
    )
    emptied = [one for one in added if one.accepted < 0]
    if emptied:
        # An hour whose only events turned out to be of an earlier one was never one of the books.
        await tx.execute(
            "DELETE FROM book WHERE accepted = 0 AND (hour, property) IN (SELECT * FROM unnest($1::int[], $2::text[]))",
            [one.hour for one in emptied],
            [one.property for one in emptied],
        )


async def cursors(pool: Pool) -> dict[tuple[str, int], int]:
    """How far the books have read each topic's number, whoever of several instances read it."""
    # The delivery core's own table.
    rows = await pool.fetch("SELECT topic, part, next_offset FROM cursor WHERE stage = 'books'")
    return {(row["topic"], row["part"]): row["next_offset"] for row in rows}


async def standing(pool: Pool, passed: Mapping[int, int]) -> Standing:
    """How the books stand: missing is what stands below `passed` (number -> offset) and has no end."""
    # One look at what is in flight, which is little, against the sums of all hours.
    row = await pool.fetchrow(
        """
        WITH open AS (
            SELECT a.hour, a.property, count(*) AS n, count(*) FILTER (WHERE a.place < p.until_offset) AS missing, min(a.accepted_ms) AS oldest
              FROM audit AS a LEFT JOIN unnest($1::int[], $2::bigint[]) AS p(part, until_offset) USING (part)
             WHERE a.ending = 0
             GROUP BY a.hour, a.property
        )
        SELECT coalesce(sum(o.n), 0)::bigint AS in_flight, coalesce(sum(o.missing), 0)::bigint AS missing, min(o.oldest) AS oldest_ms,
               count(*) FILTER (WHERE coalesce(b.accepted - b.scored - b.noted - b.dead, 0) <> coalesce(o.n, 0)) AS unbalanced
          FROM book AS b FULL JOIN open AS o USING (hour, property)
        """,
        list(passed),
        list(passed.values()),
    )
    assert row is not None  # a sum without groups has one row
    return Standing(**row)


async def pages(
    pool: Pool, passed: Mapping[int, int], *, hour: int | None, property_: str | None, limit: int
) -> list[dict[str, Any]]:
    """The books by hour and property, the latest hour first: accepted, how much of it ended how, in flight, and of that missing."""
    # The sums beside what is counted of the lines that are open.
    rows = await pool.fetch(
        """
        WITH open AS (
            SELECT a.hour, a.property, count(*) AS n, count(*) FILTER (WHERE a.place < p.until_offset) AS missing
              FROM audit AS a LEFT JOIN unnest($1::int[], $2::bigint[]) AS p(part, until_offset) USING (part)
             WHERE a.ending = 0
             GROUP BY a.hour, a.property
        )
        SELECT to_timestamp(hour::bigint * 3600) AS hour, property, coalesce(b.accepted, 0) AS accepted, coalesce(b.scored, 0) AS scored,
               coalesce(b.noted, 0) AS noted, coalesce(b.dead, 0) AS dead, coalesce(o.n, 0) AS in_flight, coalesce(o.missing, 0) AS missing
          FROM book AS b FULL JOIN open AS o USING (hour, property)
         WHERE ($3::int IS NULL OR hour = $3) AND ($4::text IS NULL OR property = $4)
         ORDER BY 1 DESC, property
         LIMIT $5
        """,
        list(passed),
        list(passed.values()),
        hour,
        property_,
        limit,
    )
    return [dict(row) for row in rows]


async def missing(
    pool: Pool, passed: Mapping[int, int], *, hour: int | None, property_: str | None, limit: int
) -> list[dict[str, Any]]:
    """The events that are missing, the oldest first: id, property, when it was accepted and where it stands."""
    # Open lines below what everybody has read.
    rows = await pool.fetch(
        """
        SELECT a.event_id::text, a.property, to_timestamp(a.hour::bigint * 3600) AS hour, to_timestamp(a.accepted_ms / 1000.0) AS since,
               a.part AS partition, a.place AS "offset"
          FROM audit AS a JOIN unnest($1::int[], $2::bigint[]) AS p(part, until_offset) USING (part)
         WHERE a.ending = 0 AND a.place < p.until_offset
           AND ($3::int IS NULL OR a.hour = $3) AND ($4::text IS NULL OR a.property = $4)
         ORDER BY a.accepted_ms, a.event_id
         LIMIT $5
        """,
        list(passed),
        list(passed.values()),
        hour,
        property_,
        limit,
    )
    return [dict(row) for row in rows]


async def forget(pool: Pool, *, before_ms: int, limit: int = 10_000) -> int:
    """Forgets events that ended and are older than any topic keeps; the sums stay. Returns how many went."""
    # In slices, so that no long transaction stands in the way of the batches.
    tag = await pool.execute(
        """
        DELETE FROM audit WHERE ctid = ANY (ARRAY(SELECT ctid FROM audit WHERE at_ms < $1 AND ending > 0 LIMIT $2))
        """,
        before_ms,
        limit,
    )
    return int(tag.split()[-1])


def _said(row: Any) -> Said:
    accepted = (
        Accepted(row["hour"], row["property"], row["accepted_ms"], row["part"], row["place"])
        if row["hour"] is not None
        else None
    )
    return Said(accepted, Ending(row["ending"]), row["at_ms"])
