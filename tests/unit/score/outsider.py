"""What somebody who has the answer about a lead and nothing else makes of it: every contribution again, and what they add up to. For tests."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

_CENT = Decimal("0.01")


def recomputed(answer: dict[str, Any]) -> dict[str, Decimal]:
    """Fit, engagement and total. Raises AssertionError where a contribution is not what its own words say."""
    now = datetime.fromisoformat(answer["as_of"])
    groups: dict[str, Decimal] = defaultdict(Decimal)
    rules: dict[str, Decimal] = defaultdict(Decimal)
    for one in answer["contributions"]:
        points, group = _decimal(one["points"]), one["group"]
        if "bounds_rule" in one:
            wanted = _within(rules[one["bounds_rule"]], -_decimal(one["bound"]), _decimal(one["bound"]))
            assert points == wanted - rules[one["bounds_rule"]]
        elif "bounds_group" in one:
            before = sum(groups.values(), Decimal()) if group == "total" else groups[group]
            bound = _decimal(one["bound"])
            assert points == (min if points < 0 else max)(before, bound) - before
        elif "activities" in one:
            ages = [now - datetime.fromisoformat(answer["activities"][id_]["occurred_at"]) for id_ in one["activities"]]
            assert len(ages) == one["count"]
            assert _decimal(one["base"]) == one["count"] * _decimal(one["each"])
            left = sum((_left(one, max(0, round(age.total_seconds() * 1_000_000))) for age in ages), Fraction())
            exact = Fraction(_decimal(one["each"])) * left
            rounded = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_CENT, ROUND_HALF_UP)
            # Halving is an irrational number: what lies on the edge of a cent may be rounded either way.
            assert abs(points - rounded) <= (_CENT if "half_life_seconds" in one else 0)
        elif group == "idle":
            assert points == _idle(one, (now - datetime.fromisoformat(one["idle_since"])).total_seconds())
        else:
            assert points == _decimal(one.get("base", 0))
        assert group != "shown" or not points
        rules[one["rule"]] += points
        groups[group] += points
    return {"fit": groups["fit"], "engagement": groups["engagement"], "total": sum(groups.values(), Decimal())}


def _left(one: dict[str, Any], age_us: int) -> Fraction:
    """What is left of 1 at an age."""
    for kind in ("half_life", "window", "fade"):
        if (seconds := one.get(f"{kind}_seconds")) is not None:
            spans = Fraction(age_us, round(seconds * 1_000_000))
            if kind == "half_life":
                return Fraction(0.5 ** float(spans))
            assert spans < 1
            return 1 - spans if kind == "fade" else Fraction(1)
    return Fraction(1)


def _idle(one: dict[str, Any], quiet: float) -> Decimal:
    times = 1 + int((quiet - one["after_seconds"]) // one["every_seconds"]) if "every_seconds" in one else 1
    points = times * _decimal(one["each"])
    return _within(points, -_decimal(one["bound"]), _decimal(one["bound"])) if "bound" in one else points


def _within(points: Decimal, floor: Decimal, cap: Decimal) -> Decimal:
    return max(floor, min(cap, points))


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
