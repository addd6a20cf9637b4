"""A later verdict on who acted: what only many events together tell (a burst), and what an operator says. Pure.

It depends on the set of a cookie's or a person's events alone, never on the order in which they arrived: an event is in a burst or is
not, whatever came first, and with more events a burst only grows. What changes is sent again, the same activity with a higher revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from services.enrich.domain.human import SIGNS
from services.enrich.domain.world import Command, Human, Rank, Ruling, World
from shared.outcome import Decision
from shared.stage import Input

MANY = 10  # acts in less than a second: more than hands can do, and fewer than a browser that opens its tabs again seldom does
_SECOND = timedelta(seconds=1)
# What is done by hand. A track event is a program's: twenty products may be seen in one moment; and servers tell many things at once.
_BY_HAND = frozenset(("page", "form", "pixel"))
# Who tells the past, or speaks for others, tells nothing about speed.
_TOLD = frozenset(("hook", "identify"))


class Act(Struct, frozen=True, gc=False):
    """One activity of a cookie, or of a person where there is none. `own` is how human it is by itself, `shown` how it was sent last
    in `revision` (0: it was not sent yet)."""

    event_id: str
    at: datetime
    kind: str
    own: float
    shown: float
    revision: int
    history: bool = False


class Revised(Struct, frozen=True, gc=False):
    """An activity that is to be sent again: how human it is now, in which revision."""

    event_id: str
    human: float
    revision: int


def revised(acts: Iterable[Act], rulings: Mapping[str, Sequence[Ruling]]) -> list[Revised]:
    """What of these activities (all there are of one cookie in the time that matters) is another now than it was sent, by time and id.
    `rulings` by event id. What was not sent yet keeps its revision: nobody knows it in another form."""
    ordered = sorted(acts, key=_rank)
    within = bursts(ordered)
    changed = []
    for act in ordered:
        now = human(act.own, burst=act.event_id in within, rulings=rulings.get(act.event_id, ()))
        if now != act.shown:
            changed.append(Revised(act.event_id, now, act.revision + 1 if act.revision else 0))
    return changed


def ruled(world: World, input_: Input, command: Command, asked: Human) -> Decision:
    """What an operator's word about an activity changes."""
    ruling = Ruling(asked.event_id, command.at, command.command_id, asked.human, command.by, asked.reason)
    known: Ruling | None = world.get(("ruling", asked.event_id))
    if known is not None and known.rank >= ruling.rank:
        return Decision()
    return Decision({("ruling", asked.event_id): ruling})


def human(own: float, *, burst: bool, rulings: Sequence[Ruling]) -> float:
    """How human an activity is: as the operator says, else by the least of what it says itself and whether it is in a burst."""
    if rulings:
        return max(rulings, key=lambda ruling: ruling.rank).human
    return min(own, SIGNS["burst"]) if burst else own


def bursts(acts: Sequence[Act]) -> frozenset[str]:
    """Of these activities (by time) the ids of those within any second, ends excluded, in which `MANY` things were done by hand."""
    by_hand = [act.at for act in acts if act.kind in _BY_HAND and not act.history]
    spans: list[tuple[datetime, datetime]] = []
    for first, last in zip(by_hand, by_hand[MANY - 1 :], strict=False):
        if last - first < _SECOND:
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], last)
            else:
                spans.append((first, last))
    if not spans:
        return frozenset()
    return frozenset(
        act.event_id
        for act in acts
        if act.kind not in _TOLD and not act.history and any(first <= act.at <= last for first, last in spans)
    )


def _rank(act: Act) -> Rank:
    return act.at, act.event_id
