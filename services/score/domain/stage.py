"""In which stage a lead is: thresholds with hysteresis and dwell, conditions, hand-raisers, exclusion, and what sales said. Points are in score.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.score.domain.inforce import InForce
from services.score.domain.ruleset import CUSTOMER, DISQUALIFIED, QUALIFIED, RAW, SQL, StageRule
from services.score.domain.score import Score

RANKS = {RAW: 0, DISQUALIFIED: 0, **{name: rank for rank, name in enumerate(QUALIFIED, 1)}, CUSTOMER: len(QUALIFIED)}


def stage_of(
    in_force: InForce,
    now_in: str,
    points: Score,
    *,
    roots: Callable[[], dict[str, Any]],
    excluded: bool,
    won: bool,
    may_enter_sql: bool,
    raised_to: int = 0,
) -> str:
    """The highest stage that the lead may be in. `roots` makes what conditions see: profile, lead, total, fit, engagement.

    A stage that the lead is in or above stays as long as the total is at `leave`; others need `enter` and `min_fit`. Who raised a
    hand is in the stage of rank `raised_to` at least. Customers are customers; who is excluded never qualifies. SQL can be closed to
    those who are not in it.
    """
    if won:
        return CUSTOMER
    if excluded:
        return DISQUALIFIED
    rank = RANKS[now_in]
    stages = in_force.ruleset.stages
    for index in range(len(stages) - 1, -1, -1):
        rule = stages[index]
        if rule.name == SQL and now_in != SQL and not may_enter_sql:
            continue
        if RANKS[rule.name] <= raised_to:
            return rule.name
        is_held = RANKS[rule.name] <= rank
        if not is_held and rule.min_fit is not None and points.fit < rule.min_fit:
            continue
        if _reaches(rule, points.total, is_held=is_held) or (rule.any and in_force.any[index].hold(roots())):
            return rule.name
    return RAW


def _reaches(rule: StageRule, total: int, *, is_held: bool) -> bool:
    threshold = rule.leave if is_held else rule.enter
    return threshold is not None and total >= threshold
