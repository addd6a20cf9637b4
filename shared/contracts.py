"""Every event that crosses a topic, on one page. JSON Schemas and AsyncAPI come from it; nothing here does IO.

What is not known is absent: optional fields default to None and are not written. What readers may count on is written
even when it is empty, though readers forgive its absence. Fields marked `Personal` may hold personal data: logs, metrics
and dead-letter reasons never hold them, and export and erasure find them by the mark (shared/personal.py). Times are RFC
3339 with a zone, UTC when they are ours. Within a version only optional fields are added: shared/generate checks it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

_PERSONAL = Meta(extra_json_schema={"x-personal": True})
Personal = Annotated[str, _PERSONAL]
PersonalMap = Annotated[dict[str, Any], _PERSONAL]
PersonalNames = Annotated[dict[str, str], _PERSONAL]
Ratio = Annotated[float, Meta(ge=0, le=1)]
# A time without a zone is no moment: it is refused where it is decoded, not where it is first compared.
Moment = Annotated[datetime, Meta(tz=True)]


class Model(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frozen, keyword-only, absent when default: what every event and every part of one has in common."""


# omit_defaults leaves out what its own `list` and `dict` made empty, and never what a function of ours made.
def _no_entries() -> list[Any]:
    return []


def _no_fields() -> dict[str, Any]:
    return {}


def _surely() -> float:
    return 1.0


# -- parts -------------------------------------------------------------------------------------------------------------


class Page(Model, frozen=True):
    """The page where something happened. `path` is derived from `url` where it was not given."""

    url: Personal | None = None
    path: Personal | None = None
    referrer: Personal | None = None
    title: Personal | None = None


class Campaign(Model, frozen=True):
    """UTM parameters as sent; unmarked, because success is measured by them: nobody may put a person into a campaign's name."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None


class Context(Model, frozen=True):
    """Where a submission came from, as the connection and the client say."""

    page: Page | None = None
    campaign: Campaign | None = None
    click_ids: PersonalNames | None = None
    ip: Personal | None = None
    user_agent: Personal | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None  # ISO 3166, as the edge in front of the property says it of the connection
    marks: list[str] | None = None  # what capture noticed: bot, honeypot, too-fast, disposable, test


class ConsentGiven(Model, frozen=True):
    """Consent as it was given with a submission: purpose to yes or no, and what was shown."""

    purposes: dict[str, bool]
    text: str | None = None
    version: str | None = None
    basis: str | None = None


class Consent(Model, frozen=True):
    """The state of one purpose in a profile."""

    given: bool
    at: Moment
    text: str | None = None
    version: str | None = None
    basis: str | None = None


class Email(Model, frozen=True):
    """`address` is the sendable form, or what was given when it is no address (then `kind` is invalid); `given` is as it was given, where
    that differs."""

    address: Personal
    given: Personal | None = None
    kind: str | None = None  # business, free, disposable, role, relay, invalid
    domain: str | None = None


class Phone(Model, frozen=True):
    """`e164` is absent when no number could be made of what was given: it is there where the length is possible in its region, and `valid`
    where the region's numbering plan knows it too. A number without a calling code was read as one of a region that something else told:
    `region_from` says what (form, property, country)."""

    e164: Personal | None = None
    raw: Personal | None = None
    region: str | None = None
    kind: str | None = None
    extension: Personal | None = None
    valid: bool | None = None
    region_from: str | None = None


class Name(Model, frozen=True):
    full: Personal | None = None
    given: Personal | None = None
    family: Personal | None = None
    title: Personal | None = None


class Company(Model, frozen=True):
    name: str | None = None
    domain: str | None = None
    size: int | None = None
    industry: str | None = None


class Job(Model, frozen=True):
    title: Personal | None = None
    seniority: str | None = None
    department: str | None = None


class Profile(Model, frozen=True):
    """The lead's current normalised data."""

    email: Email | None = None
    phone: Phone | None = None
    name: Name | None = None
    company: Company | None = None
    job: Job | None = None
    country: str | None = None
    region: str | None = None
    city: Personal | None = None
    postal_code: Personal | None = None
    language: str | None = None
    timezone: str | None = None
    consent: dict[str, Consent] | None = None
    user_ids: PersonalNames | None = None
    external_ids: PersonalNames | None = None
    custom: PersonalMap | None = None
    test: bool | None = None
    sources: dict[str, str] | None = None


class Touch(Model, frozen=True):
    """One contact with a channel, first or last of a person."""

    at: Moment
    channel: str | None = None
    direction: str | None = None
    campaign: Campaign | None = None
    click_ids: PersonalNames | None = None
    referrer: Personal | None = None
    landing_page: Personal | None = None


class Activity(Model, frozen=True):
    """One thing a person did. The same `id` with a higher `revision` replaces the earlier one; `withdrawn` takes it off this lead."""

    id: str
    revision: int
    name: str
    kind: str
    occurred_at: Moment
    property: str
    channel: str | None = None
    direction: str | None = None
    campaign: Campaign | None = None
    human: Ratio = msgspec.field(default_factory=_surely)
    page: Page | None = None
    asset: str | None = None
    properties: PersonalMap | None = None
    withdrawn: bool | None = None


class Points(Model, frozen=True):
    """A score: the total is exactly the sum of the contributions, two places."""

    total: float
    fit: float
    engagement: float


class Contribution(Model, frozen=True):
    """What one rule (and one value of its `by` field) gave: rounded once, so that contributions add up to the total."""

    rule: str
    version: int
    points: float
    base: float | None = None
    decay: float | None = None
    count: int | None = None
    activities: list[str] | None = None  # at most 20


class RulesetRef(Model, frozen=True):
    id: str
    version: int


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
    top: list[Contribution] = msgspec.field(default_factory=_no_entries)


