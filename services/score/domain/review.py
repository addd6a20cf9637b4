"""When the clock alone may change what is said of a lead: its stage, its grade, a segment. Whether it does is decided then, in decide.py.

Points change with age only, and what depends on them changes only where total or engagement passes one of a ruleset's thresholds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from services.score.domain.inforce import InForce
from services.score.domain.ruleset import Decay, EngagementRule, IdleRule, Ruleset, microseconds, moment
from services.score.domain.tally import Counted, Tally, gone, lies_ahead
from services.score.domain.worth import bounded, idle_points, rounded, within, worth

_MILLISECOND = 1000
_LN_2 = math.log(2)
_DAY = 86_400_000_000
_MOST_PARTS = 200  # of the time ahead; each that is looked at costs some hundred microseconds
_YEAR = 366 * _DAY  # looked ahead at once; who changes later than that is looked at again then
EVER = datetime.max.replace(tzinfo=UTC)


class Standing(Struct, frozen=True, gc=False):
    """What of a lead the clock works on: its tally, its points now, and `until` (microseconds): ends of what holds the lead where it is (an
    override, a dwell), whether or not they are over."""

    tally: Tally
    fit: int
    engagement: int
    total: int
    until: Sequence[int] = ()


class Moving(NamedTuple):
    """Hundredths of points: what the clock lowers and what it raises, in engagement and by idle time."""

    falling: int
    rising: int
    idle_falling: int
    idle_rising: int


def not_before(in_force: InForce, standing: Standing, now: datetime) -> datetime | None:
    """A moment before which the clock changes nothing, found cheaply: often not the last such moment. None: it never changes anything.

    No value falls faster than all that falls in it together, nor rises faster than all that rises, and both slow down with time.
    """
    at, ruleset, tally = microseconds(now), in_force.ruleset, standing.tally
    if (ahead := lies_ahead(tally, in_force.ruleset, now)) is not None:
        return _before_what_lies_ahead(ahead, at)
    bounds = [end for end in standing.until if end > at]
    bounds += (step for rule in ruleset.idle if (step := _next_step(rule, tally, at)) is not None)
    falling, rising = 0.0, 0.0  # hundredths of points a microsecond
    below, above = (
        0.0,
        0.0,
    )  # how much of what falls, or rises, is rounding: up or down now, half a hundredth either way then
    for rule, decay, counted in _decaying(ruleset, tally):
        if decay.kind == "half_life":
            exact = rule.points * (counted.weight * 0.5 ** (max(0, at - counted.last) / decay.span))
            speed = exact * _LN_2 / decay.span
        elif (left := gone(counted.leaving, at - decay.span)) < len(counted.leaving):
            bounds.append(counted.leaving[left] + decay.span)
            if decay.kind == "window":
                continue
            count, moments = counted.count - left, counted.moments - sum(counted.leaving[:left])
            exact, speed = (
                rule.points * (count * (decay.span - at) + moments) / decay.span,
                rule.points * count / decay.span,
            )
        else:
            continue
        off = rounded(exact) - exact
        below, above = below + off + 0.5, above - off + 0.5
        if speed > 0:
            falling += speed
        else:
            rising -= speed
    if falling or rising:
        down, up = _distances(in_force.total_steps, standing.total)
        down_too, up_too = _distances(in_force.engagement_steps, standing.engagement)
        down, up = min(down, down_too) - below, min(up, up_too) - above
        wait = min(down / falling if falling else _YEAR, up / rising if rising else _YEAR, _YEAR)
        bounds.append(max(at, at + int(wait) - _MILLISECOND))  # and no float is that far off
    return moment(_whole(min(*bounds, at + _YEAR))) if bounds else None


def next_change(in_force: InForce, standing: Standing, now: datetime, *, until: datetime = EVER) -> datetime | None:
    """The first moment after `now`, in whole milliseconds, at which points pass a threshold or what holds the lead ends. None: never.

    Where it lies after `until` or more than a year ahead, takes long to find, or depends on what the tally has no room for, an earlier one at
    which to ask again: one after `until`, unless it is one of the others.
    """
    at, tally = microseconds(now), standing.tally
    if (ahead := lies_ahead(tally, in_force.ruleset, now)) is not None:
        return _before_what_lies_ahead(ahead, at)
    found = [_whole(end) for end in standing.until if end > at]
    passing = _passing(in_force, standing, at, min(at + _YEAR, microseconds(until) + 1))
    if passing is not None:
        found.append(passing)
    return moment(min(found)) if found else None


def _before_what_lies_ahead(newest_at: datetime, now: int) -> datetime:
    """An activity of tomorrow makes the tally useless until then: it is looked at once a day."""
    return moment(_whole(min(microseconds(newest_at), now + _DAY)))


def _passing(in_force: InForce, standing: Standing, now: int, until: int) -> int | None:
    """When total or engagement passes a threshold: halves the time ahead wherever what falls and what rises could pass one."""
    ruleset, tally = in_force.ruleset, standing.tally

    def cells(points: Moving) -> tuple[int, int]:
        total, engagement = sums(ruleset, standing.fit, points)
        return bisect_right(in_force.total_steps, total), bisect_right(in_force.engagement_steps, engagement)

    begin, first = now, points_at(ruleset, tally, now)
    horizon = min(
        (counted.leaving[-1] + decay.span for _, decay, counted in _decaying(ruleset, tally) if counted.hidden),
        default=until,
    )
    horizon = _whole(min(horizon, until))
    ahead = [(horizon, points_at(ruleset, tally, horizon))]
    parts = 0
    while ahead:
        parts += 1
        if parts > _MOST_PARTS and begin > now:
            return begin  # what falls and what rises hold each other close to a threshold: up to here nothing passes it
        end, last = ahead[-1]
        lowest = Moving(last.falling, first.rising, last.idle_falling, first.idle_rising)
        highest = Moving(first.falling, last.rising, first.idle_falling, last.idle_rising)
        middle = _whole((begin + end) // 2)
        if cells(lowest) == cells(highest):
            begin, first = ahead.pop()
        elif begin < middle < end:
            ahead.append((middle, points_at(ruleset, tally, middle)))
        elif cells(first) != cells(last):
            return end
        else:
            begin, first = ahead.pop()
    return horizon if _is_moving(ruleset, tally, horizon) else None


def points_at(ruleset: Ruleset, tally: Tally, now: int) -> Moving:
    """The points of engagement and of idle time at a moment (microseconds)."""
    falling = rising = idle_falling = idle_rising = 0
    for index, rule_tally in tally.rules.items():
        rule = ruleset.engagement[index]
        points = bounded(sum(worth(rule, one, now).points for one in rule_tally.values.values()), rule.cap)
        if points > 0:
            falling += points
        else:
            rising += points
    if ruleset.idle and tally.active_at is not None:
        quiet = now - microseconds(tally.active_at)
        for idle in ruleset.idle:
            points = idle_points(idle, quiet)
            if points > 0:
                idle_rising += points
            else:
                idle_falling += points
    return Moving(falling, rising, idle_falling, idle_rising)


def sums(ruleset: Ruleset, fit: int, points: Moving) -> tuple[int, int]:
    """Total and engagement within their floors and caps; `fit` are points."""
    engagement = within(points.falling + points.rising, ruleset.engagement_floor, ruleset.engagement_cap)
    total = fit + engagement + points.idle_falling + points.idle_rising
    return within(total, ruleset.total_floor, ruleset.total_cap), engagement


def _decaying(ruleset: Ruleset, tally: Tally) -> Iterator[tuple[EngagementRule, Decay, Counted]]:
    for index, rule_tally in tally.rules.items():
        rule = ruleset.engagement[index]
        if rule.decay is not None:
            for counted in rule_tally.values.values():
                yield rule, rule.decay, counted


def _is_moving(ruleset: Ruleset, tally: Tally, now: int) -> bool:
    """Whether points may still change after this moment."""
    if any(worth(rule, counted, now).points for rule, _, counted in _decaying(ruleset, tally)):
        return True
    return any(_next_step(rule, tally, now) is not None for rule in ruleset.idle)


def _next_step(rule: IdleRule, tally: Tally, now: int) -> int | None:
    """When a rule for idle time gives other points than now."""
    if tally.active_at is None:
        return None
    since = microseconds(tally.active_at)
    quiet = now - since
    if quiet < rule.after:
        return since + rule.after
    if rule.every is None:
        return None
    step = since + rule.after + ((quiet - rule.after) // rule.every + 1) * rule.every
    return step if idle_points(rule, step - since) != idle_points(rule, quiet) else None


def _distances(steps: Sequence[int], points: int) -> tuple[float, float]:
    """By how much points have to fall, and to rise, until something else may hold."""
    above = bisect_right(steps, points)
    return (
        points - steps[above - 1] + 1 if above else math.inf,
        steps[above] - points if above < len(steps) else math.inf,
    )


def _whole(us: int) -> int:
    """The whole millisecond at or after it."""
    return -(-us // _MILLISECOND) * _MILLISECOND
