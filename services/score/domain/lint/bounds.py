"""What is out of reach: stages, grades and segments that ask for points which nobody can have. Where points can be is told here too."""

from __future__ import annotations

import math
from collections.abc import Iterable

from services.score.domain.lint.place import Looking
from services.score.domain.lint.rules import condition
from services.score.domain.lint.values import Range
from services.score.domain.ruleset import EngagementRule, IdleRule, Ruleset


def look(looking: Looking) -> None:
    """Notes what is odd."""
    ruleset = looking.ruleset
    ranges = reach(ruleset)
    (_, most_fit), (least, most) = ranges["fit"], ranges["total"]
    for stage in ruleset.stages:
        alive = [
            condition(looking, one, f"`any` of {stage.name}", "stages", stage.name, "any", index, ranges=ranges)
            for index, one in enumerate(stage.any)
        ]
        if stage.enter is not None and stage.enter / 100 > most:
            also = (
                ""
                if any(alive)
                else ": nobody gets there"
                if not _raised(ruleset, stage.name)
                else ": only an override leads there"
            )
            looking.odd(
                f"`enter` of {stage.name} is {stage.enter / 100:g}, and total is {most:g} at most{also}",
                "stages",
                stage.name,
                "enter",
            )
        if stage.leave is not None and stage.leave != stage.enter and stage.leave / 100 <= least:
            looking.odd(
                f"`leave` of {stage.name} is {stage.leave / 100:g}, and total is never below {least:g}: nobody leaves it",
                "stages",
                stage.name,
                "leave",
            )
        if stage.min_fit is not None and stage.min_fit / 100 > most_fit:
            looking.odd(
                f"`min_fit` of {stage.name} is {stage.min_fit / 100:g}, and fit is {most_fit:g} at most: nobody gets there by points",
                "stages",
                stage.name,
                "min_fit",
            )
    for index, segment in enumerate(ruleset.segments):
        condition(looking, segment.when, f"`when` of {segment.id}", "segments", index, "when", ranges=ranges)
    for side, rows in (("fit", ruleset.grades.fit), ("engagement", ruleset.grades.engagement)):
        low, high = ranges[side]
        for row, (name, points) in enumerate(rows):
            if points / 100 > high and row < len(rows) - 1:
                looking.odd(
                    f"grades.{side}.{name} asks for {points / 100:g}, and {side} is {high:g} at most: nobody gets it",
                    "grades",
                    side,
                    name,
                )
            elif row and rows[row - 1][1] / 100 <= low:
                looking.odd(
                    f"grades.{side}.{name} is below what everybody has: {side} is {low:g} at least, so nobody gets it",
                    "grades",
                    side,
                    name,
                )


def reach(ruleset: Ruleset) -> dict[str, Range]:
    """Between which points fit, engagement and total of any lead are, at the widest."""
    fit = _within(
        _sum((min(rule.points, 0), max(rule.points, 0)) for rule in ruleset.fit), ruleset.fit_floor, ruleset.fit_cap
    )
    engagement = _within(
        _sum(_of_rule(rule) for rule in ruleset.engagement), ruleset.engagement_floor, ruleset.engagement_cap
    )
    total = _within(_sum((fit, engagement, *map(_of_idle, ruleset.idle))), ruleset.total_floor, ruleset.total_cap)
    return {
        name: (low / 100, high / 100)
        for name, (low, high) in (("fit", fit), ("engagement", engagement), ("total", total))
    }


def _of_rule(rule: EngagementRule) -> Range:
    is_once = rule.limit is not None and rule.limit.period is None and not rule.limit.spacing and not rule.limit.by
    most = abs(rule.points) if is_once else math.inf if rule.points else 0
    return _signed(rule.points, most if rule.cap is None else min(most, rule.cap))


def _of_idle(rule: IdleRule) -> Range:
    most = abs(rule.points) if rule.every is None else math.inf if rule.points else 0
    return _signed(rule.points, most if rule.cap is None else min(most, rule.cap))


def _signed(points: int, most: float) -> Range:
    return (0, most) if points > 0 else (-most, 0)


def _sum(ranges: Iterable[Range]) -> Range:
    all_ = list(ranges)
    return sum(low for low, _ in all_), sum(high for _, high in all_)


def _within(range_: Range, floor: int | None, cap: int | None) -> Range:
    low, high = range_
    if floor is not None:
        low, high = max(low, floor), max(high, floor)
    if cap is not None:
        low, high = min(low, cap), min(high, cap)
    return low, high


def _raised(ruleset: Ruleset, stage: str) -> bool:
    return any(rule.stage == stage for rule in ruleset.override)
