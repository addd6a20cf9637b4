"""Whose turn it is in a pool. Which pool is asked is choice.py's; keeping the counters is the store's.

The turn goes to the member with the smallest (level + 1) / weight, the earlier in the document on a tie (d'Hondt's division).
So of any two members at any moment level_i / w_i - level_j / w_j <= 1 / w_j: equal ones never differ by more than one, and
nobody is ever more than one share behind. A member outside of that bound can only be a newcomer, one who was away from the
document, or one whose weight was changed: it starts at the others' level, so that nobody is flooded to catch up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from services.route.domain.routing import Member


class Counter(Struct, frozen=True):
    """A member's place in a pool: `level` decides the turn, `given` is what the pool really gave."""

    level: int = 0
    given: int = 0


Counters = Mapping[str, Counter]  # by owner
_NEW = Counter()


def levelled(members: Sequence[Member], counters: Counters) -> dict[str, Counter]:
    """The counters of exactly these members, whoever is more than a share behind lifted to the others' level."""
    current = {member.owner: counters.get(member.owner, _NEW) for member in members}
    if not members:
        return current
    top, top_weight = current[members[0].owner].level, members[0].weight
    for member in members:
        level = current[member.owner].level
        if level * top_weight > top * member.weight:
            top, top_weight = level, member.weight
    for member in members:
        counter = current[member.owner]
        if (counter.level + 1) * top_weight < top * member.weight:
            current[member.owner] = Counter(top * member.weight // top_weight, counter.given)
    return current


def turn(members: Sequence[Member], counters: Counters) -> tuple[str, dict[str, Counter], str]:
    """Who is next, the pool's counters after that, and why in words. `members` is not empty."""
    current = levelled(members, counters)
    first = members[0]
    for member in members[1:]:
        if (current[member.owner].level + 1) * first.weight < (current[first.owner].level + 1) * member.weight:
            first = member
    because = "given / weight: " + ", ".join(
        f"{member.owner} {current[member.owner].level}/{member.weight}" for member in members
    )
    return first.owner, given(current, first.owner), because


def given(counters: Counters, owner: str) -> dict[str, Counter]:
    """The counters after `owner` got one more."""
    before = counters.get(owner, _NEW)
    return {**counters, owner: Counter(before.level + 1, before.given + 1)}
