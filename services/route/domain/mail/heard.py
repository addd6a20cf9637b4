"""What of leads.nurture.v1 and leads.handover.v1 is mailed, and what became of mails by leads.commands.v1. Whether it is sent is asking.py's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from services.route.domain import events
from shared import clock, mail_link
from shared.cloudevent import is_uuid
from shared.mail_link import Done
from shared.outcome import Decision, Outcome, Reason, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS, HANDOVER, NURTURE

BEGAN = "began"  # the key of the world under which stands since when mails are sent


class Kind(StrEnum):
    """What a mail is, since other rules hold for each."""

    NURTURE = "nurture"
    MAGNET = "magnet"  # asked for by a form: no consent, no quiet hours
    NOTICE = "notice"  # to an owner, of a handover
    TEST = "test"  # to an operator


NOTICES = {
    "lead.handover": "handover-offered",
    "lead.handover.withdrawn": "handover-withdrawn",
    "lead.handover.escalated": "handover-escalated",
}  # types of events to templates


class Mail(Struct, frozen=True, kw_only=True):
    """One mail, by the id of the event that is told by it. `data` is that event as it came."""

    mail_id: str
    kind: Kind
    lead_id: str
    template: str
    address: str
    told_at: datetime
    data: bytes
    subject: str = ""
    track: str = ""
    step: str = ""
    content: str = ""


class Happened(Struct, frozen=True):
    """What was done with a mail, by the id of whatever says so."""

    event_id: str
    done: Done
    at: datetime


class Put(NamedTuple):
    """The key of a change: mails that are kept, and what happened to them."""

    event_id: str


class _Step(Struct, frozen=True):
    """lead.nurture, as much of it as tells whether it is mailed."""

    event_id: str
    lead_id: events.OneWord
    track: str
    step: str
    channel: str | None = None
    skipped: str | None = None
    transactional: bool | None = None
    content: str | None = None
    address: str | None = None
    subject: str | None = None
    template: str | None = None


class _Owner(Struct, frozen=True):
    email: str | None = None


class _Handed(Struct, frozen=True):
    event_id: str
    lead_id: events.OneWord
    owner: _Owner
    escalated_to: _Owner | None = None


class _Said(Struct, frozen=True):
    """lead.command of kind mail."""

    event_id: str
    kind: str
    issued_at: datetime
    payload: Raw = Raw()


_step = msgspec.json.Decoder(_Step).decode
_handed = msgspec.json.Decoder(_Handed).decode
_said = msgspec.json.Decoder(_Said).decode
_done = msgspec.json.Decoder(Done).decode


def decode(record: Record) -> Input | Reject | None:
    """A record that is mailed, or that tells of a mail; None for all others. What others can't read, other stages refuse."""
    try:
        if record.topic == COMMANDS.name:
            event: Mail | Happened | None = _happened(record)
        elif record.topic == HANDOVER.name:
            event = _notice(record)
        else:
            event = _nurture(record)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, events.place_of(error)) if record.topic == NURTURE.name else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reject(Reason.UNDECODABLE) if record.topic == NURTURE.name else None
    if event is None:
        return None
    event_id = event.mail_id if isinstance(event, Mail) else event.event_id
    if not is_uuid(event_id):
        return Reject(Reason.INVALID, "event_id is no UUID") if record.topic == NURTURE.name else None
    return Input(event_id, event, clock.from_ms(record.timestamp_ms), record.part, record)


def decide(world: Mapping[Any, Any], input_: Input) -> Outcome:
    """What was told before mails were sent from this store is not sent: it was sent by others, or by nobody on purpose."""
    if isinstance(input_.event, Mail) and input_.now < world[BEGAN]:
        return Decision()
    return Decision(changes={Put(input_.event_id): input_.event})


def _nurture(record: Record) -> Mail | None:
    if record.headers.get("ce_type", b"lead.nurture") != b"lead.nurture":
        return None
    said = _step(record.value)
    if said.channel != mail_link.EMAIL or said.skipped or not said.address or not said.template:
        return None
    return Mail(
        mail_id=said.event_id,
        kind=Kind.MAGNET if said.transactional else Kind.NURTURE,
        lead_id=said.lead_id,
        template=said.template,
        address=said.address,
        told_at=clock.from_ms(record.timestamp_ms),
        data=record.value,
        subject=said.subject or "",
        track=said.track,
        step=said.step,
        content=said.content or "",
    )


def _notice(record: Record) -> Mail | None:
    template = NOTICES.get(record.headers.get("ce_type", b"").decode("utf-8", "replace"))
    if template is None:
        return None
    said = _handed(record.value)
    address = (said.escalated_to or said.owner).email
    if not address:
        return None
    return Mail(
        mail_id=said.event_id,
        kind=Kind.NOTICE,
        lead_id=said.lead_id,
        template=template,
        address=address,
        told_at=clock.from_ms(record.timestamp_ms),
        data=record.value,
    )


def _happened(record: Record) -> Happened | None:
    if b'"mail"' not in record.value:  # nearly all commands are others'
        return None
    said = _said(record.value)
    if said.kind != mail_link.KIND:
        return None
    done = _done(said.payload)
    return Happened(said.event_id, done, said.issued_at) if is_uuid(done.mail_id) else None
