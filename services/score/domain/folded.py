"""What the reference fold comes to, as values: parts that add up, and what gave nothing. How it comes to them is in fold.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.score.domain.ruleset import Override


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule (and one value of its limit's `by`), cap or floor gave. `base` is before any decay; `activities` are all that count,
    earliest first. `group` is fit, engagement, idle or total, and shown where it gives no points. A cap or floor says of which rule or of
    which group it is."""

    rule: str
    group: str
    points: Decimal
    base: Decimal | None = None
    activities: tuple[str, ...] = ()
    by: str = ""
    bounds_rule: str = ""
    bounds_group: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An activity that gives no points by a rule that it falls under, and why: min_human, reset, at_least, limit or age. One below min_human
    that falls under no rule is named without one."""

    activity: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Folded:
    """A score: `parts` add up to `total`. `overrides` are those that hold, with the moment at which each ends; `active_at` is when the latest
    activity of a human occurred."""

    total: Decimal
    fit: Decimal
    engagement: Decimal
    parts: tuple[Part, ...]
    kinds: Mapping[str, int]
    overrides: tuple[tuple[Override, datetime], ...]
    active_at: datetime | None
    left_out: tuple[LeftOut, ...]
