"""What a rebuild of enrich's store needs: what the output topic says of events and leads, and what is left to be decided when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from asyncpg import Record as Row

from services.enrich.domain import emission, rebuild
from services.enrich.domain.leads import REBUILDING
from services.enrich.domain.world import Command, Happened, Owed, Recalled, Told
from services.enrich.store import rows as row_of
from services.enrich.store.rows import World
from shared import ids
from shared.stage import Input, Tx


async def recalled(
    tx: Tx, world: World, inputs: Sequence[Input], *, wanted: Sequence[str], locked: set[str], secret: bytes
) -> None:
    """What the output topic says of these events, and of the leads that they are of or that their identifiers could have made."""
    world[REBUILDING] = True
    # Each event's last word, and the time of the record that counted: that of its note, or of its first activity; and when it happened.
    told = await tx.fetch(
        """
        SELECT about::text, max(revision) AS revision,
               coalesce(min(at) FILTER (WHERE type = 'lead.noted' AND value IS NULL), min(at) FILTER (WHERE revision = 0),
                        min(at) FILTER (WHERE revision = 1 AND NOT withdrawn)) AS at,
               (array_agg(CASE WHEN type = 'lead.enriched' AND NOT withdrawn THEN subject
                               WHEN type = 'lead.noted' THEN nullif(convert_from(value, 'UTF8'), '') END ORDER BY revision DESC, withdrawn))[1] AS lead_id,
               split_part(convert_from((array_agg(value) FILTER (WHERE type = 'lead.enriched'))[1], 'UTF8'), '|', 1)::timestamptz AS occurred_at,
               (array_agg(CASE WHEN type = 'lead.enriched' THEN nullif(split_part(convert_from(value, 'UTF8'), '|', 2), '')::float8 END
                          ORDER BY revision DESC, withdrawn))[1] AS human,
               bool_or(type = 'lead.noted' AND value IS NOT NULL) AS repeat
          FROM recalled WHERE stage = 'enrich' AND about = ANY ($1::uuid[]) GROUP BY about
        """,
        [input_.event_id for input_ in inputs],
    )
    unknown = {row["lead_id"] for row in told if row["lead_id"] is not None}
    unknown |= {ids.lead_id(secret, name) for name in wanted} | locked
    stood: set[str] = set()
    while unknown:
        # What was said of these leads before the store was lost.
        rows = await tx.fetch(
            """
            SELECT subject, min(version) AS first, max(version) AS last,
                   CASE WHEN coalesce(max(version) FILTER (WHERE type = 'lead.merged') > max(version) FILTER (WHERE type IN ('lead.enriched', 'lead.split')),
                                      bool_or(type = 'lead.merged') AND NOT bool_or(type = 'lead.split'))
                        THEN convert_from((array_agg(value ORDER BY version DESC NULLS LAST) FILTER (WHERE type = 'lead.merged'))[1], 'UTF8')
                   END AS absorbed_into
              FROM recalled WHERE stage = 'enrich' AND subject = ANY ($1::text[]) GROUP BY subject
            """,
            sorted(unknown),
        )
        for row in rows:
            world["recalled", row["subject"]] = Recalled(row["first"] or 0, row["last"] or 0, row["absorbed_into"])
        stood |= {row["subject"] for row in rows}
        unknown = {row["absorbed_into"] for row in rows if row["absorbed_into"] is not None} - stood
    for row in told:
        last = Told(
            row["at"],
            row["revision"],
            row["lead_id"],
            occurred_at=row["occurred_at"],
            human=row["human"],
            repeat=row["repeat"],
        )
        world["told", row["about"]] = rebuild.told(last, lambda lead_id: world.get(("recalled", lead_id)))
    await _stood(tx, world, sorted(stood - locked))


async def carried_out(tx: Tx, world: World, commands: Sequence[Input]) -> None:
    """Which of these commands brought about a merge or a split that the output topic tells of."""
    if not commands:
        return
    # Merges and splits of these moments, whose they are their ids say; and activities that left a lead then.
    rows = await tx.fetch(
        """
        SELECT event_id::text, subject, version, type, at FROM recalled
         WHERE stage = 'enrich' AND (type IN ('lead.merged', 'lead.split') OR withdrawn) AND at = ANY ($1::timestamptz[])
        """,
        [input_.now for input_ in commands],
    )
    for input_ in commands:
        if any(
            emission.is_of(input_.event_id, row["event_id"], row["subject"], row["version"], row["type"])
            or (
                row["type"] == "lead.enriched"
                and row["at"] == input_.now
                and rebuild.left(input_.event, row["subject"])
            )
            for row in rows
        ):
            world["told", input_.event_id] = True


async def _stood(tx: Tx, world: World, leads: Sequence[str]) -> None:
    """The leads that stand on the topic, as far as they are here again; locked, whether they are or not."""
    # Lock their ids, since a row that is not there can't be; then the rows, without waiting, since they may be out of order.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(id, 3)) FROM unnest($1::text[]) AS id ORDER BY hashtextextended(id, 3)",
        leads,
    )
    await tx.execute("SELECT FROM lead WHERE lead_id = ANY ($1::text[]) ORDER BY lead_id FOR UPDATE NOWAIT", leads)
    await row_of.leads(tx, world, leads)
    for lead_id in leads:
        if ("lead", lead_id) not in world:
            world["history", lead_id] = world["absorbed", lead_id] = ()


async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
    """What a rebuild has left to decide, once it is over for all numbers."""
    # In the order of time; a command waits for those of before it of other numbers too, since what it can do depends on what they did.
    rows = await tx.fetch(
        """
        SELECT event_id, part, at, command, event FROM owed AS o
         WHERE part = ANY ($1::int[]) AND NOT EXISTS (SELECT FROM recalled WHERE stage = 'enrich')
           AND NOT (command AND EXISTS (SELECT FROM owed AS before WHERE before.command AND (before.at, before.event_id) < (o.at, o.event_id)
                                                                     AND NOT before.part = ANY ($1::int[])))
         ORDER BY at, event_id LIMIT $2
        """,
        list(until),
        limit,
    )
    return [Input(str(row["event_id"]), _owed(row), row["at"], row["part"]) for row in rows]


def _owed(row: Row) -> Happened | Command:
    return row_of.decode_command(row["event"]) if row["command"] else row_of.decode_happened(row["event"])


async def owe(tx: Tx, owed: Mapping[str, Owed | None]) -> None:
    """Keeps what is owed until it is decided."""
    rows = {event_id: one for event_id, one in owed.items() if one is not None}
    # What is decided is owed no more; of two records under one id that wait, the first is kept.
    await tx.execute(
        """
        WITH done AS (DELETE FROM owed WHERE event_id = ANY ($1::uuid[]))
        INSERT INTO owed (event_id, part, at, command, event) SELECT * FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::boolean[], $6::bytea[])
            ON CONFLICT DO NOTHING
        """,
        [event_id for event_id, one in owed.items() if one is None],
        list(rows),
        [one.part for one in rows.values()],
        [one.at for one in rows.values()],
        [isinstance(one.event, Command) for one in rows.values()],
        [row_of.encode(one.event) for one in rows.values()],
    )
