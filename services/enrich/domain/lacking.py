"""Which histories a batch needs before it can be decided on: mostly none, and that is seen without deciding. Pure; fetching is the store's."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from services.enrich.domain import binding, crowd, limits
from services.enrich.domain.decide import decide
from services.enrich.domain.leads import KEEPING
from services.enrich.domain.world import (
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lately,
    Lead,
    NotLoaded,
    Rank,
    Span,
    Untold,
    World,
)
from shared.outcome import Decision
from shared.stage import Input

_COMMANDED = ""  # the circle of commands


def lacking(world: World, inputs: Sequence[Input], *, secret: bytes, again: bool = False) -> NotLoaded | None:
    """What `world` lacks for deciding on `inputs` in order; None when nothing. `again`: after something was fetched into `world`.

    Only those are decided on, on trial, that could need more than the leads themselves, and whoever shares something with them.
    """
    circles, open_ = _circles(world, inputs)
    if KEEPING in world:
        open_ = set(circles)  # what the topic says of an event may be more than its identifiers tell
    if again:  # what was fetched may lead to people who looked simple before
        found = _fetched(world)
        open_ |= {
            circle
            for input_, circle in zip(inputs, circles, strict=True)
            if circle in found or not found.isdisjoint(names(input_))
        }
    if not open_:
        return None
    trial: ChainMap[Hashable, Any] = ChainMap({}, world)  # type: ignore[arg-type]  # only the first map is written
    leads: set[str] = set()
    lacked: set[str] = set()
    cookies: dict[str, Any] = {}
    moments: dict[str, set[Span]] = {}
    for input_, circle in zip(inputs, circles, strict=True):
        if circle not in open_:
            continue
        try:
            outcome = decide(trial, input_, secret=secret)
            if isinstance(outcome, Decision):
                trial.update(outcome.changes)
        except NotLoaded as lack:
            leads |= lack.leads
            lacked |= lack.names
            for cookie, since in lack.cookies.items():
                cookies[cookie] = min(since, cookies.get(cookie, since))
            for crowd_, spans in lack.moments.items():
                moments.setdefault(crowd_, set()).update(spans)
        except (
            Exception
        ):  # it will raise again when it is decided on, and that is its own fault: here it would be the batch's
            continue
    if not (leads or cookies or lacked or moments):
        return None
    return NotLoaded(leads=frozenset(leads), cookies=cookies, names=frozenset(lacked), moments=moments)


def names(input_: Input) -> list[str]:
    """The identifiers that an input names; a command names none."""
    return names_of(input_.event) if isinstance(input_.event, Happened) else []


def names_of(happened: Happened) -> list[str]:
    """The identifiers of an event."""
    names = happened.persons
    if happened.cookie is not None:
        names.append(happened.cookie)
    return names


def _circles(world: World, inputs: Sequence[Input]) -> tuple[list[str], set[str]]:
    """The circle of each input, and the circles that are open: those where a history could be needed.

    A circle is named by the one lead that its events' identifiers have, or by their strongest identifier while they have none.
    Two events with an identifier in common are in the same circle, or both circles are open. In a circle that is not open all
    leads are one, all ties agree and all cookies are in order: nobody becomes one, falls apart, or gets a history; and nobody acts in the
    same moment as others, so that these are not looked at.
    """
    circles: list[str] = []
    open_: set[str] = set()
    circle_of: dict[str, str] = {}
    tied: dict[tuple[str, str], str] = {}
    counts: dict[str, int] = {}
    tops: dict[str, Rank] = {}
    lately: dict[str, Lately | None] = {}
    for input_ in inputs:
        happened = input_.event
        if isinstance(happened, Untold):
            circles.append(happened.lead_id)  # what is left to be told needs its lead alone
            continue
        if not isinstance(happened, Happened):
            circles.append(_COMMANDED)
            open_.add(_COMMANDED)
            continue
        theirs, person, cookie = names_of(happened), happened.person, happened.cookie
        known = {name: row for name in theirs if (row := world.get(("identifier", name))) is not None}
        leads = {row.lead_id for name, row in known.items() if person is None or name != cookie}
        leads.discard(None)
        circle = leads.pop() if leads else theirs[0]
        circles.append(circle)
        for name in theirs:
            leads.add(circle_of.setdefault(name, circle))
        leads.discard(circle)
        if (
            leads
            or not _agree(happened, known, tied, counts)
            or not _in_order(happened, known, tops)
            or not _alone(world, happened, circle, lately)
        ):
            open_ |= leads
            open_.add(circle)
    if _COMMANDED in open_:
        open_.update(circles)  # it may be about anybody
    return circles, open_


def _agree(
    happened: Happened, known: Mapping[str, Any], tied: dict[tuple[str, str], str], counts: dict[str, int]
) -> bool:
    """Whether the event ties its identifiers as all events before did, in the store and in this batch, and no link of a phone nor a ruling
    is at stake."""
    names = happened.persons
    if (happened.called is not None or happened.phone is not None) and not _calmly_named(happened, known, tied, counts):
        return False
    ruled = [one for name in names if (one := known.get(name)) is not None and binding.RULED in one.ties]
    if len(names) < 2:
        return not ruled or ruled[0].lead_id is not None
    if happened.externals and not _few_systems(happened, known, tied, counts):
        return False
    for name, slot, to in binding.ties(happened):
        row: Identifier | None = known.get(name)
        before = row.ties.get(slot) if row is not None else None
        if tied.setdefault((name, slot), to) != to or (before is not None and before.to != to):
            return False
    if happened.phone is not None:
        strong = names[0]
        counts[strong] = counts.get(strong, 0) + 1
        row = known.get(strong)
        if counts[strong] + (len(row.ties) if row is not None else 0) > limits.least_limit():
            return False
    return not ruled


def _few_systems(
    happened: Happened, known: Mapping[str, Any], tied: Mapping[tuple[str, str], str], counts: dict[str, int]
) -> bool:
    """Whether the event's address has no more ids of systems that are in no table than may hang on it."""
    address = happened.email
    if address is None or not any(map(limits.is_own, happened.externals)):
        return True
    row: Identifier | None = known.get(address)
    before = limits.own_systems(row) if row is not None else ()
    slots = [binding.slot_of(one) for one in happened.externals if limits.is_own(one)]
    here = f"external {address}"
    counts[here] = counts.get(here, 0) + sum(slot not in before and (address, slot) not in tied for slot in slots)
    return counts[here] + len(before) <= limits.LIMITS.systems


