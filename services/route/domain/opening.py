"""Opening a handover: composing it, keeping one that stands on the topic already, or putting the lead into the queue."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

import msgspec

from services.route.domain import capacity, choice, clocks, events, pace, pools, queue, recent
from services.route.domain.choice import Choice
from services.route.domain.lifecycle import State
from services.route.domain.routing import Owner, Routing
from services.route.domain.state import READING, Account, Handover, Key, Lead, Scene
from shared import contracts
from shared.outcome import Outgoing
from shared.topology import HANDOVER

FIRST_ATTEMPT = 1
TOP_CONTRIBUTIONS = 5


def open_handover(
    routing: Routing,
    scene: Scene,
    *,
    lead: Lead,
    value: bytes,
    now: datetime,
    emit: MutableSequence[Outgoing],
    to: Choice | None = None,
) -> Lead:
    """Gives `lead`, whose episode has no handover yet, to an owner (`to`, where somebody has chosen already), or queues it. Returns the
    lead after that.

    `value` is the lead.scored that opens it. Raises msgspec.ValidationError when that is not what the contract says.
    """
    event_id = events.handover_event(lead.lead_id, lead.episode, FIRST_ATTEMPT)
    scored = events.whole_scored(value)
    account = choice.account_of(scored.profile)
    document: bytes | None = scene.get(Key("recalled", event_id))
    if document is not None:
        said = events.kept(document)
        handover = offered(said, document, lead=lead, pool=choice.pool_in(said.path))
        count(routing, scene, handover)
    else:
        raw = events.passed_on(value)
        since = queue.waits_since(scene, lead)
        chosen = to or choice.choose(
            routing, scene, lead=lead, account=account, scored=scored, raw=raw, now=now, since=since
        )
        if chosen.owner is not None and to is None and scene.get(READING):
            # Not told of, so nobody had it: who gets it is decided when all is known that was given meanwhile.
            chosen = Choice(chosen.path, reason=choice.NOBODY_IS_FREE, again_at=now)
        if chosen.owner is None:
            return queue.enter(scene, lead, chosen, account=account, value=value, now=now)
        if chosen.pool is not None:
            scene[Key("pool", chosen.pool)] = chosen.counters
        begun = composed(
            routing, scored, raw, lead=lead, owner=chosen.owner, chosen=chosen, now=now, ready_at=since or now
        )
        handover = offered(begun, contracts.encode(begun), lead=lead, pool=chosen.pool)
    add(routing, scene, handover, emit=emit)
    if account is not None:
        _own(routing, scene, account=account, owner=handover.owner, lead_id=lead.lead_id, now=handover.created_at)
    if lead.queued:
        queue.leave(scene, lead.lead_id)
    return msgspec.structs.replace(lead, handed=lead.episode, owner=handover.owner, queued=False)


def offered(
    said: events.Handover | events.Kept, document: bytes, *, lead: Lead, pool: str | None, opened_for: str | None = None
) -> Handover:
    """A handover as it begins, by what its document says. `opened_for` is the lead in its name, where that is another one."""
    return Handover(
        handover_id=said.handover_id,
        part=lead.part,
        lead_id=lead.lead_id,
        opened_for=opened_for or lead.lead_id,
        episode=said.episode,
        attempt=said.attempt,
        owner=said.owner.id,
        pool=pool,
        state=State.OFFERED,
        state_at=said.created_at,
        created_at=said.created_at,
        document=document,
        withdrawn_at=None,
        accept_by=said.accept_by,
        contact_by=said.contact_by,
    )


def count(routing: Routing, scene: Scene, handover: Handover) -> None:
    """Counts a handover that stands on the topic already as given by its pool."""
    if handover.pool is not None:
        key, pool = Key("pool", handover.pool), routing.pools.get(handover.pool)
        scene[key] = pools.kept(pool.members if pool is not None else (), scene.get(key, {}), handover.owner)


def add(routing: Routing, scene: Scene, handover: Handover, *, emit: MutableSequence[Outgoing]) -> None:
    """Hands over: the handover is its lead's, its clocks run, and its owner, whose bucket it comes out of, is told."""
    _load(routing, scene, handover.owner, now=handover.created_at)
    clocks.put(scene, handover)
    mine = Key("handovers", handover.lead_id)
    scene[mine] = (*scene.get(mine, ()), handover.handover_id)
    event_id = events.handover_event(handover.opened_for, handover.episode, handover.attempt)
    emit.append(Outgoing(HANDOVER, handover.lead_id, "lead.handover", event_id, handover.document))


def deadlines_of(routing: Routing, owner: Owner, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Until when an owner who gets a lead at `at` is to accept it, and to contact it: in the owner's working time."""
    accept, contact = routing.deadlines.accept, routing.deadlines.contact
    return (
        owner.calendar.add(at, accept) if accept is not None else None,
        owner.calendar.add(at, contact) if contact is not None else None,
    )


def told(owner: Owner) -> contracts.Owner:
    """An owner as the topic tells of one."""
    return contracts.Owner(id=owner.id, name=owner.name, email=owner.email, team=owner.team)


def composed(
    routing: Routing,
    scored: contracts.Scored,
    raw: events.PassedOn,
    *,
    lead: Lead,
    owner: Owner,
    chosen: Choice,
    now: datetime,
    ready_at: datetime,
) -> events.Handover:
    """The lead.handover. The system's part of the way ends at `ready_at`, before the lead waited for somebody. Profile, touches, activities and consent are passed on as they came."""
    top = sorted(scored.contributions, key=lambda one: (-abs(one.points), one.rule))[:TOP_CONTRIBUTIONS]
    accept_by, contact_by = deadlines_of(routing, owner, now)
    return events.Handover(
        event_id=events.handover_event(lead.lead_id, lead.episode, FIRST_ATTEMPT),
        handover_id=events.handover_id(lead.lead_id, lead.episode, FIRST_ATTEMPT),
        lead_id=lead.lead_id,
        episode=lead.episode,
        attempt=FIRST_ATTEMPT,
        owner=told(owner),
        profile=raw.profile,
        score=contracts.HandoverScore(
            total=scored.score.total,
            fit=scored.score.fit,
            engagement=scored.score.engagement,
            grade=scored.grade,
            stage=scored.stage,
            top=top,
        ),
        path=chosen.path,
        created_at=now,
        first_touch=events.given(raw.first_touch),
        last_touch=events.given(raw.last_touch),
        recent_activities=recent.newest_first(lead.recent),
        accept_by=accept_by,
        contact_by=contact_by,
        consent=events.given(events.consent_of(raw.profile)),
        segments=scored.segments or None,
        system_seconds=pace.system(scored.activity.received_at, ready_at) if scored.activity is not None else None,
    )


def _load(routing: Routing, scene: Scene, owner: str, *, now: datetime) -> None:
    """Takes one handover out of the owner's bucket. That it is open is counted where the decision is done (loads.py)."""
    known = routing.owners.get(owner)
    if known is not None and known.capacity.per_day is not None:
        key = Key("load", owner)
        scene[key] = capacity.taken(known, scene.get(key, capacity.NO_LOAD), now)


def _own(routing: Routing, scene: Scene, *, account: str, owner: str, lead_id: str, now: datetime) -> None:
    """The first owner of a company's leads keeps the company, until they are no longer in the document."""
    key = Key("account", account)
    known: Account | None = scene.get(key)
    if known is None or known.owner not in routing.owners:
        scene[key] = Account(owner, lead_id, now)
