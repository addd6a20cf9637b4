"""What a record says in one line, without personal data. No IO."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from shared import contracts
from shared.contracts import (
    Captured,
    Command,
    Dead,
    Enriched,
    Handover,
    HandoverWithdrawn,
    Merged,
    Model,
    Noted,
    Nurture,
    OutcomeReported,
    Receipt,
    Scored,
    Signal,
    Split,
)
from shared.stage import Record
from shared.topology import BY_NAME

_decoders = {name: msgspec.json.Decoder(event).decode for name, event in contracts.EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """Type, whom it is about (the lead id where it is known) and what it says. The text is from outside: not safe for a terminal."""

    type: str
    subject: str
    text: str


def line(record: Record) -> Line:
    """Never raises: what is not what its topic promises is said to be that."""
    type_ = text_header(record, "ce_type") or _expected(record.topic)
    subject = text_header(record, "ce_subject")
    decoder = _decoders.get(type_)
    if decoder is None:
        return Line(type_ or "?", subject, f"no event of ours, {len(record.value)} bytes")
    try:
        event: Model = decoder(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Line(type_, subject, f"does not keep its contract, {len(record.value)} bytes")
    return Line(type_, str(getattr(event, "lead_id", None) or subject), _say(event))


def text_header(record: Record, name: str) -> str:
    """A header as text; nothing where it is absent."""
    return record.headers.get(name, b"").decode("utf-8", "replace")


def _expected(topic: str) -> str:
    known = BY_NAME.get(topic)
    return known.events[0] if known is not None and len(known.events) == 1 else ""


def _say(event: Model) -> str:
    match event:
        case Captured():
            marks = f" marked {', '.join(event.context.marks)}" if event.context.marks else ""
            return f"{event.kind} {event.name} at {event.property}{marks}"
        case Enriched():
            activity, kind = event.activity, event.profile.email.kind if event.profile.email else None
            country = f", {event.profile.country}" if event.profile.country else ""
            about = f"{kind} e-mail{country}" if kind else f"no e-mail{country}"
            again = f" revision {activity.revision}" if activity.revision else ""
            return f"{activity.kind} {activity.name}{again}, profile {event.profile_version}: {about}, human {activity.human:g}"
        case Scored():
            moved = f"{event.previous_stage} -> {event.stage}" if event.previous_stage != event.stage else event.stage
            return f"{event.score.total:g} points ({event.score.fit:g} fit, {event.score.engagement:g} engagement), {event.grade}, {moved}"
        case Handover():
            step = next((step.rule for step in event.path if step.matched), "?")
            return f"to {event.owner.id} by {step}, episode {event.episode}, attempt {event.attempt}, {event.score.total:g} points"
        case HandoverWithdrawn():
            return f"{event.handover_id} taken back from {event.owner.id}: {event.because}"
        case Noted():
            return f"{event.activity_id} ends here: {event.why}"
        case Merged():
            return f"{event.absorbed} is {event.survivor} from now on, because of {event.because}"
        case Split():
            return f"{event.restored} is on its own again"
        case Dead():
            place = f"{event.place.topic}/{event.place.partition}/{event.place.offset}"
            return f"{event.service}: {event.reason} at {place}{f' ({event.detail})' if event.detail else ''}"
        case OutcomeReported():
            return f"{event.outcome} for {event.handover_id or event.lead_id or '?'}"
        case Command():
            return f"{event.kind} {event.event_id}"
        case Nurture():
            return f"{event.track}/{event.step}{f' skipped: {event.skipped}' if event.skipped else ''}"
        case Signal():
            return f"{event.name} {event.value:g}"
        case Receipt():
            return f"{event.service}: {', '.join(event.did)}"
        case _:
            return ""
