"""What a lead's activities come to, rule by rule, kept small: the path that serves traffic. The measure for it is fold.py.

An activity that comes in order (later than each that fell under a rule) costs the same whatever the lead has done before:
`advance`. One that comes late, changes or leaves needs the lead's history: history.py. What it is worth at a moment is in worth.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import repeat

from msgspec import Struct

from services.score.domain.inforce import Fact
from services.score.domain.ruleset import EngagementRule, Limit, Ruleset, microseconds

SHOWN = 20  # activity ids in a contribution, the latest that count
PERIODS = 2  # where clocks go back just after midnight, a day comes again after the next one has begun
LEAVING = (
    64  # moments kept of those that will be too old one day; the others are read from the history when their time comes
)


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """The activities that count for one rule and one value of its limit's `by`. Moments are microseconds.

    `count` is without those that had left (grown too old) when the last one came; `shown` the latest ids, `last` the latest moment.
    `periods`: how many counted in the latest calendar periods. `weight`: of halving points what is left of each 1, at `last`.
    `leaving`: of those that leave one day the first; `hidden` while there are more of them than that; `moments` is the sum of all.
    """

    count: int
    shown: tuple[str, ...]
    last: int = 0
    periods: tuple[tuple[int, int], ...] = ()
    weight: float = 0.0
    leaving: tuple[int, ...] = ()
    hidden: bool = False
    moments: int = 0


class RuleTally(Struct, frozen=True, array_like=True, gc=False):
    """What counts for one rule by the value of its limit's `by` (one, empty, where there is none), and what may yet be completed:
    the moments of an `at_least` that are on their way."""

    values: dict[str, Counted] = {}
    pending: tuple[int, ...] = ()


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """All rules that an activity fell under, how many activities of each kind count, and the latest that fell under a rule.

    Once that one has left, `newest` stands for it still: what comes before it is looked at as late, which is never wrong.
    `active_at` is the latest activity of a human, under a rule or not. `overrides`: the latest moment of each.
    """

    rules: dict[int, RuleTally] = {}
    kinds: dict[str, int] = {}
    newest_at: datetime | None = None
    newest_id: str = ""
    active_at: datetime | None = None
    overrides: dict[int, int] = {}


_NONE = RuleTally()


def is_in_order(tally: Tally, fact: Fact) -> bool:
    """Whether a new activity can be added by `advance`: it falls under no rule, or is later than all that did."""
    return not fact.rules or tally.newest_at is None or fact.moment > (tally.newest_at, tally.newest_id)


def is_countable(
    tally: Tally, known: Mapping[str, int], facts: Iterable[Fact], leaving: frozenset[int] = frozenset()
) -> bool:
    """Whether `advance` is all that these activities need, one after the other: each new and in order, or nothing new; and none for which
    there is no room among those that leave one day, since it may be older than it has to be to count.

    `known` are the revisions kept of those that are kept, `leaving` the numbers of the rules whose activities leave at an age.
    """
    more = 0
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
            more += bool(leaving) and not leaving.isdisjoint(fact.rules)
    return not (more and _may_overflow(tally, more))


def _may_overflow(tally: Tally, more: int) -> bool:
    """Whether so many more activities that leave one day may be too many for a rule whose moments are all there yet."""
    if more > LEAVING:
        return True
    return any(
        one.leaving and not one.hidden and len(one.leaving) + more > LEAVING
        for rule_tally in tally.rules.values()
        for one in rule_tally.values.values()
    )


def lies_ahead(tally: Tally, ruleset: Ruleset, now: datetime) -> datetime | None:
    """The moment of the latest activity, where it is not there yet and what it is worth depends on its age."""
    newest_at = tally.newest_at
    return newest_at if newest_at is not None and newest_at > now and ruleset.has_decay else None


def is_enough(tally: Tally, ruleset: Ruleset, now: datetime) -> bool:
    """Whether the tally tells what its activities are worth at `now`: none lies ahead, and none that is not in it has grown too old."""
    if lies_ahead(tally, ruleset, now) is not None:
        return False
    at = None
    for index, rule_tally in tally.rules.items():
        decay = ruleset.engagement[index].decay
        if decay is None:
            continue
        for counted in rule_tally.values.values():
            if counted.hidden:
                at = microseconds(now) if at is None else at
                if not counted.leaving or counted.leaving[-1] <= at - decay.span:
                    return False
    return True


def advance(tally: Tally, fact: Fact, ruleset: Ruleset, *, now: int | None = None, keep: int = LEAVING) -> Tally:
    """The tally with one more activity, that is new and in order.

    `now` (microseconds) where the tally is to tell what things are worth then, and activities may lie ahead of it: their age is
    nothing, so their points are as if they happened then. `keep`: how many moments to keep of those that leave one day.
    """
    if not fact.human:
        return tally
    kinds = {**tally.kinds, fact.kind: tally.kinds.get(fact.kind, 0) + 1}
    active_at = fact.at if tally.active_at is None or fact.at > tally.active_at else tally.active_at
    if not fact.rules:
        return Tally(tally.rules, kinds, tally.newest_at, tally.newest_id, active_at, tally.overrides)
    at = microseconds(fact.at)
    overrides, count = tally.overrides, len(ruleset.engagement)
    rules = {} if any(index < count and ruleset.engagement[index].reset for index in fact.rules) else dict(tally.rules)
    for index, value in zip(fact.rules, fact.by or repeat(""), strict=False):
        if index >= count:
            overrides = {**overrides, index - count: at}
        else:
            aged_from = at if now is None else min(at, now)
            rules[index] = one_more(
                rules.get(index, _NONE),
                ruleset.engagement[index],
                ruleset,
                (fact.id, fact.at, at, value),
                aged_from,
                keep,
            )
    return Tally(rules, kinds, fact.at, fact.id, active_at, overrides)


def one_more(
    tally: RuleTally,
    rule: EngagementRule,
    ruleset: Ruleset,
    one: tuple[str, datetime, int, str],
    aged_from: int,
    keep: int,
) -> RuleTally:
    """The tally of one rule with the next activity in time that falls under it: its id, moment (twice) and value of `by`.

    What completes nothing, or is over the limit, scores nothing. `aged_from` is what its age is counted from, `keep` as in `advance`.
    """
    id_, when, at, value = one
    pending = tally.pending
    if rule.at_least is not None:
        pending = (*(past for past in pending if past > at - rule.at_least.within), at)
        if len(pending) < rule.at_least.count:
            return RuleTally(tally.values, pending)
        pending = ()
    before = tally.values.get(value)
    periods: tuple[tuple[int, int], ...] = ()
    if rule.limit is not None:
        room = _room(rule.limit, before, when, at, ruleset)
        if room is None:
            return RuleTally(tally.values, pending)
        periods = room
    return RuleTally({**tally.values, value: _added(before, rule, id_, at, periods, aged_from, keep)}, pending)


def _room(
    limit: Limit, before: Counted | None, when: datetime, at: int, ruleset: Ruleset
) -> tuple[tuple[int, int], ...] | None:
    """The counts by period with one more activity; None where the limit is reached."""
    if limit.period is not None:
        period = ruleset.period(limit.period, when)
        counts = dict(before.periods) if before is not None else {}
        now = counts.get(period, 0)
        if now >= limit.count:
            return None
        counts[period] = now + 1
        return tuple(sorted(counts.items())[-PERIODS:])
    if before is None:
        return ()
    # Without spacing it counts once for ever.
    return () if limit.spacing and at - before.last >= limit.spacing else None


def _added(
    before: Counted | None,
    rule: EngagementRule,
    id_: str,
    at: int,
    periods: tuple[tuple[int, int], ...],
    aged_from: int,
    keep: int,
) -> Counted:
    count, shown = (before.count + 1, (*before.shown, id_)[-SHOWN:]) if before is not None else (1, (id_,))
    decay = rule.decay
    if decay is None:
        return Counted(count, shown, at, periods)
    if decay.kind == "half_life":
        # In order of time, so that any way to the same activities gives the same bits.
        weight = (
            before.weight * 0.5 ** ((aged_from - min(before.last, aged_from)) / decay.span)
            if before is not None
            else 0.0
        )
        return Counted(count, shown, at, periods, weight + 1.0)
    leaving, hidden, moments = (before.leaving, before.hidden, before.moments) if before is not None else ((), False, 0)
    left = gone(leaving, aged_from - decay.span)
    if left:
        count, moments, leaving = count - left, moments - sum(leaving[:left]), leaving[left:]
    if hidden or len(leaving) >= keep:
        hidden = True
    else:
        leaving = (*leaving, aged_from)
    return Counted(count, shown, at, periods, 0.0, leaving, hidden, moments + aged_from)


def gone(leaving: tuple[int, ...], until: int) -> int:
    """How many of these moments, in order, are at `until` or before it: an activity is too old at exactly its rule's age."""
    number = 0
    for at in leaving:
        if at > until:
            break
        number += 1
    return number
