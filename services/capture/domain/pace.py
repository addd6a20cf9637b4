"""How often somebody may come: a meter per rate, arithmetic over moments that are arguments. Whose rate it is and what a refusal says, limits.py knows."""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil

BURST_SECONDS = 10  # of its rate, so much can be saved up
_MOST = 20_000  # strangers remembered at a time, twice at most: some 5 MB a rate


class Meter:
    """A rate a second for each of many, with a burst of ten seconds of it: the generic cell rate algorithm (ITU-T I.371, annex A) in
    its form with one moment per sender, the one at which all that was taken is paid off.

    Its memory is bounded: when too many came, those are forgotten that did not come since as many others had.
    """

    __slots__ = ("_burst", "_each", "_long_ago", "_paid", "_per_second", "limit")

    def __init__(self, per_second: int) -> None:
        self.limit = per_second * BURST_SECONDS
        self._per_second = per_second
        self._each = 1 / per_second
        self._burst = BURST_SECONDS - self._each / 2  # half a piece, so that rounding never costs a whole one
        self._paid: dict[Hashable, float] = {}
        self._long_ago: dict[Hashable, float] = {}

    def take(self, who: Hashable, now: float, count: int = 1) -> float:
        """Takes `count`: the seconds until all is paid off, or, where nothing is left, minus the seconds until there will be, and then
        nothing is taken. With anything left all is given, so that a large count is never refused for ever."""
        paid = self._paid.get(who)
        if paid is not None and paid <= now:  # most come with nothing left to pay
            debt = count * self._each
            self._paid[who] = now + debt
            return debt
        if paid is None:
            if len(self._paid) >= _MOST:
                self._long_ago, self._paid = self._paid, {}
            paid = self._long_ago.get(who, now)
        debt = paid - now if paid > now else 0.0
        refused = debt > self._burst
        if not refused:
            debt += count * self._each
        self._paid[who] = now + debt
        return self._burst - debt if refused else debt

    def remaining(self, debt: float) -> int:
        """How many are left at a debt of so many seconds."""
        left = int((BURST_SECONDS - debt) * self._per_second + 0.5)
        return left if left > 0 else 0


def whole_seconds(debt: float) -> int:
    """For headers: seconds, none of them too few."""
    return max(1, ceil(debt))
