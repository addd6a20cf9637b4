"""Which leads one event or ruling can change: the closed component, and what has to be known of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.enrich.domain import binding
from services.enrich.domain.world import Cookie, Happened, Identifier, Kept, Lead, NotLoaded, Visits, World


def component(
    world: World, happened: Happened | None, found: Mapping[str, Identifier]
) -> tuple[frozenset[str], set[str]]:
    """The leads that may change, closed: of the identifiers, of everything on the event's cookie since the time that matters, and of those on
    which it depends who these are; and all these identifiers."""
    leads = {identifier.lead_id for identifier in found.values() if identifier.lead_id is not None}
    cookie: Cookie | None = None
    lacking: dict[str, Any] = {}
    if happened is not None and happened.cookie is not None:
        cookie = world.get(("identifier", happened.cookie))
    if cookie is not None and happened is not None:
        visits: Visits | None = world.get(("visits", cookie.name))
        if visits is None or visits.since > happened.at:
            lacking[cookie.name] = happened.at
        else:
            leads |= {lead for event_id in visits.events if (lead := world["activity", event_id].lead_id) is not None}
        if cookie.lead_id is not None:
            leads.add(cookie.lead_id)
    unknown = {lead for lead in leads if ("history", lead) not in world}
    asked, names = set[str](), set[str]()
    if not unknown:
        asked, names = _linked(world, found, leads, unknown)
    if lacking or unknown or asked:
        raise NotLoaded(leads=frozenset(unknown), cookies=lacking, names=frozenset(asked))
    return frozenset(leads), names


def _linked(
    world: World, found: Mapping[str, Identifier], leads: set[str], unknown: set[str]
) -> tuple[set[str], set[str]]:
    """Adds the leads of all on whom it depends who these are, and to `unknown` those whose history is; returns the identifiers that are not known,
    and all."""
    asked, passed = set[str](), set[str]()
    todo = dict.fromkeys(found, True)  # whether its phones may join or leave by what has happened
    for lead in sorted(leads):
        todo |= {name: name in found for name in own_identifiers(world, lead)}
    while todo:
        name, closely = todo.popitem()
        if name in passed:
            continue
        passed.add(name)
        row = found.get(name) or world.get(("identifier", name))
        if row is None:
            if ("identifier", name) not in world:
                asked.add(name)
            continue
        if row.lead_id is not None and row.lead_id not in leads:
            leads.add(row.lead_id)
            if ("history", row.lead_id) not in world:
                unknown.add(row.lead_id)
                continue
            todo = {one: False for one in own_identifiers(world, row.lead_id) if one not in passed} | todo
        others = binding.linked(row) if closely else {other for other, _ in binding.rulings(row)}
        if not closely and row.lead_id is not None and (strong := binding.asked_about(row)) is not None:
            own: Lead = world["lead", row.lead_id]
            if own.made_by.startswith(("phone", "named")):
                others.add(strong.to)  # it is by itself only because it may not join
        todo = {other: False for other in others if other not in passed} | todo
    return asked, passed


def own_identifiers(world: World, lead: str) -> set[str]:
    """The identifiers that the events of a lead name and that are its own."""
    names = names_of(world["activity", event_id] for event_id in world["history", lead])
    return {name for name in names if (row := world.get(("identifier", name))) is not None and row.lead_id == lead}


def names_of(kept: Iterable[Kept]) -> set[str]:
    """The identifiers that these activities name, and those of rulings that took one off."""
    names: set[str] = set()
    for one in kept:
        names.update(one.happened.persons)
        if one.apart is not None:
            names.add(one.apart.to)
    return names