class Place(Model, frozen=True):
    """Where a record stood."""

    topic: str
    partition: int
    offset: int


# -- events ------------------------------------------------------------------------------------------------------------


class Captured(Model, frozen=True):
    """lead.captured: one submission, judged and kept by capture, raw in its meaning."""

    event_id: str
    property: str
    kind: str  # form, track, page, identify, hook, pixel
    name: str
    occurred_at: Moment
    received_at: Moment
    anonymous_id: Personal | None = None
    user_id: Personal | None = None
    traits: PersonalMap = msgspec.field(default_factory=_no_fields)
    properties: PersonalMap = msgspec.field(default_factory=_no_fields)
    context: Context = msgspec.field(default_factory=Context)
    consent: ConsentGiven | None = None
    history: bool | None = None  # told of the past, as by an import: it counts, and is no news to sales
    property_country: str | None = (
        None  # ISO 3166: where the property's visitors mostly are, for what says nothing itself
    )


class Enriched(Model, frozen=True):
    """lead.enriched: an activity of a known lead, with the profile as it is now."""

    event_id: str
    lead_id: str
    profile_version: int
    activity: Activity
    profile: Profile
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    joined: list[str] | None = None
    history: bool | None = None  # told because of an event of the past: the lead does not enter SQL by it


class Merged(Model, frozen=True):
    """lead.merged: `absorbed` is from now on `survivor`; its activities come again under that id. `profile_version` is the absorbed lead's."""

    event_id: str
    survivor: str
    absorbed: str
    because: str
    profile_version: int | None = None


class Split(Model, frozen=True):
    """lead.split: a merge that was undone."""

    event_id: str
    lead_id: str
    restored: str


class Noted(Model, frozen=True):
    """lead.noted: `activity_id` ends here, without a lead of its own."""

    event_id: str
    activity_id: str
    why: str  # visitor, duplicate, discarded


class Scored(Model, frozen=True):
    """lead.scored: what is known of a lead after one cause. A stage change has a `stage` that differs from `previous_stage`."""

    event_id: str
    lead_id: str
    score_version: int
    score: Points
    grade: str
    stage: str
    previous_stage: str
    stage_since: Moment
    ruleset: RulesetRef
    cause: str
    contributions: list[Contribution]
    profile: Profile
    segments: list[str] = msgspec.field(default_factory=_no_entries)
    episode: int | None = None  # how often the lead has entered SQL
    probability: Ratio | None = None
    activity: Activity | None = None
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    absorbed: list[str] | None = None


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
    recent_activities: list[Activity] = msgspec.field(default_factory=_no_entries)
    accept_by: Moment | None = None
    contact_by: Moment | None = None
    consent: dict[str, Consent] | None = None


class HandoverWithdrawn(Model, frozen=True):
    """lead.handover.withdrawn: this owner need not act any more."""

    event_id: str
    handover_id: str
    lead_id: str
    owner: Owner
    because: str
    at: Moment


class OutcomeReported(Model, frozen=True):
    """lead.outcome: what sales says. Names a handover or a lead; headers are optional, so there may be no event id."""

    outcome: str  # accepted, rejected, contacted, meeting, opportunity, won, lost, recycled
    event_id: str | None = None
    handover_id: str | None = None
    lead_id: str | None = None
    reason: str | None = None
    amount: float | None = None
    currency: str | None = None
    occurred_at: Moment | None = None
    by: Personal | None = None


class Nurture(Model, frozen=True):
    """lead.nurture: one step of a track that is due, or was skipped and why."""

    event_id: str
    enrolment_id: str
    lead_id: str
    track: str
    step: str
    content: str | None = None
    channel: str | None = None
    due_at: Moment | None = None
    skipped: str | None = None


class Command(Model, frozen=True):
    """lead.command: a change that somebody asks for. Whatever changes a lead or a document comes as one."""

    event_id: str  # = command_id
    kind: str  # outcome, ...
    issued_at: Moment
    lead_id: str | None = None
    by: Personal | None = None
    payload: PersonalMap = msgspec.field(default_factory=_no_fields)


class Signal(Model, frozen=True):
    """lead.signal: an advisory observation over a window of time."""

    event_id: str
    lead_id: str
    name: str
    value: float
    at: Moment
    expires_at: Moment


class Privacy(Model, frozen=True):
    """lead.privacy: a person asks to be erased or exported."""

    event_id: str
    subject: str  # a lead id or a person key, never an address: this topic is kept for ever
    kind: str
    requested_at: Moment


class Receipt(Model, frozen=True):
    """lead.receipt: what one service did for a privacy request."""

    event_id: str
    subject: str
    service: str
    did: list[str]
    at: Moment


class Dead(Model, frozen=True):
    """lead.dead: a record that can't be processed, whole: original key, bytes and headers (base64), why, where, when."""

    event_id: str
    service: str
    reason: str
    detail: str
    place: Place
    at: Moment
    value: Annotated[bytes, _PERSONAL]
    key: Annotated[bytes, _PERSONAL] | None = None
    headers: list[tuple[str, Annotated[bytes, _PERSONAL]]] = msgspec.field(default_factory=_no_entries)


EVENTS: dict[str, type[Model]] = {
    "lead.captured": Captured,
    "lead.enriched": Enriched,
    "lead.merged": Merged,
    "lead.split": Split,
    "lead.noted": Noted,
    "lead.scored": Scored,
    "lead.handover": Handover,
    "lead.handover.withdrawn": HandoverWithdrawn,
    "lead.outcome": OutcomeReported,
    "lead.nurture": Nurture,
    "lead.command": Command,
    "lead.signal": Signal,
    "lead.privacy": Privacy,
    "lead.receipt": Receipt,
    "lead.dead": Dead,
}

encode = msgspec.json.Encoder().encode
