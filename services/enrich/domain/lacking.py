"""Which histories a batch needs before it can be decided on: found by deciding on trial. Pure; fetching them is the store's."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Hashable, Sequence
from typing import Any

from services.enrich.domain.decide import decide
from services.enrich.domain.world import Cookie, Happened, NotLoaded, World
from shared.stage import Input


def lacking(world: World, inputs: Sequence[Input], *, secret: bytes, everything: bool = False) -> NotLoaded | None:
    """What `world` lacks for deciding on `inputs` in order; None when nothing.

    At first only those are tried that could need more than the leads themselves. With `everything` all are: after a history
    was fetched, since people who become one or fall apart may change what is simple for the others.
    """
    times = Counter(name for input_ in inputs for name in names(input_.event))
    trial: ChainMap[Hashable, Any] = ChainMap({}, world)  # type: ignore[arg-type]  # only the first map is written
    leads: set[str] = set()
    cookies: dict[str, Any] = {}
    for input_ in inputs:
        if not everything and _simple(world, input_.event, times):
            continue
        try:
            trial.update(decide(trial, input_, secret=secret).changes)
        except NotLoaded as lack:
            leads |= lack.leads
            for cookie, since in lack.cookies.items():
                cookies[cookie] = min(since, cookies.get(cookie, since))
    return NotLoaded(leads=frozenset(leads), cookies=cookies) if leads or cookies else None


def names(happened: Happened) -> list[str]:
    """The identifiers of an event."""
    return [name for name in (happened.email, happened.user, happened.phone, happened.cookie) if name is not None]


def _simple(world: World, happened: Happened, times: Counter[str]) -> bool:
    """Whether this event surely needs no history: alone on its identifiers in this batch, and they are new, or there is one and its
    cookie is in order."""
    theirs = names(happened)
    if any(times[name] > 1 for name in theirs):
        return False
    if all(("identifier", name) not in world for name in theirs):
        return True
    cookie: Cookie | None = world.get(("identifier", happened.cookie)) if happened.cookie is not None else None
    if happened.person is None:
        return cookie is None or cookie.last is None or happened.rank > cookie.last
    persons = len(theirs) - (happened.cookie is not None)
    return persons == 1 and (cookie is None or (cookie.last is not None and happened.rank > cookie.top))
