"""The reference: the score of a lead from all that is known of them, slowly and plainly. It serves the API and measures tally.py.

It shares the document's values with the path that serves traffic, and nothing else: no memory, no flat variables, no tallies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from services.score.domain.condition import Condition
from services.score.domain.folded import Folded, LeftOut, Part
from services.score.domain.ruleset import EngagementRule, FieldTest, IdleRule, Limit, Override, Ruleset

_CENT = Decimal("0.01")
_INSTANT = timedelta(microseconds=1)
Plain = Mapping[str, Any]
_NONE: Mapping[str, float] = {}


def fold(
    ruleset: Ruleset,
    activities: Iterable[Plain],
    profile: Plain,
    *,
    now: datetime,
    recycled: int = 0,
    customer_since: datetime | None = None,
    sent_back_at: datetime | None = None,
    signals: Mapping[str, float] = _NONE,
) -> Folded:
    """The score at `now` from everything that was told: `activities` are JSON objects in any order, with repeats and old revisions;
    `signals` those that are fresh."""
    known = _latest(activities)
    human = [one for one in known if _is_human(one, ruleset)]
    kinds: dict[str, int] = {}
    for activity in human:
        kinds[activity["kind"]] = kinds.get(activity["kind"], 0) + 1
    lead: dict[str, Any] = {"activities": kinds, "recycled": recycled}
    if customer_since is not None:
        lead["customer_since"] = customer_since
    roots = {
        "profile": profile,
        "lead": lead,
        "signal": signals,
        "lists": {name: list(one) for name, one in ruleset.lists.items()},
    }

    parts = [
        Part(rule.id, "fit", _points(rule.points), _points(rule.points))
        for rule in ruleset.fit
        if rule.when.holds(roots)
    ]
    fit = _close("fit", sum((part.points for part in parts), Decimal()), ruleset.fit_floor, ruleset.fit_cap, parts)

    resets = [rule for rule in ruleset.engagement if rule.reset]
    begun = max((_moment(one) for one in human for rule in resets if _falls_under(rule, one, ruleset)), default=None)
    left_out: list[LeftOut] = []
    engaged = [part for rule in ruleset.engagement for part in _engaged(rule, known, begun, ruleset, now, left_out)]
    named = {one.activity for one in left_out}
    left_out += [
        LeftOut(one["id"], "", "min_human") for one in known if not _is_human(one, ruleset) and one["id"] not in named
    ]
    parts += engaged
    engagement = sum((part.points for part in engaged), Decimal())
    engagement = _close("engagement", engagement, ruleset.engagement_floor, ruleset.engagement_cap, parts)

    idle = [part for rule in ruleset.idle if (part := _idle(rule, human, now)) is not None]
    parts += idle
    total = fit + engagement + sum((part.points for part in idle), Decimal())
    total = _close("total", total, ruleset.total_floor, ruleset.total_cap, parts)
    overrides = tuple(
        (rule, until)
        for rule in ruleset.override
        if (until := _holds_until(rule, human, ruleset, now, sent_back_at)) is not None
    )
    parts += [Part(f"override:{rule.id}", "shown", Decimal()) for rule, _ in overrides]
    parts += [Part(f"exclude:{rule.id}", "shown", Decimal()) for rule in ruleset.exclude if rule.when.holds(roots)]
    active_at = human[-1]["occurred_at"] if human else None
    return Folded(total, fit, engagement, tuple(parts), kinds, overrides, active_at, tuple(left_out))


def _latest(activities: Iterable[Plain]) -> list[dict[str, Any]]:
    """Each activity once, in its highest revision; without those withdrawn; by time, then by id."""
    latest: dict[str, Plain] = {}
    for activity in activities:
        known = latest.get(activity["id"])
        if known is None or activity["revision"] > known["revision"]:
            latest[activity["id"]] = activity
    remaining = [
        {**activity, "occurred_at": datetime.fromisoformat(activity["occurred_at"])}
        for activity in latest.values()
        if not activity.get("withdrawn")
    ]
    return sorted(remaining, key=_moment)


def _is_human(activity: Plain, ruleset: Ruleset) -> bool:
    return bool(activity.get("human", 1.0) >= ruleset.min_human)


def _moment(activity: Plain) -> tuple[datetime, str]:
    return activity["occurred_at"], activity["id"]


def _engaged(
    rule: EngagementRule,
    known: list[dict[str, Any]],
    begun: tuple[datetime, str] | None,
    ruleset: Ruleset,
    now: datetime,
    left_out: list[LeftOut],
) -> list[Part]:
    """What one engagement rule gives for activities in order of time: a part for each value of its limit's `by`, and one for its cap.

    `begun` is the latest reset. Those that fall under the rule and give nothing come to `left_out`.
    """

    def only(some: list[dict[str, Any]], of: list[dict[str, Any]], why: str) -> list[dict[str, Any]]:
        ids = {one["id"] for one in some}
        left_out.extend(LeftOut(one["id"], rule.id, why) for one in of if one["id"] not in ids)
        return some

    falling = [activity for activity in known if _falls_under(rule, activity, ruleset)]
    human = only([one for one in falling if _is_human(one, ruleset)], falling, "min_human")
    matching = only([one for one in human if begun is None or _moment(one) >= begun], human, "reset")
    counted: dict[str, list[dict[str, Any]]] = {}
    for activity in only(_completing(rule, matching), matching, "at_least"):
        by = _word(activity, rule.limit.by) if rule.limit is not None else ""
        if rule.limit is None or _is_within(rule.limit, activity, counted.get(by, []), ruleset):
            counted.setdefault(by, []).append(activity)
        else:
            left_out.append(LeftOut(activity["id"], rule.id, "limit"))
    parts = []
    for by, all_ in sorted(counted.items()):
        if rule.decay is not None and rule.decay.kind != "half_life":
            all_ = only([one for one in all_ if now - one["occurred_at"] < rule.decay.span * _INSTANT], all_, "age")
        if all_:
            base = _points(rule.points) * len(all_)
            ids = tuple(one["id"] for one in all_)
            parts.append(Part(rule.id, "engagement", _decayed(rule, all_, now), base, ids, by))
    points = sum((part.points for part in parts), Decimal())
    if rule.cap is not None and abs(points) > _points(rule.cap):
        capped = _points(rule.cap) if points > 0 else -_points(rule.cap)
        parts.append(Part(f"{rule.id}:cap", "engagement", capped - points, bounds_rule=rule.id))
    return parts


def _completing(rule: EngagementRule, matching: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that score: all, or each that completes so many in less than the time that `at_least` gives, after which counting begins anew."""
    if rule.at_least is None:
        return matching
    found, begun = [], 0
    for index, activity in enumerate(matching):
        since = activity["occurred_at"] - rule.at_least.within * _INSTANT
        if sum(one["occurred_at"] > since for one in matching[begun : index + 1]) >= rule.at_least.count:
            found.append(activity)
            begun = index + 1
    return found


