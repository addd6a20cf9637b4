"""Who calls a lead, or what is said to it meanwhile: lead.handover, lead.handover.withdrawn, lead.handover.escalated, lead.nurture."""

from __future__ import annotations

import msgspec

from shared.contracts.enriched import Activity, Touch
from shared.contracts.model import Model, Moment, Personal, no_entries
from shared.contracts.profile import Consent, Profile
from shared.contracts.scored import Contribution


class Owner(Model, frozen=True):
    id: str
    name: Personal | None = None
    email: Personal | None = None
    team: str | None = None


class RouteStep(Model, frozen=True):
    """One routing rule that was tried: what it said, and who was passed over, why."""

    rule: str
    matched: bool
    to: str | None = None
    because: str | None = None


class HandoverScore(Model, frozen=True):
    total: float
    fit: float
    engagement: float
    grade: str | None = None
    stage: str | None = None
    top: list[Contribution] = msgspec.field(default_factory=no_entries)


class Handover(Model, frozen=True):
    """lead.handover: one lead to one owner, with everything needed to call. Physically once on its topic."""

    event_id: str
    handover_id: str
    lead_id: str
    episode: int
    attempt: int
    owner: Owner
    profile: Profile
    score: HandoverScore
    path: list[RouteStep]
    created_at: Moment
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    recent_activities: list[Activity] = msgspec.field(default_factory=no_entries)
    accept_by: Moment | None = None
    contact_by: Moment | None = None
    consent: dict[str, Consent] | None = None
    segments: list[str] | None = None
    system_seconds: float | None = None  # from our acceptance of the event that made the lead ready to this handover


class HandoverWithdrawn(Model, frozen=True):
    """lead.handover.withdrawn: this owner need not act any more."""

    event_id: str
    handover_id: str
    lead_id: str
    owner: Owner
    because: str
    at: Moment


class HandoverEscalated(Model, frozen=True):
    """lead.handover.escalated: a deadline was missed and the handover stays with its owner; somebody else looks after it now."""

    event_id: str
    handover_id: str
    lead_id: str
    owner: Owner
    deadline: str  # accept or contact
    due_at: Moment
    because: str
    at: Moment
    escalated_to: Owner | None = None


class NurtureMerged(Model, frozen=True):
    """lead.nurture.merged: since a merge a lead is nurtured as `survivor`, and no longer by itself. Route reads it where it builds its store anew:
    `state` is what it kept of the lead until then, packed and for nobody else."""

    event_id: str
    lead_id: str
    survivor: str
    at: Moment
    version: int  # the newest score_version of the lead that route had read by then
    state: Personal


class NurtureSplit(Model, frozen=True):
    """lead.nurture.split: since a split a lead is nurtured by itself again. For route itself, as lead.nurture.merged is."""

    event_id: str
    lead_id: str
    at: Moment
    version: int
    state: Personal


class Nurture(Model, frozen=True):
    """lead.nurture: one step of a track, or something that a form asked for (track `magnets`): to be sent, or `skipped` and why. A step is told
    once, but for its waiting (`skipped: quiet`, with the `due_at` at which it is looked at again)."""

    event_id: str
    enrolment_id: str
    lead_id: str
    track: str
    step: str
    content: str | None = None
    channel: str | None = None
    due_at: Moment | None = None
    skipped: str | None = None
    at: Moment | None = None  # when it was decided
    because: str | None = None  # the reason of a skip in the document's words: which limit, which consent
    transactional: bool | None = None  # asked for, so that it needs no consent to marketing
    address: Personal | None = None
    subject: str | None = None  # a template of the document
    template: str | None = None
    audience: str | None = None  # that it adds the lead to
    stage: str | None = None
    profile: Profile | None = None  # what templates may show
