"""Whether others acted in the same moment as an event does, on its cookie or by its person: seen by a few numbers that are kept, mostly without
a look at anybody. Pure, and free of the order of arrival; what it means is verdict.py's.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.enrich.domain.verdict import MANY, REPEATED, SECOND, by_hand, has_speed
from services.enrich.domain.world import (
    Changes,
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lately,
    Lead,
    Moments,
    NotLoaded,
    Span,
    World,
)

# Milliseconds, rounded down: so two more than the windows have, and what is seen here is seen by the exact rule or is nothing.
_SECOND_MS, _REPEATED_MS = 1_002, 10_002


def added(lately: Lately | None, happened: Happened) -> Lately | None:
    """What is known lately with one more event: of the last ten seconds the latest acts, `MANY` at most."""
    if not by_hand(happened):
        return lately
    act = int(happened.at.timestamp() * 1000), happened.facts.content
    if lately is None:
        return Lately(1, (act,))
    acts = sorted((*lately.acts, act))
    since = acts[-1][0] - _REPEATED_MS
    return Lately(lately.count + 1, tuple([one for one in acts if one[0] >= since][-MANY:]))


def alone(lately: Lately | None, happened: Happened) -> bool:
    """Whether surely nothing around this event matters, by what is known of its crowd without it."""
    if lately is None or not has_speed(happened):
        return True
    content, acts = happened.facts.content, lately.acts
    if not content and lately.count < MANY - 1:
        return True
    ms = int(happened.at.timestamp() * 1000)
    if ms < acts[-1][0] and lately.count > len(acts):
        return False  # it is late, and what was done around it is not among what is known
    if len(acts) >= MANY - 1 and sum(abs(ms - at) <= _SECOND_MS for at, _ in acts) >= MANY - 1:
        return False
    if not content:
        return True
    if len(acts) == MANY and acts[0][0] >= ms - _REPEATED_MS:
        return False  # so much was done that the same form may be among what is not known any more
    return all(what != content or abs(ms - at) > _REPEATED_MS for at, what in acts)


def lately(world: World, happened: Happened) -> Lately | None:
    """What is known of the event's crowd."""
    if happened.cookie is not None:
        cookie: Cookie | None = world.get(("identifier", happened.cookie))
        return cookie.lately if cookie is not None else None
    person: Identifier | None = world.get(("identifier", happened.person))
    if person is None or person.lead_id is None:
        return None
    lead: Lead = world["lead", person.lead_id]
    return lead.state.lately


def others(world: World, happened: Happened) -> list[Kept]:
    """All activities around the event in its crowd. Raises NotLoaded where they are not known."""
    span = around(happened)
    moments: Moments | None = world.get(("moments", happened.crowd))
    if moments is None and _is_new(world, happened):
        return []
    if moments is None or (
        moments.spans is not None and not any(since <= span[0] and span[1] <= until for since, until in moments.spans)
    ):
        raise NotLoaded(moments={happened.crowd: [span]})
    found: list[Kept] = [world["activity", event_id] for event_id in moments.events]
    return [one for one in found if span[0] <= one.happened.at <= span[1]]


def around(happened: Happened) -> Span:
    """The moments that matter to an event; at the ends of the calendar they are the calendar's."""
    wide = REPEATED if happened.facts.content else SECOND
    try:
        return happened.at - wide, happened.at + wide
    except OverflowError:
        return happened.at, happened.at


def merged(spans: Iterable[Span]) -> list[Span]:
    """These spans as ones that have nothing in common."""
    apart: list[Span] = []
    for since, until in sorted(spans):
        if apart and since <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], until)
        else:
            apart.append((since, until))
    return apart


def noticed(world: World, changes: Changes, happened: Happened) -> None:
    """One more event in its crowd, for who looks at it later in the batch: all of it is known, or what was looked up is."""
    if not has_speed(happened):
        return
    known: Moments | None = world.get(("moments", happened.crowd))
    if known is None:
        if not _is_new(world, happened):
            return
        known = Moments()
    changes["moments", happened.crowd] = Moments((*known.events, happened.event_id), known.spans)


def _is_new(world: World, happened: Happened) -> bool:
    """Whether nobody of the event's crowd was there before."""
    row: Cookie | Identifier | None = world.get(("identifier", happened.crowd))
    return row is None or (happened.cookie is None and row.lead_id is None)
