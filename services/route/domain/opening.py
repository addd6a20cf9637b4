"""Opening a handover: composing it, keeping one that stands on the topic already, or putting the lead into the queue."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

import msgspec

from services.route.domain import choice, events, pools, recent
from services.route.domain.lifecycle import State
from services.route.domain.routing import Owner, Routing
from services.route.domain.state import Account, Handover, Key, Lead, Queued, Scene
from shared import contracts
from shared.outcome import Outgoing
from shared.topology import HANDOVER

FIRST_ATTEMPT = 1
TOP_CONTRIBUTIONS = 5

_json = msgspec.json.Encoder().encode


def open_handover(
    routing: Routing, scene: Scene, *, lead: Lead, value: bytes, now: datetime, emit: MutableSequence[Outgoing]
) -> Lead:
    """Gives `lead`, whose episode has no handover yet, to an owner, or queues it. Returns the lead after that.

    `value` is the lead.scored that opens it. Raises msgspec.ValidationError when that is not what the contract says.
    """
    event_id = events.handover_event(lead.lead_id, lead.episode, FIRST_ATTEMPT)
    scored = events.whole_scored(value)
    account = choice.account_of(scored.profile)
    document: bytes | None = scene.get(Key("recalled", event_id))
    if document is not None:
        said = events.kept(document)
        owner_id, pool, created_at = said.owner.id, choice.pool_in(said.path), said.created_at
        if pool is not None:
            key = Key("pool", pool)
            scene[key] = pools.given(scene.get(key, {}), owner_id)
    else:
        raw = events.passed_on(value)
        chosen = choice.choose(routing, scene, lead=lead, account=account, scored=scored, raw=raw)
        if chosen.owner is None:
            scene[Key("queue", lead.lead_id)] = Queued(lead.part, lead.episode, chosen.reason, _json(chosen.path), now)
            return msgspec.structs.replace(lead, queued=True)
        owner_id, pool, created_at = chosen.owner.id, chosen.pool, now
        if pool is not None:
            scene[Key("pool", pool)] = chosen.counters
        document = composed(scored, raw, lead=lead, event_id=event_id, owner=chosen.owner, chosen=chosen, now=now)
    handover = Handover(
        handover_id=events.handover_id(lead.lead_id, lead.episode, FIRST_ATTEMPT),
        part=lead.part,
        lead_id=lead.lead_id,
        opened_for=lead.lead_id,
        episode=lead.episode,
        attempt=FIRST_ATTEMPT,
        owner=owner_id,
        pool=pool,
        state=State.OFFERED,
        state_at=created_at,
        created_at=created_at,
        document=document,
        withdrawn_at=None,
    )
    emit.append(Outgoing(HANDOVER, lead.lead_id, "lead.handover", event_id, document))
    mine = Key("handovers", lead.lead_id)
    scene[Key("handover", handover.handover_id)] = handover
    scene[mine] = (*scene.get(mine, ()), handover.handover_id)
    if account is not None:
        _own(routing, scene, account=account, owner=owner_id, lead_id=lead.lead_id, now=created_at)
    if lead.queued:
        scene[Key("queue", lead.lead_id)] = None
    return msgspec.structs.replace(lead, handed=lead.episode, owner=owner_id, queued=False)


def composed(
    scored: contracts.Scored,
    raw: events.PassedOn,
    *,
    lead: Lead,
    event_id: str,
    owner: Owner,
    chosen: choice.Choice,
    now: datetime,
) -> bytes:
    """The lead.handover as JSON. Profile, touches, activities and consent are passed on as they came."""
    top = sorted(scored.contributions, key=lambda one: (-abs(one.points), one.rule))[:TOP_CONTRIBUTIONS]
    return contracts.encode(
        events.Handover(
            event_id=event_id,
            handover_id=events.handover_id(lead.lead_id, lead.episode, FIRST_ATTEMPT),
            lead_id=lead.lead_id,
            episode=lead.episode,
            attempt=FIRST_ATTEMPT,
            owner=contracts.Owner(id=owner.id, name=owner.name, email=owner.email, team=owner.team),
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
            consent=events.given(events.consent_of(raw.profile)),
        )
    )


def _own(routing: Routing, scene: Scene, *, account: str, owner: str, lead_id: str, now: datetime) -> None:
    """The first owner of a company's leads keeps the company, until they are no longer in the document."""
    key = Key("account", account)
    known: Account | None = scene.get(key)
    if known is None or known.owner not in routing.owners:
        scene[key] = Account(owner, lead_id, now)
