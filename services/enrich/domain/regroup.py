"""People who become one, fall apart, or share a cookie out of order: everything about the leads concerned is worked out anew. Pure.

The result is what deciding on all their events in order of occurrence would have given; the differences to what was said before
are what is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from services.enrich.domain import binding, people
from services.enrich.domain.component import component, names_of
from services.enrich.domain.cookies import govern
from services.enrich.domain.judgement import Judgement, taken_off
from services.enrich.domain.settling import Settled
from services.enrich.domain.world import (
    Changes,
    Identifier,
    Kept,
    Rank,
    Visits,
    World,
)
from shared.outcome import Decision
from shared.stage import Input


def regroup(
    world: World,
    input_: Input,
    found: Mapping[str, Identifier],
    *,
    secret: bytes,
    arrived: Kept | None = None,
    changes: Changes | None = None,
    ruling: Judgement | None = None,
) -> Decision:
    """What the event of `input_`, judged as `arrived`, or a ruling, makes of the closed component of leads that it touches. `found`: the identifiers
    that it names, with their new ties. `changes` are added to.

    Raises NotLoaded where the world lacks the history of one of these leads, an identifier on which it depends who they are, or the visits on
    the event's cookie.
    """
    happened = arrived.happened if arrived is not None else None
    leads, names = component(world, happened, found)
    kept = _activities(world, leads, arrived, ruling)
    names |= names_of(kept.values())
    identifiers = {name: _identifier(world, found, name) for name in sorted(names)}
    person = people.people(identifiers)
    whose = _whose(kept, person)

    groups: dict[str, list[str]] = defaultdict(list)
    for event_id, owner in whose.items():
        if owner is not None:
            groups[owner].append(event_id)
    settled = Settled(world, input_, secret, leads, changes if changes is not None else {}, ruling)
    ruled = binding.is_ruled(identifiers.values())
    for owner in sorted(groups):
        theirs = [row for name, row in identifiers.items() if person[name] == owner] if ruled else ()
        leads_of = [lead for lead in settled.known.values() if person.get(lead.made_by) == owner]
        settled.take(owner, leads_of, binding.chosen(theirs))
    return settled.decision(kept, whose, identifiers, person, groups)


def _activities(world: World, leads: frozenset[str], arrived: Kept | None, ruling: Judgement | None) -> dict[str, Kept]:
    kept = {event_id: world["activity", event_id] for lead in sorted(leads) for event_id in world["history", lead]}
    if arrived is not None:
        happened = arrived.happened
        visits: Visits | None = world.get(("visits", happened.cookie)) if happened.cookie is not None else None
        for event_id in visits.events if visits is not None else ():
            kept[event_id] = world["activity", event_id]
        kept[happened.event_id] = arrived
    elif ruling is not None and ruling.events:
        for event_id in ruling.events:
            if event_id in kept:
                kept[event_id] = taken_off(kept[event_id], ruling)
    return kept


def _identifier(world: World, found: Mapping[str, Identifier], name: str) -> Identifier:
    return found.get(name) or world.get(("identifier", name)) or Identifier(name)


def _whose(kept: Mapping[str, Kept], person: Mapping[str, str]) -> dict[str, str | None]:
    """For each event whose it is: of its own strongest identifier, or of whoever governs its cookie then; a visitor's are nobody's."""
    whose: dict[str, str | None] = {}
    identified: dict[str, list[tuple[Rank, str]]] = defaultdict(list)
    visits: dict[str, list[Rank]] = defaultdict(list)
    for event_id, one in kept.items():
        happened = one.happened
        name, cookie = one.person, happened.cookie
        if name is not None:
            whose[event_id] = person[name]
            if cookie is not None and happened.person is not None:
                identified[cookie].append((happened.rank, name))
        elif cookie is not None:
            visits[cookie].append(happened.rank)
    for cookie, ranks in visits.items():
        governed = govern(sorted(identified[cookie]), sorted(ranks))
        for rank, name in governed.items():
            whose[rank[1]] = person[name] if name is not None else None
    return whose
