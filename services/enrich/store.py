"""Enrich's own Postgres: what counts already, the leads that a batch touches under their locks, and saving what was decided."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec
from asyncpg import Record as Row

from services.enrich.domain import rebuild
from services.enrich.domain.cookies import HISTORY_EVENTS
from services.enrich.domain.lacking import lacking, names
from services.enrich.domain.leads import REBUILDING
from services.enrich.domain.world import (
    SEPARATOR,
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lead,
    NotLoaded,
    Rank,
    Recalled,
    State,
    Tie,
    Told,
    Visits,
)
from shared import ids
from shared.stage import Input, Tx


class _Identified(msgspec.Struct, frozen=True, array_like=True):
    """A cookie as it is stored."""

    top: Rank
    first: Rank | None
    last: Rank | None
    shared: bool


_encode = msgspec.json.Encoder().encode
_decode_ties = msgspec.json.Decoder(dict[str, Tie]).decode
_decode_cookie = msgspec.json.Decoder(_Identified).decode
_decode_state = msgspec.json.Decoder(State).decode
_decode_happened = msgspec.json.Decoder(Happened).decode
_COOKIE = f"anonymous{SEPARATOR}"

World = MutableMapping[Hashable, Any]


async def seen(tx: Tx, event_ids: Sequence[str]) -> set[str]:
    """Which of these events count already; the answer holds until the transaction ends."""
    # Lock the event ids, then look them up.
    rows = await tx.fetch("SELECT kept_events($1::uuid[]) AS event_id", event_ids)
    return {str(row["event_id"]) for row in rows}


async def load(tx: Tx, inputs: Sequence[Input], *, secret: bytes) -> World:
    """The world of these inputs: their identifiers and leads, locked; and the histories that deciding on them needs.

    Raises asyncpg.LockNotAvailableError when a history leads to a lead that another instance works on: the transaction has to be
    done again, since waiting for it out of order could be waiting in a circle.
    """
    wanted = sorted({name for input_ in inputs for name in names(input_.event)})
    world: World = {}
    # Lock the identifiers and their leads, and read them; and say whether this store is being built anew from its topics.
    rows = await tx.fetch(
        """
        SELECT r.rebuilding, p.*
          FROM (SELECT EXISTS (SELECT FROM recalled WHERE stage = 'enrich') AS rebuilding) AS r LEFT JOIN people($1::text[]) AS p ON true
        """,
        wanted,
    )
    _people(world, [row for row in rows if row["name"] is not None])
    locked = {row["lead_id"] for row in rows if row["lead_id"] is not None}
    if rows[0]["rebuilding"]:
        await _recalled(tx, world, inputs, wanted=wanted, locked=locked, secret=secret)
    lack = lacking(world, inputs, secret=secret)
    while lack is not None:
        if lack.cookies:
            await _visits(tx, world, lack, locked)
        if lack.leads:
            await _histories(tx, world, lack.leads)
        lack = lacking(world, inputs, secret=secret, again=True)
    return world


async def _identifiers(tx: Tx, world: World, wanted: Sequence[str]) -> None:
    # Identifiers with the leads that they name.
    rows = await tx.fetch(
        """
        SELECT i.name, i.lead_id, i.ties, l.made_at, l.made_by, l.profile_version, l.absorbed_into, l.state
          FROM identifier AS i LEFT JOIN lead AS l USING (lead_id)
         WHERE i.name = ANY ($1::text[])
        """,
        wanted,
    )
    _people(world, rows)


def _people(world: World, rows: Iterable[Row]) -> None:
    """Puts identifiers and the leads that they name into the world."""
    for row in rows:
        name, lead_id = row["name"], row["lead_id"]
        if name.startswith(_COOKIE):
            on = _decode_cookie(row["ties"])
            world["identifier", name] = Cookie(name, on.top, lead_id, on.first, on.last, on.shared)
        else:
            world["identifier", name] = Identifier(name, lead_id, _decode_ties(row["ties"]))
        if lead_id is not None and ("lead", lead_id) not in world:
            world["lead", lead_id] = lead(row)


async def _visits(tx: Tx, world: World, lack: NotLoaded, locked: set[str]) -> None:
    """The activities on these cookies since the time that matters, and the leads that they are of, locked."""
    while True:
        # On each cookie: everything since the last identification before that time; where there is none, the latest before it.
        rows = await tx.fetch(
            """
            SELECT a.event_id, a.lead_id, a.revision, a.cookie, a.happened
              FROM unnest($1::text[], $2::timestamptz[]) AS c(cookie, since)
              LEFT JOIN LATERAL (SELECT max(b.occurred_at) AS at FROM activity AS b
                                  WHERE b.cookie = c.cookie AND b.occurred_at < c.since AND b.identified) AS base ON true
             CROSS JOIN LATERAL (
                   SELECT * FROM activity AS a WHERE a.cookie = c.cookie AND a.occurred_at >= coalesce(base.at, c.since)
                    UNION ALL
                  (SELECT * FROM activity AS a WHERE a.cookie = c.cookie AND a.occurred_at < c.since AND base.at IS NULL
                    ORDER BY a.occurred_at DESC, a.event_id DESC LIMIT $3)) AS a
            """,
            list(lack.cookies),
            list(lack.cookies.values()),
            HISTORY_EVENTS,
        )
        others = sorted({row["lead_id"] for row in rows if row["lead_id"] is not None} - locked)
        if not others:
            break
        # Lock the leads that have come to light; without waiting, since they may be out of order. Then look again.
        await tx.execute("SELECT FROM lead WHERE lead_id = ANY ($1::text[]) ORDER BY lead_id FOR UPDATE NOWAIT", others)
        locked.update(others)
    on: dict[str, list[str]] = {cookie: [] for cookie in lack.cookies}
    for row in rows:
        on[row["cookie"]].append(_kept(world, row))
    for cookie, since in lack.cookies.items():
        world["visits", cookie] = Visits(since, tuple(on[cookie]))
    await _leads(tx, world, [lead_id for row in rows if (lead_id := row["lead_id"]) and ("lead", lead_id) not in world])


async def _leads(tx: Tx, world: World, wanted: Sequence[str]) -> None:
    if not wanted:
        return
    # Leads by id.
    rows = await tx.fetch(
        "SELECT lead_id, made_at, made_by, profile_version, absorbed_into, state FROM lead WHERE lead_id = ANY ($1::text[])",
        wanted,
    )
    for row in rows:
        world["lead", row["lead_id"]] = lead(row)


async def _histories(tx: Tx, world: World, leads: Iterable[str]) -> None:
    """Everything about these leads (locked already): activities, identifiers, and the leads that they absorbed."""
    wanted = sorted(leads)
    history: dict[str, list[str]] = {id_: [] for id_ in wanted}
    found: set[str] = set()
    # All activities of these leads.
    for row in await tx.fetch(
        "SELECT event_id, lead_id, revision, happened FROM activity WHERE lead_id = ANY ($1::text[])", wanted
    ):
        event_id = _kept(world, row)
        history[row["lead_id"]].append(event_id)
        found.update(names(world["activity", event_id].happened))
    await _identifiers(tx, world, sorted(name for name in found if ("identifier", name) not in world))
    absorbed: dict[str, list[str]] = {id_: [] for id_ in wanted}
    # The leads that these absorbed.
    for row in await tx.fetch(
        """
        SELECT lead_id, made_at, made_by, profile_version, absorbed_into, state FROM lead WHERE absorbed_into = ANY ($1::text[])
        """,
        wanted,
    ):
        world["lead", row["lead_id"]] = lead(row)
        absorbed[row["absorbed_into"]].append(row["lead_id"])
    for id_ in wanted:
        world["history", id_] = tuple(history[id_])
        world["absorbed", id_] = tuple(absorbed[id_])


async def _recalled(
    tx: Tx, world: World, inputs: Sequence[Input], *, wanted: Sequence[str], locked: set[str], secret: bytes
) -> None:
    """What the output topic says of these events, and of the leads that they are of or that their identifiers could have made."""
    world[REBUILDING] = True
    # Each event's last word, and the time of the record that counted: that of its note, or of its first activity.
    told = await tx.fetch(
        """
        SELECT about::text, max(revision) AS revision,
               coalesce(min(at) FILTER (WHERE type = 'lead.noted'), min(at) FILTER (WHERE revision = 1 AND NOT withdrawn)) AS at,
               (array_agg(CASE WHEN type = 'lead.enriched' AND NOT withdrawn THEN subject END ORDER BY revision DESC, withdrawn))[1] AS lead_id
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
                   CASE WHEN coalesce(max(version) FILTER (WHERE type = 'lead.merged') > max(version) FILTER (WHERE type = 'lead.enriched'),
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
        last = Told(row["at"], row["revision"], row["lead_id"])
        world["told", row["about"]] = rebuild.told(last, lambda lead_id: world["recalled", lead_id])
    await _stood(tx, world, sorted(stood - locked))


async def _stood(tx: Tx, world: World, leads: Sequence[str]) -> None:
    """The leads that stand on the topic, as far as they are here again; locked, whether they are or not."""
    # Lock their ids, since a row that is not there can't be; then the rows, without waiting, since they may be out of order.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(id, 3)) FROM unnest($1::text[]) AS id ORDER BY hashtextextended(id, 3)",
        leads,
    )
    await tx.execute("SELECT FROM lead WHERE lead_id = ANY ($1::text[]) ORDER BY lead_id FOR UPDATE NOWAIT", leads)
    await _leads(tx, world, leads)
    for lead_id in leads:
        if ("lead", lead_id) not in world:
            world["history", lead_id] = world["absorbed", lead_id] = ()


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Writes every changed lead, identifier and activity, in one statement."""
    leads: list[Lead] = []
    identifiers: list[Identifier | Cookie] = []
    activities: list[Kept] = []
    for value in changes.values():
        match value:
            case Kept():
                activities.append(value)
            case Identifier() | Cookie():
                identifiers.append(value)
            case Lead():
                leads.append(value)
            case _:
                pass  # what only this batch had to know: ("history", ...), ("visits", ...), ("absorbed", ...)
    # Leads, identifiers and activities, as they are now; an activity's document never changes, only whose it is.
    await tx.execute(
        """
        WITH leads AS (
            INSERT INTO lead (lead_id, made_at, made_by, profile_version, absorbed_into, state)
            SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::bytea[])
            ON CONFLICT (lead_id) DO UPDATE
               SET made_by = excluded.made_by, profile_version = excluded.profile_version, absorbed_into = excluded.absorbed_into, state = excluded.state
        ), identifiers AS (
            INSERT INTO identifier (name, lead_id, ties)
            SELECT * FROM unnest($7::text[], $8::text[], $9::bytea[])
            ON CONFLICT (name) DO UPDATE SET lead_id = excluded.lead_id, ties = excluded.ties
        )
        INSERT INTO activity (event_id, lead_id, revision, occurred_at, cookie, identified, happened)
        SELECT * FROM unnest($10::uuid[], $11::text[], $12::int[], $13::timestamptz[], $14::text[], $15::boolean[], $16::bytea[])
        ON CONFLICT (event_id) DO UPDATE SET lead_id = excluded.lead_id, revision = excluded.revision
        """,
        [one.lead_id for one in leads],
        [one.made_at for one in leads],
        [one.made_by for one in leads],
        [one.version for one in leads],
        [one.absorbed_into for one in leads],
        [_encode(one.state) for one in leads],
        [one.name for one in identifiers],
        [one.lead_id for one in identifiers],
        [_ties(one) for one in identifiers],
        [kept.happened.event_id for kept in activities],
        [kept.lead_id for kept in activities],
        [kept.revision for kept in activities],
        [kept.happened.at for kept in activities],
        [kept.happened.cookie for kept in activities],
        [kept.happened.person is not None for kept in activities],
        [_encode(kept.happened) for kept in activities],
    )


def _ties(one: Identifier | Cookie) -> bytes:
    if isinstance(one, Identifier):
        return _encode(one.ties)
    return _encode(_Identified(one.top, one.first, one.last, one.shared))


def lead(row: Row) -> Lead:
    """The lead of a row of `lead`."""
    return Lead(
        row["lead_id"],
        row["made_at"],
        row["made_by"],
        row["profile_version"],
        row["absorbed_into"],
        _decode_state(row["state"]),
    )


def _kept(world: World, row: Row) -> str:
    """Puts the activity of a row into the world, and returns its id."""
    event_id = str(row["event_id"])
    world["activity", event_id] = activity(row)
    return event_id


def activity(row: Row) -> Kept:
    """The kept event of a row of `activity`."""
    return Kept(_decode_happened(row["happened"]), row["lead_id"], row["revision"])
