"""What a lead's activities come to, rule by rule, kept small: the path that serves traffic. The measure for it is fold.py.

An activity that comes in order (later than each that fell under a rule) costs the same whatever the lead has done before:
`advance`. One that comes late, changes or leaves needs the lead's history: history.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from services.score.domain.inforce import Fact
from services.score.domain.ruleset import EngagementRule, Ruleset

SHOWN = 20  # activity ids in a contribution, the latest that count
DAYS = 2  # where clocks go back just after midnight, a day comes again after the next one has begun


class RuleTally(Struct, frozen=True, array_like=True, gc=False):
    """How many activities count for one rule, and the latest of them. `days`: how many counted on the latest days, by ordinal."""

    count: int
    shown: tuple[str, ...]
    days: tuple[tuple[int, int], ...] = ()


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """All rules that an activity fell under, how many activities of each kind count, and the latest that fell under a rule.

    Once that one has left, `newest` stands for it still: what comes before it is looked at as late, which is never wrong.
    """

    rules: dict[int, RuleTally] = {}
    kinds: dict[str, int] = {}
    newest_at: datetime | None = None
    newest_id: str = ""


_NONE = RuleTally(0, ())


def is_in_order(tally: Tally, fact: Fact) -> bool:
    """Whether a new activity can be added by `advance`: it falls under no rule, or is later than all that did."""
    return not fact.rules or tally.newest_at is None or fact.moment > (tally.newest_at, tally.newest_id)


def is_countable(tally: Tally, known: Mapping[str, int], facts: Iterable[Fact]) -> bool:
    """Whether `advance` is all that these activities need, one after the other: each new and in order, or nothing new.

    `known` are the revisions kept of those that are kept.
    """
    newest = (tally.newest_at, tally.newest_id) if tally.newest_at is not None else None
    seen = set()
    for fact in facts:
        if fact.id in seen:
            return False
        seen.add(fact.id)
        if fact.id in known:
            if known[fact.id] < fact.revision:
                return False
        elif fact.rules:
            if newest is not None and fact.moment <= newest:
                return False
            newest = fact.moment
    return True


def advance(tally: Tally, fact: Fact, ruleset: Ruleset) -> Tally:
    """The tally with one more activity, that is new and in order."""
    if not fact.human:
        return tally
    kinds = {**tally.kinds, fact.kind: tally.kinds.get(fact.kind, 0) + 1}
    if not fact.rules:
        return Tally(tally.rules, kinds, tally.newest_at, tally.newest_id)
    rules = dict(tally.rules)
    for index in fact.rules:
        rules[index] = _one_more(rules.get(index, _NONE), fact, ruleset.engagement[index], ruleset)
    return Tally(rules, kinds, fact.at, fact.id)


def _one_more(tally: RuleTally, fact: Fact, rule: EngagementRule, ruleset: Ruleset) -> RuleTally:
    """The tally of one rule with the next activity in time that falls under it. What is over the limit changes nothing."""
    days = tally.days
    if rule.once:
        if tally.count:
            return tally
    elif rule.per_day is not None:
        day = ruleset.local_day(fact.at)
        if not days:
            days = ((day, 1),)
        else:
            counted = dict(days)
            today = counted.get(day, 0)
            if today >= rule.per_day:
                return tally
            counted[day] = today + 1
            days = tuple(sorted(counted.items())[-DAYS:])
    return RuleTally(tally.count + 1, (*tally.shown, fact.id)[-SHOWN:], days)
