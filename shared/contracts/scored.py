"""What a lead is worth and why: lead.scored, and lead.signal, which advises it."""

from __future__ import annotations

import msgspec

from shared.contracts.enriched import Activity, Touch
from shared.contracts.model import Model, Moment, Ratio, no_entries
from shared.contracts.profile import Profile


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
    by: str | None = None  # the value of the field that the rule's limit names
    base: float | None = None
    decay: float | None = None
    count: int | None = None
    activities: list[str] | None = None  # at most 20


class RulesetRef(Model, frozen=True):
    id: str
    version: int
    document: str | None = None  # which text: the version under which it was published (contracts.Document)


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
    segments: list[str] = msgspec.field(default_factory=no_entries)
    episode: int | None = None  # how often the lead has entered SQL
    probability: Ratio | None = None
    activity: Activity | None = None
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    absorbed: list[str] | None = None
    restored: list[str] | None = None  # leads that were this one, and are themselves again from now on


class Signal(Model, frozen=True):
    """lead.signal: an advisory observation over a window of time."""

    event_id: str
    lead_id: str
    name: str
    value: float
    at: Moment
    expires_at: Moment
