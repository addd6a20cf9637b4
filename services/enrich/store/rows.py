"""Enrich's rows as values, and reading them by what they are named by. Whose they become, and when they are locked, stands elsewhere."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, MutableMapping, Sequence
from typing import Any

import msgspec
from asyncpg import Record as Row
from msgspec.structs import replace

from services.enrich.domain.world import (
    SEPARATOR,
    Command,
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lately,
    Lead,
    Rank,
    State,
    Tie,
)
from shared.stage import Tx


class _Identified(msgspec.Struct, frozen=True, array_like=True):
    """A cookie as it is stored."""

    top: Rank
    first: Rank | None
    last: Rank | None
    shared: bool
    lately: Lately | None = None


class _Verdict(msgspec.Struct, frozen=True, array_like=True):
    """What was judged of an activity later, as it is stored: nothing for nearly all."""

    human: float | None
    ruled: bool
    repeat: bool


encode = msgspec.json.Encoder().encode
_decode_ties = msgspec.json.Decoder(dict[str, Tie]).decode
_decode_tie = msgspec.json.Decoder(Tie).decode
_decode_cookie = msgspec.json.Decoder(_Identified).decode
_decode_state = msgspec.json.Decoder(State).decode
decode_command = msgspec.json.Decoder(Command).decode
decode_happened = msgspec.json.Decoder(Happened).decode
_decode_verdict = msgspec.json.Decoder(_Verdict).decode
ACTIVITY = "event_id, lead_id, revision, verdict, happened, apart"  # the columns of an activity
_COOKIE = f"anonymous{SEPARATOR}"

World = MutableMapping[Hashable, Any]


async def identifiers(tx: Tx, world: World, wanted: Sequence[str]) -> None:
    """Puts these identifiers, and the leads that they name, into the world."""
    # Identifiers with the leads that they name.
    rows = await tx.fetch(
        """
        SELECT i.name, i.lead_id, i.ties, l.made_at, l.made_by, l.profile_version, l.absorbed_into, l.state
          FROM identifier AS i LEFT JOIN lead AS l USING (lead_id)
         WHERE i.name = ANY ($1::text[])
        """,
        wanted,
    )
    people(world, rows)


def people(world: World, rows: Iterable[Row]) -> None:
    """Puts identifiers and the leads that they name into the world."""
    for row in rows:
        name, lead_id = row["name"], row["lead_id"]
        if name.startswith(_COOKIE):
            on = _decode_cookie(row["ties"])
            world["identifier", name] = Cookie(name, on.top, lead_id, on.first, on.last, on.shared, on.lately)
        else:
            world["identifier", name] = Identifier(name, lead_id, _decode_ties(row["ties"]))
        if lead_id is not None and ("lead", lead_id) not in world:
            world["lead", lead_id] = lead(row)


async def leads(tx: Tx, world: World, wanted: Sequence[str]) -> None:
    """Puts these leads into the world."""
    if not wanted:
        return
    # Leads by id.
    rows = await tx.fetch(
        "SELECT lead_id, made_at, made_by, profile_version, absorbed_into, state FROM lead WHERE lead_id = ANY ($1::text[])",
        wanted,
    )
    for row in rows:
        world["lead", row["lead_id"]] = lead(row)


def ties(one: Identifier | Cookie) -> bytes:
    """What is kept of an identifier beside its name and its lead."""
    if isinstance(one, Identifier):
        return encode(one.ties)
    return encode(_Identified(one.top, one.first, one.last, one.shared, one.lately))


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


def kept(world: World, row: Row) -> str:
    """Puts the activity of a row into the world, and returns its id."""
    event_id, one = str(row["event_id"]), activity(row)
    world["activity", event_id] = one if row["apart"] is None else replace(one, apart=_decode_tie(row["apart"]))
    return event_id


def activity(row: Row) -> Kept:
    """The kept event of a row of `activity`; whether a ruling took it off, only a decision has to know."""
    happened = decode_happened(row["happened"])
    if row["verdict"] is None:
        return Kept(happened, row["lead_id"], row["revision"])
    judged = _decode_verdict(row["verdict"])
    return Kept(happened, row["lead_id"], row["revision"], judged.human, judged.ruled, judged.repeat)


def verdict(kept: Kept) -> bytes | None:
    """What is kept of a later verdict on an activity."""
    if kept.human is None and not kept.ruled and not kept.repeat:
        return None
    return encode(_Verdict(kept.human, kept.ruled, kept.repeat))