def _is_within(limit: Limit, activity: Plain, counted: list[dict[str, Any]], ruleset: Ruleset) -> bool:
    if limit.period is not None:
        period = _period(limit.period, activity["occurred_at"], ruleset)
        return [_period(limit.period, one["occurred_at"], ruleset) for one in counted].count(period) < limit.count
    if not counted:
        return True
    passed: timedelta = activity["occurred_at"] - counted[-1]["occurred_at"]
    return limit.spacing > 0 and passed >= limit.spacing * _INSTANT


def _period(kind: str, at: datetime, ruleset: Ruleset) -> Any:
    local = at.astimezone(ruleset.zone)
    return {"day": local.date(), "week": local.isocalendar()[:2], "month": (local.year, local.month)}[kind]


def _decayed(rule: EngagementRule, activities: list[dict[str, Any]], now: datetime) -> Decimal:
    """What is left of the points of these activities, added up and rounded once."""
    decay = rule.decay
    if decay is None or decay.kind == "window":
        return _points(rule.points) * len(activities)
    ages = [max(0, (now - one["occurred_at"]) // _INSTANT) for one in activities]  # earliest first
    if decay.kind == "fade":
        left = sum((1 - Fraction(age, decay.span) for age in ages), Fraction()) * rule.points
        return _rounded(Decimal(left.numerator) / Decimal(left.denominator))
    # The sum of 0.5 ^ (age / span), in order of time: each halves what is left of those before it, so that the bits are always the same.
    weight = 0.0
    for age, later in zip(ages, [*ages[1:], 0], strict=True):
        weight = (weight + 1.0) * 0.5 ** ((age - later) / decay.span)
    return _rounded(Decimal(rule.points * weight))


def _idle(rule: IdleRule, human: list[dict[str, Any]], now: datetime) -> Part | None:
    """What a rule gives for the time since the latest activity."""
    quiet: int = (now - human[-1]["occurred_at"]) // _INSTANT if human else 0
    if quiet < rule.after:
        return None
    points = _points(rule.points)
    if rule.every is not None:
        points *= 1 + (quiet - rule.after) // rule.every
    if rule.cap is not None:
        points = max(-_points(rule.cap), min(_points(rule.cap), points))
    return Part(rule.id, "idle", points) if points else None


def _holds_until(
    rule: Override, human: list[dict[str, Any]], ruleset: Ruleset, now: datetime, sent_back_at: datetime | None
) -> datetime | None:
    """When an override ends that holds now: of the latest activity that falls under it."""
    for one in reversed(human):
        if _falls_under(rule, one, ruleset):
            at: datetime = one["occurred_at"]
            until = at + rule.lasts * _INSTANT
            return until if now < until and (sent_back_at is None or at > sent_back_at) else None
    return None


def _falls_under(rule: EngagementRule | Override, activity: Plain, ruleset: Ruleset) -> bool:
    match: tuple[FieldTest, ...] = rule.match
    when: Condition | None = rule.when
    lists = {name: list(one) for name, one in ruleset.lists.items()}
    if not all(test.fits(_field(activity, test.path)) for test in match):
        return False
    return when is None or when.holds({"activity": activity, "lists": lists})


def _field(activity: Plain, path: tuple[str, ...]) -> Any:
    value: Any = activity
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _word(activity: Plain, path: tuple[str, ...]) -> str:
    """The value of a limit's `by` as a text; empty where it is absent, and where there is none."""
    value = _field(activity, path) if path else ""
    if isinstance(value, datetime):
        return value.isoformat()
    return (
        value or "" if isinstance(value, str | None) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    )


def _close(group: str, points: Decimal, floor: int | None, cap: int | None, parts: list[Part]) -> Decimal:
    """A group's points within its floor and cap; the difference is a part of its own."""
    bounded = points
    if floor is not None:
        bounded = max(bounded, _points(floor))
    if cap is not None:
        bounded = min(bounded, _points(cap))
    if bounded != points:
        by = "cap" if bounded < points else "floor"
        parts.append(Part(f"{group}:{by}", group, bounded - points, bounds_group=group))
    return bounded


def _points(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100


def _rounded(hundredths: Decimal) -> Decimal:
    """Hundredths as points with two places, halves away from zero."""
    return hundredths.quantize(Decimal(1), ROUND_HALF_UP) / 100
