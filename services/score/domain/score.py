"""From what counts to points, each explained: contributions that add up to the total exactly. What counts is in tally.py."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw, Struct

from services.score.domain.inforce import InForce
from services.score.domain.tally import RuleTally, Tally
from shared.contracts import Contribution, encode

_REMEMBERED = 4096


class Score(Struct, frozen=True, gc=False):
    """Points in hundredths. `contributions` (a JSON array) add up to `total`; a rule, a cap or a floor each is one."""

    total: int
    fit: int
    engagement: int
    contributions: Raw


def score(in_force: InForce, *, fit: tuple[int, ...], excluded: Sequence[int], tally: Tally) -> Score:
    """The score of a lead for whom these fit and exclude rules hold, and whose activities come to `tally`.

    The order is: each rule with its cap, the group's floor and cap, the total's. An exclude rule that holds is shown with 0 points.
    """
    ruleset = in_force.ruleset
    fit_points, fit_parts = in_force.fit_scores.get(fit) or _fit(in_force, fit)
    parts = list(fit_parts)
    engagement = 0
    rules = tally.rules
    for index in sorted(rules) if len(rules) > 1 else rules:
        counted = rules[index]
        points, part = in_force.rule_scores.get((index, counted.count)) or _rule(in_force, index, counted)
        engagement += points
        # Ids were checked when they came: hexadecimal digits and hyphens, which JSON writes as they are.
        parts.append(part % '","'.join(counted.shown).encode())
    version = ruleset.version
    engagement = _bounded("engagement", engagement, ruleset.engagement_floor, ruleset.engagement_cap, parts, version)
    total = _bounded("total", fit_points + engagement, ruleset.total_floor, ruleset.total_cap, parts, version)
    if excluded:
        parts += (
            encode(Contribution(rule=f"exclude:{ruleset.exclude[index].id}", version=version, points=0.0))
            for index in excluded
        )
    return Score(total, fit_points, engagement, Raw(b"[%s]" % b",".join(parts)))


def _fit(in_force: InForce, fit: tuple[int, ...]) -> tuple[int, tuple[bytes, ...]]:
    """What these fit rules give together, remembered: few combinations are common."""
    ruleset = in_force.ruleset
    parts = []
    for index in fit:
        rule = ruleset.fit[index]
        points = rule.points / 100
        parts.append(encode(Contribution(rule=rule.id, version=ruleset.version, points=points, base=points)))
    total = sum(ruleset.fit[index].points for index in fit)
    found = _bounded("fit", total, None, ruleset.fit_cap, parts, ruleset.version), tuple(parts)
    if len(in_force.fit_scores) >= _REMEMBERED:
        in_force.fit_scores.clear()
    in_force.fit_scores[fit] = found
    return found


def _rule(in_force: InForce, index: int, counted: RuleTally) -> tuple[int, bytes]:
    """What an engagement rule gives for so many activities, and its contribution but for their ids, which differ: remembered."""
    rule = in_force.ruleset.engagement[index]
    base = points = rule.points * counted.count
    if rule.cap is not None and abs(points) > rule.cap:
        points = rule.cap if points > 0 else -rule.cap
    part = encode(
        Contribution(
            rule=rule.id,
            version=in_force.ruleset.version,
            points=points / 100,
            base=base / 100,
            count=counted.count,
            activities=[""],
        )
    )
    found = points, part[: -len(b'"]}')].replace(b"%", b"%%") + b'%s"]}'
    if len(in_force.rule_scores) >= _REMEMBERED:
        in_force.rule_scores.clear()
    in_force.rule_scores[index, counted.count] = found
    return found


def _bounded(group: str, points: int, floor: int | None, cap: int | None, parts: list[bytes], version: int) -> int:
    """The points within floor and cap; what that gives or takes is a contribution of its own."""
    if cap is not None and points > cap:
        bounded, by = cap, "cap"
    elif floor is not None and points < floor:
        bounded, by = floor, "floor"
    else:
        return points
    parts.append(encode(Contribution(rule=f"{group}:{by}", version=version, points=(bounded - points) / 100)))
    return bounded