def _calmly_named(
    happened: Happened, known: Mapping[str, Any], tied: dict[tuple[str, str], str], counts: Mapping[str, int]
) -> bool:
    """Whether no link of a phone can depend on the full name that the event says, or on one that its phone has."""
    called, names = happened.called, happened.persons
    if happened.phone is not None:
        phone: Identifier | None = known.get(happened.phone)
        if (called is not None and happened.strong is None) or (phone is not None and binding.CALLED in phone.ties):
            return False
    if called is None:
        return True
    for name in names:
        row: Identifier | None = known.get(name)
        before = row.ties.get(binding.CALLED) if row is not None else None
        has_phone = name in counts or (row is not None and limits.has_phone(row))
        if has_phone and called != (before.to if before is not None else tied.get((name, binding.CALLED))):
            return False
        tied.setdefault((name, binding.CALLED), called)
    return True


def _in_order(happened: Happened, known: Mapping[str, Any], tops: dict[str, Rank]) -> bool:
    """Whether the event is the latest on its cookie, or the cookie has visitors' events only, this one included."""
    if happened.cookie is None:
        return True
    cookie: Cookie | None = known.get(happened.cookie)
    visited = cookie is None or cookie.last is None
    if happened.person is None and visited:
        return True
    top = tops.get(happened.cookie) or (cookie.top if cookie is not None else None)
    tops[happened.cookie] = happened.rank
    return (cookie is None or not visited) and (top is None or happened.rank > top)


def _alone(world: World, happened: Happened, circle: str, lately: dict[str, Lately | None]) -> bool:
    """Whether nobody acts in the same moment, in the store or in this batch."""
    crowd_ = happened.cookie or circle  # without a cookie it is what the lead knows
    if crowd_ in lately:
        known = lately[crowd_]
    else:
        lead: Lead | None = world.get(("lead", circle)) if happened.cookie is None else None
        known = lead.state.lately if lead is not None else crowd.lately(world, happened)
    lately[crowd_] = crowd.added(known, happened)
    return crowd.alone(known, happened)


def _fetched(world: World) -> set[str | None]:
    """The identifiers and leads of the activities in `world`, which are there only where histories were fetched."""
    found: set[str | None] = set()
    for row in world.values():
        if type(row) is Kept:
            found.update(names_of(row.happened))
            found.add(row.lead_id)
    return found
