"""Enrich's own Postgres: what counts already, the leads that a batch touches under their locks, and saving what was decided."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.enrich.domain import profile
from services.enrich.domain.lacking import lacking, names
from services.enrich.domain.leads import KEEPING
from services.enrich.domain.world import Command, Cookie, Happened, Identifier, Kept, Lead, Owed, Ruling, Untold
from services.enrich.store import commanded, histories, identity, rebuilding, telling
from services.enrich.store.rows import World, activity, encode, lead, people, ties, verdict
from shared.stage import Input, Tx

__all__ = ["activity", "due", "lead", "load", "save", "seen"]


async def seen(tx: Tx, event_ids: Sequence[str]) -> set[str]:
    """Which of these events count already; the answer holds until the transaction ends."""
    # Lock the event ids, then look them up.
    rows = await tx.fetch("SELECT kept_events($1::uuid[]) AS event_id", event_ids)
    return {str(row["event_id"]) for row in rows}


async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
    """What a rebuild has left to decide, and what was left to be told."""
    owed = await rebuilding.due(tx, until, limit)
    return owed + await telling.due(tx, until, limit - len(owed))


async def load(tx: Tx, inputs: Sequence[Input], *, secret: bytes) -> World:
    """The world of these inputs: their identifiers and leads, locked; and the histories that deciding on them needs.

    Raises asyncpg.LockNotAvailableError when a history leads to a lead that another instance works on: the transaction has to be
    done again, since waiting for it out of order could be waiting in a circle.
    """
    world: World = {}
    events = [input_ for input_ in inputs if isinstance(input_.event, Happened)]
    left = sorted(input_.event_id for input_ in events if input_.record is None)
    if left:
        world.update((("activity", event_id), None) for event_id in await seen(tx, left))
    wanted = sorted({*await identity.asked(tx, world, inputs), *(name for input_ in events for name in names(input_))})
    # Lock the identifiers and their leads, and read them; and say whether this store is being built anew from its topics, and whether
    # an operator has said anything about these events.
    rows = await tx.fetch(
        """
        SELECT r.*, p.*
          FROM (SELECT EXISTS (SELECT FROM recalled WHERE stage = 'enrich') AS rebuilding,
                       EXISTS (SELECT FROM recalled WHERE stage = 'enrich' AND about IS NOT NULL) AS keeping,
                       EXISTS (SELECT FROM ruling WHERE event_id = ANY ($2::uuid[])) AS ruled) AS r LEFT JOIN people($1::text[]) AS p ON true
        """,
        wanted,
        [input_.event_id for input_ in events],
    )
    people(world, [row for row in rows if row["name"] is not None])
    locked = {row["lead_id"] for row in rows if row["lead_id"] is not None}
    if rows[0]["keeping"]:
        world[KEEPING] = True
        await rebuilding.carried_out(tx, world, [one for one in inputs if isinstance(one.event, Command)])
    if rows[0]["rebuilding"]:
        await rebuilding.recalled(tx, world, events, wanted=wanted, locked=locked, secret=secret)
    if rows[0]["ruled"]:
        await commanded.rulings(tx, world, [input_.event_id for input_ in events])
    if len(events) < len(inputs):
        await telling.subjects(tx, world, [one.event for one in inputs if isinstance(one.event, Untold)], locked)
        await commanded.subjects(tx, world, [one.event for one in inputs if isinstance(one.event, Command)], locked)
    lack = lacking(world, inputs, secret=secret)
    while lack is not None:
        if lack.cookies:
            await histories.visits(tx, world, lack, locked)
        if lack.names:
            await identity.linked(tx, world, sorted(lack.names), locked)
        if lack.moments:
            await histories.moments(tx, world, lack, locked)
        if lack.leads:
            await histories.whole(tx, world, lack.leads, locked)
        lack = lacking(world, inputs, secret=secret, again=True)
    return world


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Writes every changed lead, identifier and activity, in one statement."""
    lead_rows: list[Lead] = []
    identifier_rows: list[Identifier | Cookie] = []
    activities: list[Kept] = []
    owed: dict[str, Owed | None] = {}
    rulings: list[Ruling] = []
    untold: dict[tuple[str, str, bool], Untold | None] = {}
    judgements, reviews = identity.sorted_out(changes)
    for key, value in changes.items():
        match value:
            case Kept():
                activities.append(value)
            case Identifier() | Cookie():
                identifier_rows.append(value)
            case Lead():
                lead_rows.append(value)
            case Ruling():
                rulings.append(value)
            case Owed() | None if key[0] == "owed":  # type: ignore[index]
                owed[key[1]] = value  # type: ignore[index]
            case Untold() | None if key[0] == "untold":  # type: ignore[index]
                untold[key[1:]] = value  # type: ignore[index]
            case _:
                pass  # what only this batch had to know: ("history", ...), ("visits", ...), ("absorbed", ...)
    if untold:
        await telling.save(tx, untold)
    if owed:
        await rebuilding.owe(tx, owed)
    if rulings:
        await commanded.rule(tx, rulings)
    # Leads, identifiers and activities, as they are now; an activity's document never changes, only whose it is, and how it is judged.
    await tx.execute(
        """
        WITH leads AS (
            INSERT INTO lead (lead_id, made_at, made_by, profile_version, absorbed_into, state, account)
            SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $17::text[])
            ON CONFLICT (lead_id) DO UPDATE
               SET made_by = excluded.made_by, profile_version = excluded.profile_version, absorbed_into = excluded.absorbed_into, state = excluded.state,
                   account = excluded.account
        ), identifiers AS (
            INSERT INTO identifier (name, lead_id, ties)
            SELECT * FROM unnest($7::text[], $8::text[], $9::bytea[])
            ON CONFLICT (name) DO UPDATE SET lead_id = excluded.lead_id, ties = excluded.ties
        )
        INSERT INTO activity (event_id, lead_id, revision, occurred_at, cookie, identified, happened, verdict)
        SELECT * FROM unnest($10::uuid[], $11::text[], $12::int[], $13::timestamptz[], $14::text[], $15::boolean[], $16::bytea[], $18::bytea[])
        ON CONFLICT (event_id) DO UPDATE SET lead_id = excluded.lead_id, revision = excluded.revision, verdict = excluded.verdict
        """,
        [one.lead_id for one in lead_rows],
        [one.made_at for one in lead_rows],
        [one.made_by for one in lead_rows],
        [one.version for one in lead_rows],
        [one.absorbed_into for one in lead_rows],
        [encode(one.state) for one in lead_rows],
        [one.name for one in identifier_rows],
        [one.lead_id for one in identifier_rows],
        [ties(one) for one in identifier_rows],
        [one.happened.event_id for one in activities],
        [one.lead_id for one in activities],
        [one.revision for one in activities],
        [one.happened.at for one in activities],
        [one.happened.cookie for one in activities],
        [one.happened.person is not None for one in activities],
        [encode(one.happened) for one in activities],
        [profile.account(one.state) for one in lead_rows],
        [verdict(one) for one in activities],
    )
    if judgements or reviews or any(one.apart is not None for one in activities):
        await identity.save(tx, judgements, reviews, activities)
