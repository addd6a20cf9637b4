"""A record of leads.scored.v1 or leads.commands.v1 to what route understands of it, or why it is refused."""

from __future__ import annotations

import msgspec

from services.route.domain import events
from services.route.domain.events import Assigned, Commanded, Ignored, OutcomeCommand
from services.route.domain.lifecycle import OUTCOMES
from services.route.domain.nurture import suppressing
from services.route.domain.nurture.suppressing import SuppressCommand
from shared.clock import from_ms
from shared.cloudevent import is_uuid
from shared.outcome import Reason, Reject
from shared.stage import Input, Record
from shared.topology import SCORED

_IGNORED = Ignored()


def decode(record: Record) -> Input | Reject:
    """What `record` says, decoded only as far as every record needs it."""
    if record.topic == SCORED.name:
        return _scored(record)
    return _command(record)


def _scored(record: Record) -> Input | Reject:
    if record.headers.get("ce_type", b"lead.scored") != b"lead.scored":
        return Reject(Reason.UNKNOWN_TYPE)
    try:
        event = events.scored(record.value)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, events.place_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reject(Reason.UNDECODABLE)
    if not is_uuid(event.event_id):
        return Reject(Reason.INVALID, "event_id is no UUID")
    if "\x00" in event.lead_id or "\x00" in event.stage:
        return Reject(Reason.INVALID, "a NUL in lead_id or stage")
    return Input(event.event_id, event, from_ms(record.timestamp_ms), record.part, record)


def _command(record: Record) -> Input | Reject:
    if record.headers.get("ce_type", b"lead.command") != b"lead.command":
        return Reject(Reason.UNKNOWN_TYPE)
    try:
        command = events.commanded(record.value)
        event = _event(command)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, events.place_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reject(Reason.UNDECODABLE)
    if not is_uuid(command.event_id):
        return Reject(Reason.INVALID, "event_id is no UUID")
    if isinstance(event, Reject):
        return event
    return Input(command.event_id, event, from_ms(record.timestamp_ms), record.part, record)


def _event(command: Commanded) -> OutcomeCommand | Assigned | SuppressCommand | Ignored | Reject:
    if command.kind == "outcome":
        return _outcome(command)
    if command.kind == "assign":
        return _assigned(command)
    if command.kind in (suppressing.SUPPRESS, suppressing.LIFT):
        if not command.lead_id:
            return Reject(Reason.NO_IDENTIFIER, "a suppression names a lead")
        said = suppressing.command(command.event_id, command.lead_id, command.kind, command.payload, command.by)
        if any("\x00" in text for text in (said.lead_id, said.channel, said.why, said.address, said.by)):
            return Reject(Reason.INVALID, "a NUL in a text")
        return said
    return _IGNORED


def _assigned(command: Commanded) -> Assigned | Reject:
    if not command.lead_id or "\x00" in command.lead_id:
        return Reject(Reason.NO_IDENTIFIER, "an assignment names a lead")
    if not events.is_there(command.payload):
        return Reject(Reason.INVALID, "an assignment without payload")
    return Assigned(command.event_id, command.lead_id, events.assign_asked(command.payload).owner)


def _outcome(command: Commanded) -> OutcomeCommand | Reject:
    """Intake checked all this before it wrote the command; but others can write to the topic too."""
    if not events.is_there(command.payload):
        return Reject(Reason.INVALID, "an outcome without payload")
    asked = events.outcome_asked(command.payload)
    named = events.named(asked.handover_id) if asked.handover_id else None
    if asked.outcome not in OUTCOMES:
        return Reject(Reason.INVALID, "no such outcome")
    if asked.handover_id and named is None:
        return Reject(Reason.INVALID, "handover_id is no handover's id")
    lead_id = command.lead_id or (named[0] if named is not None else "")
    if not lead_id:
        return Reject(Reason.NO_IDENTIFIER, "an outcome names a handover or a lead")
    texts = (lead_id, asked.handover_id, asked.reason, asked.currency, command.by)
    if any(text is not None and "\x00" in text for text in texts):
        return Reject(Reason.INVALID, "a NUL in a text")
    return OutcomeCommand(
        command.event_id,
        lead_id,
        asked.handover_id or None,
        asked.outcome,
        asked.occurred_at,
        asked.reason,
        asked.amount,
        asked.currency,
        command.by,
    )
