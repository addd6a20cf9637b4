"""The books: which accepted events have ended, and how, by their ids. What one record says of an event, and how what is said comes together. No IO.

An event is accepted when it stands on leads.captured.v1, and ends in a lead.scored of its activity, a lead.noted, or a dead letter of the
stage that should have taken it further. What two records say of one event is joined by least and greatest alone, so records may come in any
order and any number of times, from topics that are read side by side: the books come out the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum

import msgspec
from msgspec import Struct

from services.console.domain.dead import REPLAY_OF
from shared import clock, cloudevent, ids, submission
from shared.contracts import Dead
from shared.outcome import Decision
from shared.stage import Input, Record, World
from shared.topology import CAPTURED, DEAD, ENRICHED, SCORED

NOBODYS = ""  # the property of what names none that could be one
HOUR_MS = 3_600_000
_OLDEST_MS, _NEWEST_MS = (
    100 * 24 * HOUR_MS,
    HOUR_MS,
)  # a time of acceptance is believed from so long before its record to so long after it
_LONGEST_PROPERTY = 200
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_CAUSE = b'"cause":"'
_CAUSE_WITHIN = 2000  # bytes; what stands before it in a lead.scored is short


class Ending(IntEnum):
    """How an event stands. A later one takes the place of an earlier one: what died, was replayed and then scored is scored."""

    OPEN = 0
    DEAD = 1
    NOTED = 2
    SCORED = 3


class Accepted(Struct, frozen=True, gc=False, order=True):
    """Where an event was accepted: hours since 1970, property, Kafka's time (ms) and place. Of several the least counts."""

    hour: int
    property: str
    at_ms: int
    part: int
    offset: int


class Said(Struct, frozen=True, gc=False):
    """What is known of one event; `at_ms` is the Kafka time of the first record that said something of it."""

    accepted: Accepted | None
    ending: Ending
    at_ms: int


class Line(Struct, frozen=True, gc=False):
    """One event in the books: what the store knew of it before this batch, and what is known now."""

    before: Said | None
    now: Said


class Sum(Struct, frozen=True, gc=False):
    """What a batch adds to the sums of one hour and property; negative where an event moves over."""

    hour: int
    property: str
    accepted: int
    scored: int
    noted: int
    dead: int


class _Captured(Struct, gc=False):
    event_id: str
    property: str
    received_at: datetime | None = None


class _Noted(Struct, gc=False):
    activity_id: str


class _Id(Struct, gc=False):
    id: str


class _Told(Struct, gc=False):
    activity: _Id


_captured = msgspec.json.Decoder(_Captured).decode
_noted = msgspec.json.Decoder(_Noted).decode
_told = msgspec.json.Decoder(_Told).decode
_dead = msgspec.json.Decoder(Dead).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NOTHING_NEW = Decision()


def decode(record: Record) -> Input | None:
    """What a record says of an event, as (event id, Said); None of most. Nothing here is ever rejected: who should have read it does that."""
    found = read(record)
    if found is None:
        return None
    # Two records may say something of one event: each is an input of its own.
    id_ = f"{record.topic}/{record.part}/{record.offset}"
    return Input(id_, found, clock.from_ms(record.timestamp_ms), record.part, record)


def read(record: Record) -> tuple[str, Said] | None:
    """The event that a record says something of, and what."""
    match record.topic:
        case CAPTURED.name:
            return _accepted(record)
        case SCORED.name:
            return _ended(_scored_activity(record.value), Ending.SCORED, record)
        case ENRICHED.name:
            if record.headers.get("ce_type", b"lead.noted") != b"lead.noted":
                return None
            return _ended(_noted_activity(record.value), Ending.NOTED, record)
        case DEAD.name:
            return _ended(_dead_event(record.value), Ending.DEAD, record)
    return None


def decide(world: World, input_: Input) -> Decision:
    """The event's line with what is said joined to it; nothing where that is known."""
    event_id, said = input_.event
    line: Line | None = world.get(event_id)
    if line is None:
        return Decision({event_id: Line(None, said)})
    now = joined(line.now, said)
    return _NOTHING_NEW if now == line.now else Decision({event_id: Line(line.before, now)})


def joined(one: Said, other: Said) -> Said:
    """What both say together. Commutative, associative, and the same thing twice is the same thing."""
    accepted = one.accepted
    if accepted is None or (other.accepted is not None and other.accepted < accepted):
        accepted = other.accepted
    return Said(accepted, max(one.ending, other.ending), min(one.at_ms, other.at_ms))


