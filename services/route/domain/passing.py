"""Passing a handover on to somebody else: the same episode, the next attempt, and whoever had it is told. Why it is passed on is told by others."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence
from dataclasses import replace as with_
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.route.domain import choice, clocks, events, opening, recent
from services.route.domain.choice import Choice
from services.route.domain.lifecycle import OPEN
from services.route.domain.routing import Owner, Routing, Target
from services.route.domain.state import SQL, Handover, Key, Lead, Scene, nobody
from shared import contracts
from shared.contracts import RouteStep
from shared.outcome import Outgoing
from shared.topology import HANDOVER


def next_event(handover: Handover) -> str:
    """The event id of the attempt after this one."""
    return events.handover_event(handover.opened_for, handover.episode, handover.attempt + 1)


def next_name(handover: Handover) -> str:
    """The id of the attempt after this one."""
    return events.handover_id(handover.opened_for, handover.episode, handover.attempt + 1)


def pass_on(
    routing: Routing,
    scene: Scene,
    handover: Handover,
    *,
    at: datetime,
    because: str,
    emit: MutableSequence[Outgoing],
    expired: bool = False,
    to: Owner | None = None,
) -> bool:
    """Takes the handover back from its owner and gives it to `to`, or to whose turn it is: the next of its pool, those who had it in this
    episode last. False, and nothing is changed, where nobody else can have it.

    An attempt that stands on the topic already is kept as it stands there.
    """
    lead: Lead = scene.get(handover.lead_id) or nobody(handover.lead_id, handover.part)
    document: bytes | None = scene.get(Key("recalled", next_event(handover)))
    if document is None:
        step = RouteStep(rule=f"attempt:{handover.attempt + 1}", matched=True, because=because)
        if to is not None:
            chosen = Choice([replace(step, to=to.id)], to)
        else:
            chosen = _next(routing, scene, handover, lead, at)
            chosen = replace(chosen, path=[step, *chosen.path])
        if chosen.owner is None:
            return False
        if chosen.pool is not None:
            scene[Key("pool", chosen.pool)] = chosen.counters
        begun = _composed(routing, handover, lead, owner=chosen.owner, chosen=chosen, at=at)
        successor = opening.offered(
            begun, contracts.encode(begun), lead=lead, pool=chosen.pool, opened_for=handover.opened_for
        )
    else:
        successor = _kept(routing, scene, handover, lead, document)
    passed = f"{because}; passed on to {successor.owner}"
    take_back(scene, handover, at=at, expired=expired, because=passed, emit=emit)
    opening.add(routing, scene, successor, emit=emit)
    scene[handover.lead_id] = replace(lead, owner=successor.owner)
    return True


def keep(routing: Routing, scene: Scene, handover: Handover, document: bytes) -> Handover:
    """The next attempt as it stands on the topic is its lead's, and its clocks run; nobody is told."""
    lead: Lead = scene.get(handover.lead_id) or nobody(handover.lead_id, handover.part)
    successor = _kept(routing, scene, handover, lead, document)
    opening.add(routing, scene, successor, emit=[])
    scene[handover.lead_id] = replace(lead, owner=successor.owner)
    return successor


def _kept(routing: Routing, scene: Scene, handover: Handover, lead: Lead, document: bytes) -> Handover:
    said = events.kept(document)
    successor = opening.offered(
        said, document, lead=lead, pool=choice.pool_in(said.path), opened_for=handover.opened_for
    )
    opening.count(routing, scene, successor)
    return successor


def take_back(
    scene: Scene,
    handover: Handover,
    *,
    at: datetime,
    because: str,
    emit: MutableSequence[Outgoing],
    expired: bool = False,
    key: str | None = None,
) -> None:
    """Takes a handover back from its owner, who is told, under the key of the lead that it stays with (a merge: of the survivor); its data
    names the lead that the owner knows. What that makes of it is told by the next settling (outcomes.py)."""
    clocks.put(scene, replace(handover, withdrawn_at=at, expired=expired))
    event_id = events.withdrawal_event(handover.handover_id)
    told = contracts.HandoverWithdrawn(
        event_id=event_id,
        handover_id=handover.handover_id,
        lead_id=handover.opened_for,
        owner=events.kept(handover.document).owner,
        because=because,
        at=at,
    )
    emit.append(Outgoing(HANDOVER, key or handover.lead_id, "lead.handover.withdrawn", event_id, told))


