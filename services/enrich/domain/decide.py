"""What one event does: whose it is, what that lead becomes, and what the others are told. Pure; the usual cases are here, people
who become one or fall apart are regroup.py's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from services.enrich.domain import (
    binding,
    command,
    crowd,
    emission,
    profile,
    rebuild,
    review,
    revising,
    telling,
    verdict,
)
from services.enrich.domain.cookies import history, visited
from services.enrich.domain.leads import KEEPING, made, raised
from services.enrich.domain.regroup import regroup
from services.enrich.domain.world import (
    Changes,
    Cookie,
    Happened,
    Kept,
    Lead,
    NotLoaded,
    Ruling,
    Untold,
    Visits,
    World,
)
from shared.outcome import Decision, Outcome
from shared.stage import Input

_NO_IDS: Mapping[str, str] = {}
_NOW, _PAST = emission.Told(), emission.Told(history=True)


def decide(world: World, input_: Input, *, secret: bytes) -> Outcome:
    """What `input_` (an Input of a Happened, or of a command) changes in `world`, and what is told; or why a command is refused.

    Raises NotLoaded where the world lacks a history that the decision needs; `load` asks first, so that it does not happen in a
    batch. The same set of events, in any order, repeated or not, ends in the same people and the same profiles.
    """
    happened = input_.event
    if isinstance(happened, Untold):
        return telling.decide(world, input_)
    if not isinstance(happened, Happened):
        return command.decide(world, input_, secret=secret)
    if input_.record is None:  # a rebuild has left it to be decided now
        decision = Decision() if ("activity", happened.event_id) in world else _decided(world, input_, secret)
        return Decision({**decision.changes, ("owed", happened.event_id): None}, decision.emit)
    if ("activity", happened.event_id) in world:
        return Decision()
    if KEEPING in world:
        return rebuild.kept(world, input_, secret=secret)
    return _decided(world, input_, secret)


def _decided(world: World, input_: Input, secret: bytes) -> Decision:
    """What an event does that was not decided on before: to whose it is, and to what was judged of others."""
    happened: Happened = input_.event
    arrived: Kept = Kept(happened)
    judged: list[Kept] = []
    ruling: Ruling | None = world.get(("ruling", happened.event_id))
    alone = crowd.alone(crowd.lately(world, happened), happened)
    if ruling is not None or not alone:
        arrived, judged = verdict.judged(happened, [] if alone else crowd.others(world, happened), ruling)
    changes: Changes = {}
    crowd.noticed(world, changes, happened)
    decision = _placed(world, input_, arrived, changes, secret)
    return revising.also(world, decision, judged, input_, secret=secret) if judged else decision


def _placed(world: World, input_: Input, arrived: Kept, changes: Changes, secret: bytes) -> Decision:
    """Whose the event is, with what follows for the lead; `changes` are added to."""
    happened = arrived.happened
    found, retied = binding.identifiers(world, happened)
    cookie: Cookie | None = world.get(("identifier", happened.cookie)) if happened.cookie is not None else None
    if happened.person is None:
        return _visit(world, input_, cookie, arrived, changes, secret)
    together = binding.bound(happened, found)
    leads = {known for name in together if (known := found[name].lead_id) is not None}
    if retied or len(leads) > 1 or (not leads and binding.is_ruled(found.values())):
        return regroup(world, input_, found, arrived=arrived, changes=changes, secret=secret)
    lead: Lead = world["lead", leads.pop()] if leads else made(together, input_.now, world=world, secret=secret)
    if cookie is not None and cookie.last is not None and not _in_order(cookie, lead.lead_id, happened):
        return regroup(world, input_, found, arrived=arrived, changes=changes, secret=secret)

    for name, identifier in found.items():
        if name in together and identifier.lead_id != lead.lead_id:
            identifier = replace(identifier, lead_id=lead.lead_id)
        if identifier is not world.get(("identifier", name)):
            changes["identifier", name] = identifier
    if happened.phone is not None and happened.phone not in together:
        review.look(changes, found, happened.phone if happened.strong is not None else happened.persons[0])
    arrived = replace(arrived, lead_id=lead.lead_id, revision=1)
    joined = _history_of(world, cookie, happened, lead.lead_id) if cookie is not None and cookie.last is None else []
    activities = sorted([*joined, arrived], key=_rank) if joined else [arrived]
    _identified(world, changes, cookie, happened, lead.lead_id)
    return _added(world, changes, lead, activities, together, input_)


def _in_order(cookie: Cookie, lead_id: str, happened: Happened) -> bool:
    """Whether an identification on an identified cookie leaves all that is on it where it is."""
    rank = happened.rank
    if rank > cookie.top:
        return True
    return not cookie.shared and cookie.lead_id == lead_id and cookie.first is not None and rank > cookie.first


def _visit(
    world: World, input_: Input, cookie: Cookie | None, arrived: Kept, changes: Changes, secret: bytes
) -> Decision:
    """An event that names nobody but a cookie."""
    happened = arrived.happened
    if cookie is None or cookie.last is None or cookie.first is None:
        _visited(world, changes, cookie, happened)
        changes["activity", happened.event_id] = arrived
        return Decision(changes, [emission.noted(arrived, secret=secret)])
    rank = happened.rank
    if cookie.lead_id is None or (rank < cookie.last and (cookie.shared or rank < cookie.first)):
        return regroup(world, input_, {}, arrived=arrived, changes=changes, secret=secret)
    _visited(world, changes, cookie, happened)
    lead: Lead = world["lead", cookie.lead_id]
    return _added(world, changes, lead, [replace(arrived, lead_id=lead.lead_id, revision=1)], (), input_)


def _added(
    world: World, changes: Changes, lead: Lead, activities: list[Kept], names: Sequence[str], input_: Input
) -> Decision:
    """These activities, and these identifiers, are the lead's from now on."""
    state = lead.state
    users = externals = _NO_IDS
    if len(names) > 1 or (names and names[0] not in (input_.event.email, input_.event.phone)):
        users, externals = binding.user_ids(names), binding.external_ids(names)
    for kept in activities:
        changes["activity", kept.happened.event_id] = kept
        state = profile.add(state, kept, users, externals)
    fresh = lead.version == 0
    lead = Lead(lead.lead_id, lead.made_at, lead.made_by, raised(lead.version, input_.now), None, state)
    changes["lead", lead.lead_id] = lead
    known = () if fresh else world.get(("history", lead.lead_id))
    if known is not None:
        changes["history", lead.lead_id] = known + tuple([kept.happened.event_id for kept in activities])
    return Decision(changes, emission.enriched(lead, activities, _PAST if input_.event.facts.history else _NOW))