def sums(lines: Iterable[Line]) -> list[Sum]:
    """What the lines of a batch add to the books, by hour and property in order."""
    found: dict[tuple[int, str], list[int]] = {}
    for line in lines:
        for said, by in ((line.before, -1), (line.now, 1)):
            if said is not None and said.accepted is not None:
                counts = found.setdefault((said.accepted.hour, said.accepted.property), [0, 0, 0, 0])
                counts[Ending.OPEN] += by  # the count of all
                if said.ending:
                    counts[said.ending] += by
    return [
        Sum(hour, property_, counts[Ending.OPEN], counts[Ending.SCORED], counts[Ending.NOTED], counts[Ending.DEAD])
        for (hour, property_), counts in sorted(found.items())
        if any(counts)
    ]


def _accepted(record: Record) -> tuple[str, Said]:
    at_ms = record.timestamp_ms
    event = _submission(record.value)
    if event is None:
        # Enrich can't read it either, and will say so in a dead letter of this place.
        replay_of = record.headers.get(REPLAY_OF, b"")
        event_id, property_, hour = _of_place(record.part, record.offset, replay_of), NOBODYS, at_ms // HOUR_MS
    else:
        event_id, property_ = submission.event_id(event.property, event.event_id), event.property
        if not 0 < len(property_) <= _LONGEST_PROPERTY or not property_.isprintable():
            property_ = NOBODYS
        hour = _when(event.received_at, at_ms) // HOUR_MS
    accepted = Accepted(hour, property_, at_ms, record.part, record.offset)
    return event_id, Said(accepted, Ending.OPEN, at_ms)


def _submission(value: bytes) -> _Captured | None:
    """A lead.captured's name, property and time of acceptance; None where it names no event. Never more than enrich asks of it, so that what
    can't be read here can't be read there."""
    try:
        event = _captured(submission.clean(value))
    except _UNREADABLE:
        return None
    return event if event.event_id else None


def _when(received_at: datetime | None, at_ms: int) -> int:
    """When an event was accepted, in ms: as capture says (what waited in its spool has its own hour), unless that can't be."""
    if received_at is None:
        return at_ms
    if received_at.tzinfo is None:
        received_at = received_at.replace(tzinfo=UTC)  # as enrich reads it
    received_ms = clock.to_ms(received_at)
    return received_ms if at_ms - _OLDEST_MS < received_ms < at_ms + _NEWEST_MS else at_ms


def _of_place(part: int, offset: int, replay_of: bytes) -> str:
    """The name of what has none: its first dead letter's, which a replay names in its headers."""
    return _uuid(replay_of.decode("ascii", "replace")) or ids.dead_id("enrich", CAPTURED.name, part, offset)


def _ended(activity_id: str | None, ending: Ending, record: Record) -> tuple[str, Said] | None:
    if activity_id is None:
        return None
    return activity_id, Said(None, ending, record.timestamp_ms)


def _scored_activity(value: bytes) -> str | None:
    """The activity that a lead.scored ends: what caused it, where that was one (score writes both alike). The cause stands before all that
    came from outside, and a quote inside of a text is escaped, so it is found without reading the rest; else all is read."""
    begin = value.find(_CAUSE, 0, _CAUSE_WITHIN) + len(_CAUSE)
    if begin >= len(_CAUSE):
        end = value.find(b'"', begin)
        return value[begin:end].decode() if end - begin == 36 and _UUID(value, begin, end) else None
    return _activity(value)


def _activity(value: bytes) -> str | None:
    try:
        return _uuid(_told(value).activity.id)
    except _UNREADABLE:
        return None


def _noted_activity(value: bytes) -> str | None:
    try:
        return _uuid(_noted(value).activity_id)
    except _UNREADABLE:
        return None


def _dead_event(value: bytes) -> str | None:
    """The event that ended by dying: at enrich what was captured, at score its activity. Other dead letters end no event."""
    try:
        dead = _dead(value)
    except _UNREADABLE:
        return None
    if (dead.service, dead.place.topic) == ("score", ENRICHED.name):
        return _activity(dead.value)
    if (dead.service, dead.place.topic) != ("enrich", CAPTURED.name):
        return None
    event = _submission(dead.value)
    if event is not None:
        return submission.event_id(event.property, event.event_id)
    replay_of = dict(dead.headers).get(REPLAY_OF, b"")
    return _of_place(dead.place.partition, dead.place.offset, replay_of)


def _uuid(text: str) -> str | None:
    """An id as Postgres writes it, so that it is one key however it was written; None where it is none."""
    if len(text) != 36 or not cloudevent.is_uuid(text):
        return None
    return text.lower()
