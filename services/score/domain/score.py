"""From what counts to points, each explained: contributions that add up to the total exactly. What counts is in tally.py."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from services.score.domain.inforce import InForce
from services.score.domain.tally import Tally
from shared.contracts import Contribution

_REMEMBERED = 4096


class Score(Struct, frozen=True, gc=False):
    """Points in hundredths. `contributions` add up to `total`; a rule, a cap or a floor each is one."""

    total: int
    fit: int
    engagement: int
    contributions: list[Contribution]


def score(in_force: InForce, *, fit: tuple[int, ...], excluded: Sequence[int], tally: Tally) -> Score:
    """The score of a lead for whom these fit and exclude rules hold, and whose activities come to `tally`.

    The order is: each rule with its cap, the group's floor and cap, the total's. An exclude rule that holds is shown with 0 points.
    """
    ruleset = in_force.ruleset
    version = ruleset.version
    fit_points, fit_parts = in_force.fit_scores.get(fit) or _fit(in_force, fit)
    parts = list(fit_parts)
    engagement = 0
    for index in sorted(tally.rules):
        rule, counted = ruleset.engagement[index], tally.rules[index]
        base = points = rule.points * counted.count
        if rule.cap is not None and abs(points) > rule.cap:
            points = rule.cap if points > 0 else -rule.cap
        engagement += points
        parts.append(
            Contribution(
                rule=rule.id,
                version=version,
                points=points / 100,
                base=base / 100,
                count=counted.count,
                activities=list(counted.shown),
            )
        )
    engagement = _bounded("engagement", engagement, ruleset.engagement_floor, ruleset.engagement_cap, parts, version)
    total = _bounded("total", fit_points + engagement, ruleset.total_floor, ruleset.total_cap, parts, version)
    parts += (
        Contribution(rule=f"exclude:{ruleset.exclude[index].id}", version=version, points=0.0) for index in excluded
    )
    return Score(total, fit_points, engagement, parts)


def _fit(in_force: InForce, fit: tuple[int, ...]) -> tuple[int, tuple[Contribution, ...]]:
    """What these fit rules give together, remembered: few combinations are common."""
    ruleset = in_force.ruleset
    parts = []
    for index in fit:
        rule = ruleset.fit[index]
        points = rule.points / 100
        parts.append(Contribution(rule=rule.id, version=ruleset.version, points=points, base=points))
    total = sum(ruleset.fit[index].points for index in fit)
    found = _bounded("fit", total, None, ruleset.fit_cap, parts, ruleset.version), tuple(parts)
    if len(in_force.fit_scores) >= _REMEMBERED:
        in_force.fit_scores.clear()
    in_force.fit_scores[fit] = found
    return found


def _bounded(
    group: str, points: int, floor: int | None, cap: int | None, parts: list[Contribution], version: int
) -> int:
    """The points within floor and cap; what that gives or takes is a contribution of its own."""
    if cap is not None and points > cap:
        bounded, by = cap, "cap"
    elif floor is not None and points < floor:
        bounded, by = floor, "floor"
    else:
        return points
    parts.append(Contribution(rule=f"{group}:{by}", version=version, points=(bounded - points) / 100))
    return bounded
