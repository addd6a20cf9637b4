"""lead.nurture as it is written: one step, sent or skipped, with what a sender needs. Whether it is sent is sending.py's."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, Raw, Struct, UnsetType

from services.route.domain.nurture.state import Nurtured, Step, Taken
from shared import clock, contracts, ids
from shared.outcome import Outgoing
from shared.topology import NURTURE

TYPE = "lead.nurture"
MERGED, SPLIT = "lead.nurture.merged", "lead.nurture.split"  # a lead became another one, or itself again (recalled.py)
MAGNETS = "magnets"  # the track of what was asked for


class Skip(StrEnum):
    """Why a step was not sent. Closed; what it was in words is `because`."""

    UNLESS = "unless"  # its own condition: mostly that it was seen already
    NO_CONSENT = "no-consent"
    SUPPRESSED = "suppressed"
    NO_FIELD = "no-field"  # nothing to send it to
    CAP = "cap"  # a limit over all tracks
    QUIET = "quiet"  # not now: `due_at` says when
    EXITED = "exited"  # the document's `exit` holds: sales has the lead, say
    MERGED = "merged"  # another enrolment of the same person goes on
    GONE = "gone"  # the track, or all that was left of it, is no longer in the document
    AGAIN = "again"  # asked for again too soon
    LATE = "late"  # asked for long ago


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """contracts.Nurture to be written, the profile as it came."""

    event_id: str
    enrolment_id: str
    lead_id: str
    track: str
    step: str
    at: datetime
    content: str | None = None
    channel: str | None = None
    due_at: datetime | None = None
    skipped: str | None = None
    because: str | None = None
    transactional: bool | None = None
    address: str | None = None
    subject: str | None = None
    template: str | None = None
    audience: str | None = None
    stage: str | None = None
    profile: Raw | UnsetType = UNSET


class Changes:
    """What one input does to nurture: states by key, and records in order."""

    __slots__ = ("changes", "emit", "part")

    def __init__(self, part: int) -> None:
        self.part = part
        self.changes: dict[object, object] = {}
        self.emit: list[Outgoing] = []

    def tell(self, told: Told) -> None:
        """Writes a step's record and its line in the history."""
        self.emit.append(Outgoing(NURTURE, told.lead_id, TYPE, told.event_id, contracts.encode(told)))
        due = clock.to_ms(told.due_at) if told.due_at is not None else None
        self.changes[Step("nurture-step", told.event_id)] = Taken(
            told.lead_id,
            self.part,
            told.track,
            told.step,
            told.content,
            told.channel,
            clock.to_ms(told.at),
            told.skipped,
            told.because,
            due,
        )


def step_id(enrolment_id: str, step: str) -> str:
    """The event id of what became of a step. There is one: a step is decided once, whoever decides it."""
    return ids.event_id("route", enrolment_id, step, 0, TYPE)


def moved_id(enrolment_id: str, step: str, due: int) -> str:
    """The event id of a step's waiting for the morning."""
    return ids.event_id("route", enrolment_id, step, due, "lead.nurture.moved")


def enrolment_id(lead_id: str, track: str, times: int) -> str:
    """The id of a lead's nth enrolment in a track."""
    return ids.event_id("route", "enrolment", lead_id, times, track)


def rendering(nurtured: Nurtured) -> Raw:
    """What a template may show: the profile as it came."""
    return Raw(nurtured.facts.profile)
