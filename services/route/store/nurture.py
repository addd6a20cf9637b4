"""Nurture's tables within a batch: what it needs is read, what it changed is written. What people are shown of them is audiences.py's and reading.py's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec

from services.route.domain.nurture import needs, steps
from services.route.domain.nurture.needs import InForce
from services.route.domain.nurture.state import Member, Nurtured, Step, Stored, Suppressed, Suppression
from shared import arrays
from shared.clock import from_ms, to_ms
from shared.metrics import handover
from shared.stage import Input, Tx

_pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Nurtured).decode

# The state of these leads, locked: a merge may take it over while the clock looks at it.
LOCKED = "SELECT lead_id, data FROM nurture WHERE lead_id = ANY ($1::text[]) ORDER BY lead_id FOR UPDATE"

# What is suppressed under these names.
SUPPRESSED = (
    "SELECT subject, channel, why, at, by FROM suppression WHERE subject = ANY ($1::text[]) ORDER BY subject, channel"
)

# The state of leads as it is now, but for those that a merge took over or let go since they were read.
SAVE = """
INSERT INTO nurture AS n (lead_id, part, data, steps, merges, due_at)
SELECT lead_id, part, data, steps, merges, timestamptz 'epoch' + due * interval '1 millisecond'
  FROM unnest($1::text::text[], $2::text::int[], $3::bytea[], $4::text::text[], $5::text::int[], $6::text::bigint[])
    AS t (lead_id, part, data, steps, merges, due)
ON CONFLICT (lead_id) DO UPDATE SET part = excluded.part, data = excluded.data, steps = excluded.steps, merges = excluded.merges, due_at = excluded.due_at
 WHERE n.merges <= excluded.merges
"""

# Steps that were taken.
SAVE_STEPS = """
INSERT INTO nurture_step (event_id, lead_id, part, track, step, content, channel, at, skipped, because, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
                     $10::text[], $11::timestamptz[])
ON CONFLICT DO NOTHING
"""

# Who came into audiences and who left them. What was there stays as of the transaction that told it first.
SAVE_MEMBERS = """
INSERT INTO audience_member AS m (audience, lead_id, email, phone, digits, is_member, at, part)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::timestamptz[], $8::int[])
ON CONFLICT (audience, lead_id, email, phone) DO UPDATE
   SET is_member = excluded.is_member, at = excluded.at, part = excluded.part, saved_in = excluded.saved_in
 WHERE m.is_member <> excluded.is_member
"""

# Suppressions that were given; the first on a channel stands.
SUPPRESS = """
INSERT INTO suppression (subject, channel, why, at, by)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) ON CONFLICT DO NOTHING
"""

# Suppressions that were lifted.
LIFT = "DELETE FROM suppression USING unnest($1::text[], $2::text[]) AS l (subject, channel) WHERE suppression.subject = l.subject AND suppression.channel = l.channel"


async def load(tx: Tx, world: MutableMapping[Hashable, Any], inputs: Sequence[Input], in_force: InForce) -> None:
    """Puts into `world`, which has the batch's leads and their state, what else the batch may look at. Comes after the gate."""
    found = needs.needs(in_force, world, inputs)
    if found.rows:
        for lead_id, data in await tx.fetch(LOCKED, sorted(found.rows)):
            world[Stored("nurture", lead_id)] = unpack(data)
    if not found.suppressed:
        return
    named = needs.subjects(world, found)
    known: dict[str, list[Suppression]] = {}
    for subject, channel, why, at, by in await tx.fetch(SUPPRESSED, sorted(set().union(*named.values()))):
        known.setdefault(subject, []).append(Suppression(channel, why, to_ms(at), by))
    for lead_id, names in named.items():
        world[Stored("suppressed", lead_id)] = tuple(one for name in sorted(names) for one in known.get(name, ()))


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Writes what a batch changed of nurture: a statement for each table that it changed."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for key, value in changes.items():
        if type(key) is str:  # a lead of route's own, as most are
            continue
        if (made := _row(key, value)) is not None:
            rows.setdefault(made[0], []).append(made[1])
    for statement, of in rows.items():
        if statement is SAVE:
            of.sort(key=lambda row: str(row[0]))  # as LOCKED takes them: two numbers never wait for each other
        columns: list[Any] = list(map(list, zip(*of, strict=True)))
        if statement is SAVE:  # the one that many leads need at once
            ids, parts, data, at, merges, due = columns
            columns = [
                arrays.texts(ids),
                arrays.plain(parts),
                data,
                arrays.texts(at),
                arrays.plain(merges),
                arrays.plain(due),
            ]
        await tx.execute(statement, *columns)
    for key, value in changes.items():
        if type(key) is Step:
            handover.NURTURE.add((handover.CHANNELS(value.channel), value.skipped or "sent"))


def _row(key: Hashable, value: Any) -> tuple[str, tuple[Any, ...]] | None:
    """Which statement writes a change, and its row; None for what is not of nurture, or not saved."""
    if type(value) is Nurtured and isinstance(key, Stored):
        at = " ".join([f"{one.track}/{one.step}" for one in value.active])
        due_at = steps.due_at(value)
        return SAVE, (key.id, value.part, _pack(value), at, value.merges, "NULL" if due_at is None else due_at)
    match key:
        case Step(event_id=event_id):
            due = from_ms(value.due_at) if value.due_at is not None else None
            said = (value.content, value.channel, from_ms(value.at), value.skipped, value.because, due)
            return SAVE_STEPS, (event_id, value.lead_id, value.part, value.track, value.step, *said)
        case Member(audience=audience, lead_id=lead_id, hashes=hashes):
            return SAVE_MEMBERS, (audience, lead_id, *hashes, value.is_member, from_ms(value.at), value.part)
        case Suppressed(subject=subject, channel=channel) if value is None:
            return LIFT, (subject, channel)
        case Suppressed(subject=subject, channel=channel):
            return SUPPRESS, (subject, channel, value.why, from_ms(value.at), value.by)
        case _:
            return None
