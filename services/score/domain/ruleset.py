"""A ruleset as values: what a document says after it was found right. Reading documents is in load.py, applying them in inforce.py.

All points are whole hundredths, so that sums are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.score.domain.condition import Condition, Path

RAW, CUSTOMER, DISQUALIFIED = "raw", "customer", "disqualified"
SQL = "SQL"
QUALIFIED = ("IQL", "MQL", SQL)  # the stages that a ruleset gives, lowest first


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
class EngagementRule:
    """`once` or `per_day`: of the activities that match, the earliest so many count; neither: all do. `cap` is on either side of zero."""

    id: str
    match: tuple[FieldTest, ...]
    when: Condition | None
    points: int
    once: bool = False
    per_day: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class StageRule:
    """A lead may be in it with `enter` points and `min_fit`, stays with `leave`, or is in it because a condition of `any` holds."""

    name: str
    enter: int | None
    leave: int | None
    min_fit: int | None
    any: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    id: str
    when: Condition
    reason: str


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
    """A story that the document tells about itself: activities with their age in seconds, and what must come of them."""

    name: str
    line: int
    profile: Mapping[str, Any]
    activities: tuple[tuple[float, Mapping[str, Any]], ...]
    points: Mapping[str, int]  # fit, engagement, total: those that are expected
    stage: str | None = None
    grade: str | None = None


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
    engagement: tuple[EngagementRule, ...]
    engagement_cap: int | None
    engagement_floor: int | None
    min_human: float
    total_cap: int | None
    total_floor: int | None
    stages: tuple[StageRule, ...]  # lowest first
    grades: Grades
    exclude: tuple[Exclusion, ...]
    examples: tuple[Example, ...]

    def local_day(self, at: datetime) -> int:
        """The calendar day of a moment in the ruleset's zone, as an ordinal."""
        return at.astimezone(self.zone).toordinal()
