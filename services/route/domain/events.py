"""What route reads, decoded only as far as it is needed, and what it writes. The contracts themselves are shared.contracts."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from shared import contracts, ids
from shared.contracts import Moment

LeadId = Annotated[str, Meta(min_length=1, max_length=200)]
OneWord = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\s\x00]+$")]
NOTHING = Raw()
Words = Annotated[str, Meta(max_length=1000)]


class Scored(Struct, frozen=True, gc=False):
    """lead.scored, as much of it as every record needs. The rest is decoded when a handover is opened."""

    event_id: str
    lead_id: LeadId
    score_version: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    stage: str
    previous_stage: str
    episode: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    activity: Raw = NOTHING
    absorbed: list[OneWord] | None = None
    restored: list[OneWord] | None = None
    segments: tuple[str, ...] = ()
    grade: str = ""  # from here on what nurture keeps: decoding it by the way is cheaper than once more
    stage_since: str = ""
    probability: float | None = None
    score: Raw = NOTHING
    profile: Raw = NOTHING


class OutcomeAsked(Struct, frozen=True, gc=False):
    """The payload of a command of kind outcome: what intake made of a lead.outcome."""

    outcome: str
    handover_id: Annotated[str, Meta(max_length=240)] | None = None
    occurred_at: Moment | None = None
    reason: Words | None = None
    amount: float | None = None
    currency: str | None = None


class Commanded(Struct, frozen=True, gc=False):
    """lead.command, as much of it as tells whether it concerns route."""

    event_id: str
    kind: str
    lead_id: str | None = None
    by: Words | None = None
    payload: Raw = NOTHING


class OutcomeCommand(Struct, frozen=True, gc=False):
    """An outcome to apply: the lead it is about is always known, the handover only when it was named."""

    command_id: str
    lead_id: str
    handover_id: str | None
    outcome: str
    occurred_at: Moment | None = None
    reason: str | None = None
    amount: float | None = None
    currency: str | None = None
    by: str | None = None


class AssignAsked(Struct, frozen=True, gc=False):
    """The payload of a command of kind assign."""

    owner: OneWord


class Assigned(Struct, frozen=True, gc=False):
    """An operator gives a lead to an owner."""

    command_id: str
    lead_id: str
    owner: str


class Ignored(Struct, frozen=True, gc=False):
    """A command that concerns another service."""


class Due(Struct, frozen=True, gc=False):
    """The clock: timers of this lead fell due, this one at least."""

    lead_id: str
    kind: str


class PassedOn(Struct, frozen=True, gc=False):
    """Of a lead.scored what a handover passes on as it came."""

    profile: Raw
    first_touch: Raw = NOTHING
    last_touch: Raw = NOTHING


class _Mail(Struct, frozen=True, gc=False):
    kind: str | None = None
    domain: str | None = None


class _Firm(Struct, frozen=True, gc=False):
    domain: str | None = None


class Addressed(Struct, frozen=True, gc=False):
    """Of a profile as much as names the company that a lead belongs to."""

    email: _Mail | None = None
    company: _Firm | None = None


class _Addressed(Struct, frozen=True, gc=False):
    profile: Addressed


class _Consent(Struct, frozen=True, gc=False):
    consent: Raw = NOTHING


class Handover(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """lead.handover to be written: contracts.Handover with what is only passed on as the JSON that came."""

    event_id: str
    handover_id: str
    lead_id: str
    episode: int
    attempt: int
    owner: contracts.Owner
    profile: Raw
    score: contracts.HandoverScore
    path: list[contracts.RouteStep]
    created_at: Moment
    first_touch: Raw | UnsetType = UNSET
    last_touch: Raw | UnsetType = UNSET
    recent_activities: list[Raw]
    accept_by: Moment | None = None
    contact_by: Moment | None = None
    consent: Raw | UnsetType = UNSET
    segments: list[str] | None = None
    system_seconds: float | None = None


class Withdrawn(Struct, frozen=True, gc=False):
    """A withdrawal, or an escalation, that stands on the topic already: when it was, and why."""

    at: Moment
    because: str = ""


class Kept(Struct, frozen=True, gc=False):
    """A handover that stands on the topic already, as much of it as keeping it needs."""

    handover_id: str
    episode: int
    attempt: int
    owner: contracts.Owner
    path: list[contracts.RouteStep]
    created_at: Moment
    accept_by: Moment | None = None
    contact_by: Moment | None = None
    system_seconds: float | None = None


scored = msgspec.json.Decoder(Scored).decode
commanded = msgspec.json.Decoder(Commanded).decode
outcome_asked = msgspec.json.Decoder(OutcomeAsked).decode
assign_asked = msgspec.json.Decoder(AssignAsked).decode
whole_scored = msgspec.json.Decoder(contracts.Scored).decode
addressed = msgspec.json.Decoder(_Addressed).decode
whole_handover = msgspec.json.Decoder(contracts.Handover).decode
passed_on = msgspec.json.Decoder(PassedOn).decode
kept = msgspec.json.Decoder(Kept).decode
withdrawn = msgspec.json.Decoder(Withdrawn).decode
_consent = msgspec.json.Decoder(_Consent).decode


def is_there(raw: Raw) -> bool:
    """Whether a part that is passed on was given: neither absent nor null."""
    return bytes(raw) not in (b"", b"null")


def given(raw: Raw) -> Raw | UnsetType:
    """A part as it is passed on: what was not given is not written."""
    return raw if is_there(raw) else UNSET


def consent_of(profile: Raw) -> Raw:
    """The consent in a profile, as it came."""
    return _consent(profile).consent


def fields(raw: Raw) -> dict[str, Any]:
    """A part that is passed on, as conditions see it; nothing when it was not given."""
    found = msgspec.json.decode(raw) if is_there(raw) else None
    return found if isinstance(found, dict) else {}


def handover_id(lead_id: str, episode: int, attempt: int) -> str:
    """The name of a handover. It contains lead, episode and attempt, so that an outcome finds its lead's partition."""
    return f"ho_{lead_id}_{episode}_{attempt}"


def named(handover: str) -> tuple[str, int, int] | None:
    """Lead, episode and attempt of a handover's id, or None when it is none of ours."""
    head, _, attempt = handover.rpartition("_")
    head, _, episode = head.rpartition("_")
    lead = head[3:]
    if not head.startswith("ho_") or not 1 <= len(lead) <= 200 or not (_count(episode) and _count(attempt)):
        return None
    return lead, int(episode), int(attempt)


@functools.lru_cache(maxsize=4096)  # a batch asks for it when it loads and when it decides
def handover_event(lead_id: str, episode: int, attempt: int) -> str:
    """The event id of a handover: of lead, episode and attempt alone, whatever record opened it."""
    return ids.event_id("route", "handover", lead_id, episode, "lead.handover", attempt)


@functools.lru_cache(maxsize=4096)
def withdrawal_event(handover: str) -> str:
    """The event id of a handover's withdrawal: there is one at most."""
    return ids.event_id("route", handover, handover, 0, "lead.handover.withdrawn")


def escalation_event(handover: str, deadline: str) -> str:
    """The event id of an escalation: there is one at most of each deadline of a handover."""
    return ids.event_id("route", f"{handover} {deadline}", handover, 0, "lead.handover.escalated")


def place_of(error: Exception) -> str:
    """Where in a record something is wrong, without what is there: a dead letter's detail holds no data."""
    _, at, path = str(error).rpartition(" - at `")
    return f"wrong at {path.rstrip('`')}" if at else "wrong shape"


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and text[0] != "0"
