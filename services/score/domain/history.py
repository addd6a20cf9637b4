"""All activities of one lead, arranged by rule, for when one comes late, changes or leaves. What comes in order needs none of it.

A value that shares what did not change: one more activity costs the rules that it falls under, not the whole history.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from msgspec import Struct, structs

from services.score.domain.inforce import Fact
from services.score.domain.ruleset import Decay, Ruleset, microseconds
from services.score.domain.tally import LEAVING, Counted, RuleTally, Tally, gone, one_more

_NONE = RuleTally()
_ALL = sys.maxsize


class Fell(NamedTuple):
    """An activity that fell under a rule; in order of these is in order of time, equal instants by id."""

    when: datetime
    id: str
    by: str


class History(Struct, frozen=True, gc=False):
    """Each activity in its latest revision, by id, and by rule those that fall under it, in order of time."""

    facts: dict[str, Fact]
    ruled: dict[int, tuple[Fell, ...]]


def history(facts: Iterable[Fact]) -> History:
    """The history of these activities, each once."""
    found = {fact.id: fact for fact in facts}
    ruled: dict[int, list[Fell]] = {}
    for fact in sorted((fact for fact in found.values() if fact.rules), key=lambda fact: fact.moment):
        for index, fell in _falls(fact):
            ruled.setdefault(index, []).append(fell)
    return History(found, {index: tuple(all_) for index, all_ in ruled.items()})


def tally(past: History, ruleset: Ruleset, *, now: datetime | None = None, seen: datetime | None = None) -> Tally:
    """What a history comes to, from nothing. With `now`: to be read at that moment, which some activities may lie ahead of. What is too
    old at `seen` is left out of what has no room for everything."""
    facts = [fact for fact in past.facts.values() if fact.human]
    kinds: dict[str, int] = {}
    for fact in facts:
        kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
    newest: tuple[datetime | None, str] = max((all_[-1][:2] for all_ in past.ruled.values()), default=(None, ""))
    active_at = max((fact.at for fact in facts), default=None)
    at = None if now is None else microseconds(now)
    rules, overrides = _ruled(past, past.ruled, ruleset, at, microseconds(seen) if seen is not None else at)
    return Tally(rules, kinds, *newest, active_at, overrides)


def changed(past: History, before: Tally, fact: Fact, ruleset: Ruleset, *, seen: datetime) -> tuple[History, Tally]:
    """The history and its tally (`before`) after an activity came, early or late, or a higher revision of one. `seen` as in `tally`."""
    earlier = past.facts.get(fact.id)
    ruled, kinds = dict(past.ruled), dict(before.kinds)
    if earlier is not None:
        for index, fell in _falls(earlier):
            place = bisect_left(ruled[index], fell)
            ruled[index] = (*ruled[index][:place], *ruled[index][place + 1 :])
        if earlier.human:
            kinds[earlier.kind] -= 1
            if not kinds[earlier.kind]:
                del kinds[earlier.kind]
    for index, fell in _falls(fact):
        all_ = ruled.get(index, ())
        place = bisect_left(all_, fell)
        ruled[index] = (*all_[:place], fell, *all_[place:])
    if fact.human:
        kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
    after = History({**past.facts, fact.id: fact}, {index: all_ for index, all_ in ruled.items() if all_})

    touched = {*fact.rules, *(earlier.rules if earlier is not None else ())}
    if any(index < len(ruleset.engagement) and ruleset.engagement[index].reset for index in touched):
        touched |= before.rules.keys() | after.ruled.keys()
    rules = {index: one for index, one in before.rules.items() if index not in touched}
    overrides = {index: at for index, at in before.overrides.items() if index + len(ruleset.engagement) not in touched}
    new_rules, new_overrides = _ruled(after, touched, ruleset, None, microseconds(seen))
    newest: tuple[datetime | None, str] = before.newest_at, before.newest_id
    if fact.rules and (before.newest_at is None or fact.moment > newest):
        newest = fact.moment
    active_at = before.active_at
    if earlier is not None and earlier.human:
        active_at = max((one.at for one in after.facts.values() if one.human), default=None)
    elif fact.human and (active_at is None or fact.at > active_at):
        active_at = fact.at
    return after, Tally(rules | new_rules, kinds, *newest, active_at, overrides | new_overrides)


def _falls(fact: Fact) -> Iterator[tuple[int, Fell]]:
    for index, value in zip(fact.rules, fact.by or repeat(""), strict=False):
        yield index, Fell(fact.at, fact.id, value)


def _ruled(
    past: History, indexes: Iterable[int], ruleset: Ruleset, now: int | None, seen: int | None
) -> tuple[dict[int, RuleTally], dict[int, int]]:
    """What these rules count, and the latest moment of these override rules."""
    count = len(ruleset.engagement)
    resets = [index for index in past.ruled if index < count and ruleset.engagement[index].reset]
    since = max((past.ruled[index][-1][:2] for index in resets), default=None)
    rules, overrides = {}, {}
    for index in indexes:
        all_ = past.ruled.get(index, ())
        if not all_:
            continue
        if index >= count:
            overrides[index - count] = microseconds(all_[-1].when)
            continue
        counted = _NONE
        for one in all_:
            if since is None or one[:2] >= since:
                at = microseconds(one.when)
                fell = (one.id, one.when, at, one.by)
                counted = one_more(
                    counted, ruleset.engagement[index], ruleset, fell, at if now is None else min(at, now), _ALL
                )
        if counted is not _NONE:
            values = {value: _cut(one, ruleset.engagement[index].decay, seen) for value, one in counted.values.items()}
            rules[index] = RuleTally(values, counted.pending)
    return rules, overrides


def _cut(counted: Counted, decay: Decay | None, seen: int | None) -> Counted:
    """Small again: the first moments that leave, without those that have left by `seen`."""
    if decay is None or len(counted.leaving) <= LEAVING:
        return counted
    left = gone(counted.leaving, seen - decay.span) if seen is not None else 0
    rest = counted.leaving[left:]
    return structs.replace(
        counted,
        count=counted.count - left,
        moments=counted.moments - sum(counted.leaving[:left]),
        leaving=rest[:LEAVING],
        hidden=len(rest) > LEAVING,
    )