def _history_of(world: World, cookie: Cookie, happened: Happened, lead_id: str) -> list[Kept]:
    """What was done on a cookie that nobody was identified on before, now that somebody is."""
    visits: Visits | None = world.get(("visits", cookie.name))
    if visits is None or visits.since > happened.at:
        raise NotLoaded(cookies={cookie.name: happened.at})
    kept = {one.happened.rank: one for event_id in visits.events if (one := world["activity", event_id]).apart is None}
    ranks = sorted(kept)
    theirs = [*history(happened.rank, ranks), *(rank for rank in ranks if rank > happened.rank)]
    return [replace(kept[rank], lead_id=lead_id, revision=kept[rank].revision + 1) for rank in theirs]


def _identified(world: World, changes: Changes, cookie: Cookie | None, happened: Happened, lead_id: str) -> None:
    """One more event on its cookie, by the person of this lead."""
    name = happened.cookie
    if name is None:
        return
    rank = happened.rank
    lately = crowd.added(cookie.lately if cookie is not None else None, happened)
    if cookie is None or cookie.last is None or cookie.first is None:
        top = rank if cookie is None else max(cookie.top, rank)
        changes["identifier", name] = Cookie(name, top, lead_id, rank, rank, lately=lately)
    elif rank > cookie.last:
        shared = cookie.shared or cookie.lead_id != lead_id
        changes["identifier", name] = Cookie(name, max(cookie.top, rank), lead_id, cookie.first, rank, shared, lately)
    elif lately is not cookie.lately:
        changes["identifier", name] = replace(cookie, lately=lately)
    visited(world, changes, happened)


def _visited(world: World, changes: Changes, cookie: Cookie | None, happened: Happened) -> None:
    """One more event on its cookie, by nobody that it names."""
    name, rank = happened.cookie or "", happened.rank
    lately = crowd.added(cookie.lately if cookie is not None else None, happened)
    if cookie is None:
        changes["identifier", name] = Cookie(name, rank, lately=lately)
    elif rank > cookie.top or lately is not cookie.lately:
        changes["identifier", name] = replace(cookie, top=max(cookie.top, rank), lately=lately)
    visited(world, changes, happened)


def _rank(kept: Kept) -> Any:
    return kept.happened.rank
