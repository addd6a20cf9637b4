"""From what counts to points, each explained: contributions that add up to the total exactly. What counts is in tally.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct

from services.score.domain.inforce import InForce
from services.score.domain.ruleset import EngagementRule, Override, Ruleset, microseconds
from services.score.domain.tally import RuleTally, Tally
from services.score.domain.worth import Worth, bounded, idle_points, within, worth
from shared.contracts import Contribution, encode

_REMEMBERED = 4096


class Score(Struct, frozen=True, gc=False):
    """Points in hundredths. `contributions` (a JSON array) add up to `total`; a rule, a cap or a floor each is one."""

    total: int
    fit: int
    engagement: int
    contributions: Raw


def score(
    in_force: InForce,
    *,
    fit: tuple[int, ...],
    excluded: Sequence[int],
    tally: Tally,
    now: datetime,
    sent_back_at: datetime | None = None,
) -> Score:
    """The score at `now` of a lead for whom these fit and exclude rules hold, and whose activities come to `tally` (which `is_enough`).

    The order is: each rule with its cap, the group's floor and cap, idle time, the total's. Exclude and override rules that hold are
    shown with 0 points.
    """
    ruleset = in_force.ruleset
    fit_points, fit_parts = in_force.fit_scores.get(fit) or _fit(in_force, fit)
    parts = list(fit_parts)
    at = microseconds(now)
    engagement = 0
    rules = tally.rules
    for index in sorted(rules) if len(rules) > 1 else rules:
        engagement += _engaged(in_force, index, rules[index], at, parts)
    version = ruleset.version
    engagement = _bounded("engagement", engagement, ruleset.engagement_floor, ruleset.engagement_cap, parts, version)
    idle = 0
    if ruleset.idle and tally.active_at is not None:
        idle = _idle(ruleset, at - microseconds(tally.active_at), parts)
    total = _bounded("total", fit_points + engagement + idle, ruleset.total_floor, ruleset.total_cap, parts, version)
    parts += [
        encode(Contribution(rule=f"override:{ruleset.override[index].id}", version=version, points=0.0))
        for index in sorted(tally.overrides)
        if overrides(ruleset.override[index], tally.overrides[index], at, sent_back_at)
    ]
    if excluded:
        parts += (
            encode(Contribution(rule=f"exclude:{ruleset.exclude[index].id}", version=version, points=0.0))
            for index in excluded
        )
    return Score(total, fit_points, engagement, Raw(b"[" + b",".join(parts) + b"]"))


def overrides(rule: Override, at: int, now: int, sent_back_at: datetime | None) -> bool:
    """Whether an activity of `at` that fell under an override rule holds its lead up at `now`; microseconds."""
    return now < at + rule.lasts and (sent_back_at is None or at > microseconds(sent_back_at))


def _engaged(in_force: InForce, index: int, tally: RuleTally, now: int, parts: list[bytes]) -> int:
    """The points of one engagement rule, cap and all, whose contributions come to `parts`."""
    rule, version = in_force.ruleset.engagement[index], in_force.ruleset.version
    values = tally.values
    alone = values.get("") if rule.decay is None and len(values) == 1 else None
    if alone is not None:
        points, part, cap = in_force.rule_scores.get((index, alone.count)) or _steady(in_force, index, alone.count)
        # Ids were checked when they came: hexadecimal digits and hyphens, which JSON writes as they are.
        parts.append(part % '","'.join(alone.shown).encode())
        if cap:
            parts.append(cap)
        return points
    total = 0
    for value in sorted(values) if len(values) > 1 else values:
        counted = values[value]
        left = worth(rule, counted, now)
        if left.count:
            total += left.points
            parts.append(encode(_contribution(rule, version, left, value, counted.shown[-left.count :])))
    points = bounded(total, rule.cap)
    if points != total:
        parts.append(_capped(rule, version, points - total))
    return points


def _contribution(rule: EngagementRule, version: int, left: Worth, value: str, shown: Sequence[str]) -> Contribution:
    return Contribution(
        rule=rule.id,
        version=version,
        by=value or None,
        points=left.points / 100,
        base=left.base / 100,
        decay=(left.points - left.base) / 100 if left.points != left.base else None,
        count=left.count,
        activities=list(shown),
    )


def _capped(rule: EngagementRule, version: int, by: int) -> bytes:
    return encode(Contribution(rule=f"{rule.id}:cap", version=version, points=by / 100))


def _steady(in_force: InForce, index: int, count: int) -> tuple[int, bytes, bytes]:
    """What an engagement rule without decay gives for so many activities, its contribution but for their ids, which differ, and its
    cap's, if it takes something: remembered."""
    rule, version = in_force.ruleset.engagement[index], in_force.ruleset.version
    total = rule.points * count
    points = bounded(total, rule.cap)
    part = encode(_contribution(rule, version, Worth(total, total, count), "", [""]))
    part = part[: -len(b'"]}')].replace(b"%", b"%%") + b'%s"]}'
    found = points, part, _capped(rule, version, points - total) if points != total else b""
    if len(in_force.rule_scores) >= _REMEMBERED:
        in_force.rule_scores.clear()
    in_force.rule_scores[index, count] = found
    return found


def _idle(ruleset: Ruleset, quiet: int, parts: list[bytes]) -> int:
    total = 0
    for rule in ruleset.idle:
        if points := idle_points(rule, quiet):
            total += points
            parts.append(encode(Contribution(rule=rule.id, version=ruleset.version, points=points / 100)))
    return total


def _fit(in_force: InForce, fit: tuple[int, ...]) -> tuple[int, tuple[bytes, ...]]:
    """What these fit rules give together, remembered: few combinations are common."""
    ruleset = in_force.ruleset
    parts = []
    for index in fit:
        rule = ruleset.fit[index]
        points = rule.points / 100
        parts.append(encode(Contribution(rule=rule.id, version=ruleset.version, points=points, base=points)))
    total = sum(ruleset.fit[index].points for index in fit)
    found = _bounded("fit", total, ruleset.fit_floor, ruleset.fit_cap, parts, ruleset.version), tuple(parts)
    if len(in_force.fit_scores) >= _REMEMBERED:
        in_force.fit_scores.clear()
    in_force.fit_scores[fit] = found
    return found


def _bounded(group: str, points: int, floor: int | None, cap: int | None, parts: list[bytes], version: int) -> int:
    """The points within floor and cap; what that gives or takes is a contribution of its own."""
    close = within(points, floor, cap)
    if close != points:
        by = "cap" if close < points else "floor"
        parts.append(encode(Contribution(rule=f"{group}:{by}", version=version, points=(close - points) / 100)))
    return close
