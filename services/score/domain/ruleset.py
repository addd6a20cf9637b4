"""A ruleset as values: what a document says after it was found right. Reading documents is in load.py, applying them in inforce.py.

All points are whole hundredths and all times whole microseconds, so that sums are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.score.domain.condition import Condition, Path
from shared.documents.inforce import VERSION_DIGITS

RAW, CUSTOMER, DISQUALIFIED = "raw", "customer", "disqualified"
SQL = "SQL"
QUALIFIED = ("IQL", "MQL", SQL)  # the stages that a ruleset gives, lowest first

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One key of a `match`: the field has one of these values, or its text fits one of the globs."""

    path: Path
    values: tuple[Any, ...]
    globs: re.Pattern[str] | None

    def fits(self, value: Any) -> bool:
        """Whether a field's value passes. True and 1 are not the same."""
        if any(value == one and type(value) is type(one) for one in self.values):
            return True
        return self.globs is not None and isinstance(value, str) and self.globs.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class FitRule:
    id: str
    when: Condition
    points: int


@dataclass(frozen=True, slots=True)
class Limit:
    """Of the activities that match the earliest so many count: in all, in each calendar `period` of the ruleset's zone, or those at
    least `spacing` after the one that counted before. With `by` each value of that field is counted apart."""

    count: int
    period: str | None = None  # day, week, month
    spacing: int = 0
    by: Path = ()


@dataclass(frozen=True, slots=True)
class Decay:
    """What is left of an activity's points at an age: half after each `span` (half_life), all below it and then nothing (window), or
    less in equal steps down to nothing at it (fade)."""

    kind: str
    span: int


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The activity that completes `count` in less than `within` scores; then a new count begins."""

    count: int
    within: int


@dataclass(frozen=True, slots=True)
class EngagementRule:
    """`cap` is on either side of zero. After a `reset` no activity from before it counts in any rule."""

    id: str
    match: tuple[FieldTest, ...]
    when: Condition | None
    points: int
    at_least: AtLeast | None = None
    limit: Limit | None = None
    decay: Decay | None = None
    cap: int | None = None
    reset: bool = False


@dataclass(frozen=True, slots=True)
class IdleRule:
    """Points when nothing was done for `after`, and again `every` so much longer where it is given, up to `cap` on either side of zero."""

    id: str
    after: int
    points: int
    every: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """Whoever did this is in `stage` at least, for `lasts` from then on, whatever the points say; until sales sends the lead back."""

    id: str
    match: tuple[FieldTest, ...]
    when: Condition | None
    stage: str
    lasts: int


@dataclass(frozen=True, slots=True)
class StageRule:
    """A lead may be in it with `enter` points and `min_fit`, stays with `leave`, or is in it because a condition of `any` holds.
    The clock alone takes nobody out of it within `dwell`."""

    name: str
    enter: int | None
    leave: int | None
    min_fit: int | None
    any: tuple[Condition, ...]
    dwell: int = 0


@dataclass(frozen=True, slots=True)
class Exclusion:
    id: str
    when: Condition
    reason: str


@dataclass(frozen=True, slots=True)
class Segment:
    id: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Grades:
    """Names with the least points for each, best first."""

    fit: tuple[tuple[str, int], ...] = ()
    engagement: tuple[tuple[str, int], ...] = ()

    def of(self, fit: int, engagement: int) -> str:
        """The grade, for example A1; empty where the ruleset has none. Below the last row's points it is the last row."""
        return _row(self.fit, fit) + _row(self.engagement, engagement)


def _row(rows: tuple[tuple[str, int], ...], points: int) -> str:
    for name, least in rows:
        if points >= least:
            return name
    return rows[-1][0] if rows else ""


@dataclass(frozen=True, slots=True)
class Example:
    """A story that the document tells about itself: activities with their age in seconds, and what must come of them now."""

    name: str
    line: int
    profile: Mapping[str, Any]
    activities: tuple[tuple[float, Mapping[str, Any]], ...]
    points: Mapping[str, int]  # fit, engagement, total: those that are expected
    stage: str | None = None
    grade: str | None = None
    segments: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One document. `fingerprint` is a hash of its text: two rulesets with the same one give the same scores."""

    id: str
    version: int
    fingerprint: str
    zone: ZoneInfo
    lists: Mapping[str, tuple[str, ...]]
    fit: tuple[FitRule, ...]
    fit_cap: int | None
    fit_floor: int | None
    engagement: tuple[EngagementRule, ...]
    engagement_cap: int | None
    engagement_floor: int | None
    min_human: float
    idle: tuple[IdleRule, ...]
    total_cap: int | None
    total_floor: int | None
    stages: tuple[StageRule, ...]  # lowest first
    grades: Grades
    override: tuple[Override, ...]
    exclude: tuple[Exclusion, ...]
    segments: tuple[Segment, ...]
    examples: tuple[Example, ...]

    @property
    def document(self) -> str:
        """Under which version its text is published: the same hash, without the shape of what is counted."""
        return self.fingerprint.partition("-")[2][:VERSION_DIGITS]

    @property
    def has_decay(self) -> bool:
        """Whether what an activity is worth depends on its age."""
        return any(rule.decay is not None for rule in self.engagement)

    def period(self, kind: str, at: datetime) -> int:
        """The number of the calendar day, week (from Monday) or month in the ruleset's zone that a moment is in; it grows with time."""
        local = at.astimezone(self.zone)
        if kind == "month":
            return local.year * 12 + local.month
        day = local.toordinal()
        return day if kind == "day" else (day - 1) // 7  # the ordinal day 1 is a Monday


def microseconds(at: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """The other way round."""
    return _EPOCH + us * _MICROSECOND
