"""All activities of one lead, arranged by rule and day, for when one comes late, changes or leaves. What comes in order needs none of it.

A value that shares what did not change: one more activity costs the buckets that it touches, not the whole history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from services.score.domain.inforce import Fact
from services.score.domain.ruleset import EngagementRule, Ruleset
from services.score.domain.tally import DAYS, SHOWN, RuleTally, Tally

Moment = tuple[datetime, str]
Buckets = dict[int, tuple[Moment, ...]]  # by day where the limit is per day, else all in one; each in order of time


class History(Struct, frozen=True, gc=False):
    """Each activity in its latest revision, by id, and by rule those that fall under it."""

    facts: dict[str, Fact]
    ruled: dict[int, Buckets]


def history(facts: Iterable[Fact], ruleset: Ruleset) -> History:
    """The history of these activities, each once."""
    found = {fact.id: fact for fact in facts}
    ruled: dict[int, dict[int, list[Moment]]] = {}
    for fact in sorted((fact for fact in found.values() if fact.rules), key=lambda fact: fact.moment):
        for index in fact.rules:
            bucket = _bucket(ruleset.engagement[index], fact, ruleset)
            ruled.setdefault(index, {}).setdefault(bucket, []).append(fact.moment)
    return History(
        found, {index: {key: tuple(all_) for key, all_ in buckets.items()} for index, buckets in ruled.items()}
    )


def tally(past: History, ruleset: Ruleset) -> Tally:
    """What a history comes to, from nothing."""
    kinds: dict[str, int] = {}
    for fact in past.facts.values():
        if fact.human:
            kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
    newest = max((all_[-1] for buckets in past.ruled.values() for all_ in buckets.values()), default=None)
    rules = {index: _rule_tally(buckets, ruleset.engagement[index]) for index, buckets in past.ruled.items()}
    return Tally(rules, kinds, *(newest or (None, "")))


def changed(past: History, before: Tally, fact: Fact, ruleset: Ruleset) -> tuple[History, Tally]:
    """The history and its tally (`before`) after an activity came, early or late, or a higher revision of one."""
    earlier = past.facts.get(fact.id)
    ruled, rules, kinds = dict(past.ruled), dict(before.rules), dict(before.kinds)
    if earlier is not None:
        for index in earlier.rules:
            _take(ruled, index, earlier, ruleset)
        if earlier.human:
            kinds[earlier.kind] -= 1
            if not kinds[earlier.kind]:
                del kinds[earlier.kind]
    for index in fact.rules:
        _put(ruled, index, fact, ruleset)
    if fact.human:
        kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
    for index in {*fact.rules, *(earlier.rules if earlier is not None else ())}:
        rules.pop(index, None)
        if index in ruled:
            rules[index] = _rule_tally(ruled[index], ruleset.engagement[index])
    newest: tuple[datetime | None, str] = before.newest_at, before.newest_id
    if fact.rules and (before.newest_at is None or fact.moment > newest):
        newest = fact.moment
    return History({**past.facts, fact.id: fact}, ruled), Tally(rules, kinds, *newest)


def _put(ruled: dict[int, Buckets], index: int, fact: Fact, ruleset: Ruleset) -> None:
    bucket = _bucket(ruleset.engagement[index], fact, ruleset)
    buckets = dict(ruled.get(index, {}))
    all_ = buckets.get(bucket, ())
    place = bisect_left(all_, fact.moment)
    buckets[bucket] = (*all_[:place], fact.moment, *all_[place:])
    ruled[index] = buckets


def _take(ruled: dict[int, Buckets], index: int, fact: Fact, ruleset: Ruleset) -> None:
    bucket = _bucket(ruleset.engagement[index], fact, ruleset)
    buckets = dict(ruled[index])
    place = bisect_left(buckets[bucket], fact.moment)
    buckets[bucket] = buckets[bucket][:place] + buckets[bucket][place + 1 :]
    if not buckets[bucket]:
        del buckets[bucket]
    if buckets:
        ruled[index] = buckets
    else:
        del ruled[index]


def _bucket(rule: EngagementRule, fact: Fact, ruleset: Ruleset) -> int:
    return 0 if rule.per_day is None else ruleset.local_day(fact.at)


def _rule_tally(buckets: Buckets, rule: EngagementRule) -> RuleTally:
    """What one rule counts: of each bucket the earliest that the limit allows."""
    limit = 1 if rule.once else rule.per_day
    shown: list[Moment] = []
    keys = sorted(buckets, reverse=True)
    for key in keys:
        is_enough = len(shown) >= SHOWN
        shown += buckets[key][:limit]
        if is_enough:  # with one day more, since where clocks go back just after midnight two days overlap
            break
    shown.sort()
    count = sum(len(all_) if limit is None else min(limit, len(all_)) for all_ in buckets.values())
    days = () if rule.per_day is None else tuple((key, len(buckets[key][: rule.per_day])) for key in keys[:DAYS][::-1])
    return RuleTally(count, tuple(id_ for _, id_ in shown[-SHOWN:]), days)
