"""Whose turn it is in a pool: smooth weighted round robin. Which pool is asked is choice.py's; keeping the counters is the store's.

Each member has a place, in shares: base + (turns + 1/2) / weight. The turn goes to the lowest place among those who are free, the earlier
in the document on a tie, and moves it by 1 / weight. So of any two who are free, place_i - place_j <= 1 / w_i at any moment. Who was not
free at the last turn of the pool, came new, or has another weight now, begins half a share above the lowest place of the others:
neither is anything owed for the time away, nor must anybody wait for it to be caught up with. So over any time in which two members
are both free, what they got differs by at most one unit of weight (got_i / w_i - got_j / w_j <= w_j^-1 + (2 w_i)^-1), and of equal
weights by at most one handover: whoever else comes and goes.

Places are whole numbers of 10^-9 shares, each rounded by itself, so that nothing adds up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from services.route.domain.routing import Member

_SHARE = 1_000_000_000


class Counter(Struct, frozen=True, gc=False):
    """A member's place in a pool, and `given`: what the pool really gave. `out`: passed over, or not in the pool, at its last turn."""

    base: int = 0
    turns: int = 0
    weight: int = 1
    out: bool = False
    given: int = 0

    @property
    def place(self) -> int:
        """In 10^-9 shares; the lowest is next."""
        return self.base + (2 * self.turns + 1) * _SHARE // (2 * self.weight)


Counters = Mapping[str, Counter]  # by owner


def turn(
    free: Sequence[Member], counters: Counters, *, but: Collection[str] = ()
) -> tuple[str, dict[str, Counter], str]:
    """Who is next of the members who are free; the pool's counters after that, and why in words.

    `but` are owners who are free and can't have this one: they keep their places. At least one must be left.
    """
    current = _placed(free, counters)
    left = [member for member in free if member.owner not in but] if but else free
    first = min(left, key=lambda member: current[member.owner].place)  # of equals the earlier
    because = "lowest share: " + ", ".join(f"{one.owner} {current[one.owner].place / _SHARE:.4g}" for one in left)
    for owner, counter in counters.items():
        if owner not in current:
            current[owner] = counter if counter.out else msgspec.structs.replace(counter, out=True)
    current[first.owner] = _given(current[first.owner])
    return first.owner, current, because


def kept(members: Sequence[Member], counters: Counters, owner: str) -> dict[str, Counter]:
    """The counters after `owner` got one more that was not decided here but stands on the topic."""
    weight = next((member.weight for member in members if member.owner == owner), 1)
    return {**counters, owner: _given(counters.get(owner, Counter(weight=weight)))}


def _placed(members: Sequence[Member], counters: Counters) -> dict[str, Counter]:
    """The counters of exactly these members, each at its place among them."""
    found: dict[str, Counter] = {}
    new: list[Member] = []
    for member in members:
        counter = counters.get(member.owner)
        if counter is None or counter.out or counter.weight != member.weight:
            new.append(member)
        else:
            found[member.owner] = counter
    base = min((counter.place for counter in found.values()), default=0)
    for member in new:
        counter = counters.get(member.owner)
        found[member.owner] = Counter(
            base=base, weight=member.weight, given=counter.given if counter is not None else 0
        )
    return found


def _given(counter: Counter) -> Counter:
    return Counter(counter.base, counter.turns + 1, counter.weight, counter.out, counter.given + 1)
