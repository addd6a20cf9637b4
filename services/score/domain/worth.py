"""What counted activities are worth at a moment, in hundredths of points. What counts is in tally.py."""

from __future__ import annotations

import math

from msgspec import Struct

from services.score.domain.ruleset import EngagementRule, IdleRule
from services.score.domain.tally import Counted, gone


class Worth(Struct, frozen=True, gc=False):
    """What is left of the points of `count` activities, which were `base` when they were fresh."""

    points: int
    base: int
    count: int


def worth(rule: EngagementRule, counted: Counted, now: int) -> Worth:
    """What the activities of one rule and value are worth at `now` (microseconds)."""
    decay, count = rule.decay, counted.count
    if decay is None:
        return Worth(rule.points * count, rule.points * count, count)
    if decay.kind == "half_life":
        return Worth(
            halved(rule.points, counted.weight, max(0, now - counted.last), decay.span), rule.points * count, count
        )
    left = gone(counted.leaving, now - decay.span)
    count -= left
    if decay.kind == "window":
        return Worth(rule.points * count, rule.points * count, count)
    moments = counted.moments - sum(counted.leaving[:left])
    return Worth(faded(rule.points, count, moments, now, decay.span), rule.points * count, count)


def halved(points: int, weight: float, age: int, span: int) -> int:
    """What is left of `weight` times these points after an age, half after each span: points * weight * 0.5 ^ (age / span)."""
    return rounded(points * (weight * 0.5 ** (age / span)))


def rounded(exact: float) -> int:
    """The whole number next to it; halves away from zero."""
    whole = math.floor(abs(exact))
    whole += abs(exact) - whole >= 0.5
    return whole if exact >= 0 else -whole


def faded(points: int, count: int, moments: int, now: int, span: int) -> int:
    """What is left of these points for each of `count` activities, in equal steps down to nothing at the age of a span:
    the sum of points * (1 - age / span), exact until it is rounded. `moments` is the sum of when they happened."""
    share = points * (count * (span - now) + moments)
    whole = (2 * abs(share) + span) // (2 * span)  # halves away from zero
    return whole if share >= 0 else -whole


def idle_points(rule: IdleRule, quiet: int) -> int:
    """What a rule for idle time gives after so many microseconds without an activity."""
    if quiet < rule.after:
        return 0
    times = 1 if rule.every is None else 1 + (quiet - rule.after) // rule.every
    return bounded(rule.points * times, rule.cap)


def bounded(points: int, cap: int | None) -> int:
    """Points within a cap on either side of zero."""
    return points if cap is None else within(points, -cap, cap)


def within(points: int, floor: int | None, cap: int | None) -> int:
    """Points within a floor and a cap."""
    if floor is not None:
        points = max(points, floor)
    return points if cap is None else min(points, cap)
