"""A later verdict on who acted: what only many events together tell (a burst, a form sent twice), and what an operator says. Pure.

It depends on the set of a cookie's or a person's events alone, never on the order in which they arrived: an event is in a burst or a repeat, or
is not, whatever came first, and with more events there are only more of both. What changes is sent again, the same activity with a higher revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from services.enrich.domain.human import SIGNS
from services.enrich.domain.world import Happened, Kept, Rank, Ruling

MANY = 10  # acts in less than a second: more than hands can do, and fewer than a browser that opens its tabs again seldom does
SECOND = timedelta(seconds=1)
REPEATED = timedelta(
    seconds=10
)  # within which the same form by the same person is a double click, or a button that seemed stuck
# What is done by hand. A track event is a program's: twenty products may be seen in one moment; and servers tell many things at once.
BY_HAND = frozenset(("page", "form", "pixel"))
# Who tells the past, or speaks for others, tells nothing about speed.
TOLD = frozenset(("hook", "identify"))
_BURST = SIGNS["burst"]


def judged(happened: Happened, others: Sequence[Kept], ruling: Ruling | None) -> tuple[Kept, list[Kept]]:
    """The event as it is judged among `others` (all there are around it in its crowd); and those of them that are judged otherwise by now,
    so, in the revision that they have."""
    burst = bursts(sorted([happened, *(other.happened for other in others)], key=_rank))
    changed = []
    for other in others:
        if other.repeat:
            continue
        if repeats(other.happened, happened):
            changed.append(replace(other, repeat=True, human=other.human if other.ruled else None))
        elif other.happened.event_id in burst and not other.ruled and other.shown > _BURST:
            changed.append(replace(other, human=_BURST))
    arrived = Kept(happened, repeat=any(repeats(happened, other.happened) for other in others))
    if ruling is not None:
        arrived = ruled(arrived, ruling)
    elif happened.event_id in burst and not arrived.repeat and happened.facts.human > _BURST:
        arrived = replace(arrived, human=_BURST)
    return arrived, changed


def ruled(kept: Kept, ruling: Ruling) -> Kept:
    """The activity under an operator's word: that is the last."""
    return replace(kept, human=ruling.human if ruling.human != kept.happened.facts.human else None, ruled=True)


def repeats(later: Happened, earlier: Happened) -> bool:
    """Whether `later` is the same form as `earlier`, sent again. A third that repeats the second is one too: no end is seen to it."""
    content = later.facts.content
    return (
        content != 0
        and content == earlier.facts.content
        and earlier.rank < later.rank
        and later.at - earlier.at <= REPEATED
    )


def bursts(acts: Sequence[Happened]) -> frozenset[str]:
    """Of these events (by time) the ids of those within any second, ends excluded, in which `MANY` things were done by hand."""
    hands = [act.at for act in acts if by_hand(act)]
    spans: list[tuple[datetime, datetime]] = []
    for first, last in zip(hands, hands[MANY - 1 :], strict=False):
        if last - first < SECOND:
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], last)
            else:
                spans.append((first, last))
    if not spans:
        return frozenset()
    return frozenset(
        act.event_id for act in acts if has_speed(act) and any(first <= act.at <= last for first, last in spans)
    )


def by_hand(happened: Happened) -> bool:
    """Whether somebody did this by hand, then."""
    return happened.facts.kind in BY_HAND and not happened.facts.history


def has_speed(happened: Happened) -> bool:
    """Whether how fast this came after others says anything about it."""
    return happened.facts.kind not in TOLD and not happened.facts.history


def _rank(happened: Happened) -> Rank:
    return happened.rank
