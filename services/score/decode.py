"""From a Kafka record to what it says of a lead. Reads only what score needs; enrich's data stays the bytes it came in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from services.score.domain.inforce import InForce
from services.score.domain.lead import Absorbed, Advised, Barred, Event, Judged, Passed, Restored, Told
from services.score.domain.publications import Rulesets
from shared import clock, cloudevent, ids
from shared.contracts import Moment
from shared.outcome import Reason, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS, SIGNALS

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HANDOVER = re.compile(r"ho_.+_([1-9]\d{0,8})_[1-9]\d{0,8}", re.ASCII)
_AHEAD = timedelta(minutes=1)  # of the broker's clock: who is more ahead than that is wrong
_NO_TIME, _LONGEST = timedelta(), timedelta(days=1)  # how long a signal can last
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Enriched(Struct, gc=False):
    event_id: str
    lead_id: str
    profile_version: Version
    activity: Raw
    profile: Raw
    first_touch: Raw = Raw()
    last_touch: Raw = Raw()
    joined: list[str] | None = None
    restored: list[str] | None = None
    history: bool | None = None


class _Merged(Struct, gc=False):
    event_id: str
    survivor: str
    absorbed: str
    profile_version: Version | None = None


class _Split(Struct, gc=False):
    event_id: str
    restored: str
    profile_version: Version | None = None


class _Named(Struct, gc=False):
    event_id: str


class _OutcomePayload(Struct, gc=False):
    outcome: str = ""
    occurred_at: Moment | None = None
    handover_id: str = ""


class _Command(Struct, gc=False):
    event_id: str
    kind: str
    issued_at: Moment
    lead_id: str | None = None
    payload: Raw = Raw(b"{}")


class _Signal(Struct, gc=False):
    event_id: Annotated[str, Meta(max_length=100)]
    lead_id: Annotated[str, Meta(max_length=200)]
    name: str
    value: float
    at: Moment
    expires_at: Moment


class _Shape(Struct, gc=False):
    """What tells the events of leads.enriched.v1 apart where a header is missing."""

    activity: Raw = Raw()
    absorbed: Raw = Raw()
    restored: Raw = Raw()
    activity_id: Raw = Raw()


_enriched = msgspec.json.Decoder(_Enriched).decode
_merged = msgspec.json.Decoder(_Merged).decode
_split = msgspec.json.Decoder(_Split).decode
_named = msgspec.json.Decoder(_Named).decode
_command = msgspec.json.Decoder(_Command).decode
_outcome_payload = msgspec.json.Decoder(_OutcomePayload).decode
_signal = msgspec.json.Decoder(_Signal).decode
_shape = msgspec.json.Decoder(_Shape).decode


def decoder(rulesets: Rulesets) -> Callable[[Record], Input | Reject | None]:
    """The stage's decode, under the ruleset in force for each record: it already tells which rules an activity falls under, so that load knows
    what is needed."""

    def decode(record: Record) -> Input | Reject | None:
        now = clock.from_ms(record.timestamp_ms)
        in_force = rulesets.at(record.part, now).document
        try:
            if record.topic == SIGNALS.name:
                return _read_signal(record, in_force.signals, now)
            event_id, event = _read(record, in_force)
        except msgspec.ValidationError:
            return Reject(Reason.INVALID, "breaks the event's contract")
        except msgspec.DecodeError:
            return Reject(Reason.UNDECODABLE, "is not JSON")
        if isinstance(event, Reject):
            return event
        if not cloudevent.is_uuid(event_id):
            return Reject(Reason.INVALID, "event_id is no UUID")
        return Input(event_id, event, now, record.part, record)

    return decode


def _read(record: Record, in_force: InForce) -> tuple[str, Event | Reject]:
    value = record.value
    if record.topic == COMMANDS.name:
        return _read_command(value)
    type_ = record.headers.get("ce_type")
    match type_.decode(errors="replace") if type_ is not None else _type_by_shape(value):
        case "lead.enriched":
            return _read_enriched(value, in_force)
        case "lead.merged":
            merged = _merged(value)
            return merged.event_id, Absorbed(merged.absorbed, merged.survivor, merged.profile_version)
        case "lead.split":
            split = _split(value)
            return split.event_id, Restored(split.restored, split.profile_version)
        case "lead.noted":
            return _named(value).event_id, Passed()
        case _:
            return "", Reject(Reason.UNKNOWN_TYPE, "no such event on this topic")


def _type_by_shape(value: bytes) -> str:
    shape = _shape(value)
    if bytes(shape.activity):
        return "lead.enriched"
    if bytes(shape.absorbed):
        return "lead.merged"
    if bytes(shape.restored):
        return "lead.split"
    return "lead.noted" if bytes(shape.activity_id) else ""


def _read_enriched(value: bytes, in_force: InForce) -> tuple[str, Event | Reject]:
    read = _enriched(value)
    activity, profile = bytes(read.activity), bytes(read.profile)
    if profile[:1] != b"{":
        return "", Reject(Reason.INVALID, "profile is no object")
    fact = in_force.fact(activity)
    if not _is_canonical(fact.id):
        return "", Reject(Reason.INVALID, "activity.id is no UUID in small letters with hyphens")
    told = Told(
        read.lead_id,
        read.profile_version,
        fact,
        activity,
        profile,
        _object(read.first_touch),
        _object(read.last_touch),
        tuple(read.joined or ()),
        read.history is True,
        tuple(read.restored or ()),
    )
    return read.event_id, told


def _read_command(value: bytes) -> tuple[str, Event]:
    read = _command(value)
    if read.kind == "disqualify" and read.lead_id:
        return read.event_id, Barred(read.lead_id)
    if read.kind != "outcome" or read.lead_id is None:
        return read.event_id, Passed()
    payload = _outcome_payload(read.payload)
    at: datetime = payload.occurred_at or read.issued_at
    return read.event_id, Judged(read.lead_id, payload.outcome, at, _episode(payload.handover_id))


def _read_signal(record: Record, asked: frozenset[str], now: datetime) -> Input | Reject | None:
    """A signal that the ruleset asks for; None for one that it does not ask for or that is stale, since nobody waits for it. What is no
    signal, or says what cannot be, is refused as on any topic.

    Its input id is told apart from those of all other events: whatever a worker calls it, it takes no other event's place.
    """
    read = _signal(record.value)
    if "\x00" in read.lead_id:
        return Reject(Reason.INVALID, "a NUL in lead_id")
    if read.at - now > _AHEAD:
        return Reject(Reason.INVALID, "at lies ahead of the broker's clock")
    if not _NO_TIME < read.expires_at - read.at <= _LONGEST:
        return Reject(Reason.INVALID, "expires_at is not within a day after at")
    if read.name not in asked or not now < read.expires_at:
        return None
    input_id = ids.event_id("score/signal", read.event_id, read.lead_id, 0, read.name)
    advised = Advised(read.lead_id, read.name, read.value, read.at, read.expires_at)
    return Input(input_id, advised, now, record.part, record)


def _episode(handover_id: str) -> int | None:
    """The episode in a handover's name (ho_<lead>_<episode>_<attempt>), or None where it says none."""
    named = _HANDOVER.fullmatch(handover_id)
    return int(named[1]) if named else None


def _object(raw: Raw) -> bytes:
    """An optional object's bytes; nothing where it is absent or null."""
    data: Any = bytes(raw)
    return data if data[:1] == b"{" else b""


def _is_canonical(id_: str) -> bool:
    """Whether an id is written as Postgres writes it, so that texts stand in the same order here and there."""
    return _CANONICAL.fullmatch(id_) is not None