def take_all_back(scene: Scene, lead_id: str, *, at: datetime, because: str, emit: MutableSequence[Outgoing]) -> None:
    """Takes back every handover of a lead that stands."""
    for id_ in scene.get(Key("handovers", lead_id), ()):
        handover: Handover = scene[Key("handover", id_)]
        if handover.state in OPEN and handover.withdrawn_at is None:
            take_back(scene, handover, at=at, because=because, emit=emit)


def _next(routing: Routing, scene: Scene, handover: Handover, lead: Lead, at: datetime) -> Choice:
    """Whose turn it is: the pool that gave the handover, else what the rules say without looking at earlier owners; then the fallback;
    then those who had it before, but for the one who has it now. Who is free goes before who is not."""
    had = dict.fromkeys((*_owners_before(scene, handover), handover.owner))
    over = {owner: f"{owner} had it already" for owner in had}
    pool = routing.pools.get(handover.pool or "")
    if pool is None:
        return _by_the_rules(routing, scene, handover, lead, over, at)
    target = Target("pool", pool.id)
    search = choice.Search(routing, scene, at, over)
    found = search.free_at(target)
    if found is None and routing.fallback is not None:
        search.path.append(RouteStep(rule="when_nobody_is_free", matched=True, to=str(routing.fallback.to)))
        found = search.free_at(routing.fallback.to) or search.anybody(routing.fallback.to)
    if found is None:
        again = choice.Search(routing, scene, at, {handover.owner: over[handover.owner]}, search.path)
        found = again.free_at(target) or search.anybody(target) or again.anybody(target)
    return found or Choice(search.path, reason="nobody is left")


def _owners_before(scene: Scene, handover: Handover) -> Iterable[str]:
    for attempt in range(1, handover.attempt):
        id_ = events.handover_id(handover.opened_for, handover.episode, attempt)
        before: Handover | None = scene.get(Key("handover", id_))
        if before is not None:
            yield before.owner


def _by_the_rules(
    routing: Routing, scene: Scene, handover: Handover, lead: Lead, over: dict[str, str], at: datetime
) -> Choice:
    """What the rules say of the lead as it was handed over. What a handover does not tell (`lead.previous_stage`) is not known to them."""
    scored = as_scored(handover.document)
    raw = events.passed_on(handover.document)
    return choice.choose(
        with_(routing, sticky=()),
        scene,
        lead=lead,
        account=None,
        scored=scored,
        raw=raw,
        now=at,
        since=choice.EVER,
        but=over,
    )


def as_scored(document: bytes) -> contracts.Scored:
    """The lead.scored that a handover came of, as far as the handover tells it."""
    was = events.whole_handover(document)
    return contracts.Scored(
        event_id=was.event_id,
        lead_id=was.lead_id,
        score_version=0,
        score=contracts.Points(total=was.score.total, fit=was.score.fit, engagement=was.score.engagement),
        grade=was.score.grade or "",
        stage=was.score.stage or SQL,
        previous_stage="",
        stage_since=was.created_at,
        ruleset=contracts.RulesetRef(id="", version=0),
        cause="",
        contributions=[],
        profile=was.profile,
        segments=was.segments or [],
        episode=was.episode,
    )


def _composed(
    routing: Routing, handover: Handover, lead: Lead, *, owner: Owner, chosen: Choice, at: datetime
) -> events.Handover:
    """The next attempt: what is known of the lead as the one before tells it, under the same lead id (a merge may have given it to
    another since), with what it did since."""
    document = msgspec.json.decode(handover.document, type=events.Handover)
    accept_by, contact_by = opening.deadlines_of(routing, owner, at)
    return replace(
        document,
        event_id=next_event(handover),
        handover_id=next_name(handover),
        attempt=handover.attempt + 1,
        owner=opening.told(owner),
        path=chosen.path,
        created_at=at,
        recent_activities=recent.newest_first(lead.recent) or document.recent_activities,
        accept_by=accept_by,
        contact_by=contact_by,
        system_seconds=None,
    )
