"""The reference: the score of a lead from all that is known of them, slowly and plainly. It serves the API and measures tally.py.

It shares the document's values with the path that serves traffic, and nothing else: no memory, no flat variables, no tallies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.score.domain.ruleset import EngagementRule, Ruleset

_CENT = Decimal("0.01")
Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule, cap or floor gave. `base` is before the rule's own cap; `activities` are all that count, earliest first."""

    rule: str
    points: Decimal
    base: Decimal | None = None
    activities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folded:
    """A score: `parts` add up to `total`."""

    total: Decimal
    fit: Decimal
    engagement: Decimal
    parts: tuple[Part, ...]
    kinds: Mapping[str, int]


def fold(
    ruleset: Ruleset,
    activities: Iterable[Plain],
    profile: Plain,
    *,
    recycled: int = 0,
    customer_since: datetime | None = None,
) -> Folded:
    """The score from everything that was told: `activities` are JSON objects in any order, with repeats and old revisions."""
    counting = _counting(activities, ruleset.min_human)
    kinds: dict[str, int] = {}
    for activity in counting:
        kinds[activity["kind"]] = kinds.get(activity["kind"], 0) + 1
    lead: dict[str, Any] = {"activities": kinds, "recycled": recycled}
    if customer_since is not None:
        lead["customer_since"] = customer_since
    roots = {"profile": profile, "lead": lead, "lists": {name: list(one) for name, one in ruleset.lists.items()}}

    parts = [
        Part(rule.id, _points(rule.points), _points(rule.points)) for rule in ruleset.fit if rule.when.holds(roots)
    ]
    fit = _close("fit", sum((part.points for part in parts), Decimal()), None, ruleset.fit_cap, parts)

    engaged = [part for rule in ruleset.engagement if (part := _engaged(rule, counting, ruleset)) is not None]
    parts += engaged
    engagement = sum((part.points for part in engaged), Decimal())
    engagement = _close("engagement", engagement, ruleset.engagement_floor, ruleset.engagement_cap, parts)

    total = _close("total", fit + engagement, ruleset.total_floor, ruleset.total_cap, parts)
    parts += [Part(f"exclude:{rule.id}", Decimal()) for rule in ruleset.exclude if rule.when.holds(roots)]
    return Folded(total, fit, engagement, tuple(parts), kinds)


def _counting(activities: Iterable[Plain], min_human: float) -> list[dict[str, Any]]:
    """Each activity once, in its highest revision; without those withdrawn or not human enough; by time, then by id."""
    latest: dict[str, Plain] = {}
    for activity in activities:
        known = latest.get(activity["id"])
        if known is None or activity["revision"] > known["revision"]:
            latest[activity["id"]] = activity
    human = [
        {**activity, "occurred_at": datetime.fromisoformat(activity["occurred_at"])}
        for activity in latest.values()
        if not activity.get("withdrawn") and activity.get("human", 1.0) >= min_human
    ]
    return sorted(human, key=lambda activity: (activity["occurred_at"], activity["id"]))


def _engaged(rule: EngagementRule, activities: list[dict[str, Any]], ruleset: Ruleset) -> Part | None:
    """What one engagement rule gives for activities in order of time; None where nothing falls under it."""
    counted: list[dict[str, Any]] = []
    for activity in activities:
        if _falls_under(rule, activity, ruleset) and not _is_over_limit(rule, activity, counted, ruleset):
            counted.append(activity)
    if not counted:
        return None
    base = sum((_points(rule.points) for _ in counted), Decimal())
    points = base
    if rule.cap is not None:
        points = max(-_points(rule.cap), min(_points(rule.cap), base))
    return Part(rule.id, _rounded(points), _rounded(base), tuple(activity["id"] for activity in counted))


def _falls_under(rule: EngagementRule, activity: Plain, ruleset: Ruleset) -> bool:
    for test in rule.match:
        value: Any = activity
        for name in test.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if not test.fits(value):
            return False
    lists = {name: list(one) for name, one in ruleset.lists.items()}
    return rule.when is None or rule.when.holds({"activity": activity, "lists": lists})


def _is_over_limit(rule: EngagementRule, activity: Plain, counted: list[dict[str, Any]], ruleset: Ruleset) -> bool:
    if rule.once:
        return len(counted) >= 1
    if rule.per_day is None:
        return False
    day = activity["occurred_at"].astimezone(ruleset.zone).date()
    same_day = [one for one in counted if one["occurred_at"].astimezone(ruleset.zone).date() == day]
    return len(same_day) >= rule.per_day


def _close(group: str, points: Decimal, floor: int | None, cap: int | None, parts: list[Part]) -> Decimal:
    """A group's points within its floor and cap; the difference is a part of its own."""
    bounded = points
    if floor is not None:
        bounded = max(bounded, _points(floor))
    if cap is not None:
        bounded = min(bounded, _points(cap))
    if bounded != points:
        parts.append(Part(f"{group}:{'cap' if bounded < points else 'floor'}", bounded - points))
    return bounded


def _points(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100


def _rounded(points: Decimal) -> Decimal:
    """Two places, halves away from zero."""
    return points.quantize(_CENT, ROUND_HALF_UP)
