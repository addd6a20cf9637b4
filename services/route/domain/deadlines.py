"""Deadlines of a handover: passing one on that nobody accepted, escalating what can't be passed on and what nobody contacted."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from msgspec.structs import replace

from services.route.domain import clocks, events, opening, passing
from services.route.domain.lifecycle import State
from services.route.domain.routing import Routing
from services.route.domain.state import Handover, Key, Lead, Scene
from shared import clock
from shared.contracts import HandoverEscalated
from shared.outcome import Outgoing
from shared.topology import HANDOVER

LATE = "not accepted by "  # how the reason of a withdrawal begins that nobody's acceptance brought about
OVER = ("customer", "disqualified")  # stages of a lead that nobody needs to call any more


def not_accepted(
    routing: Routing, scene: Scene, handover_id: str, *, at: datetime, emit: MutableSequence[Outgoing]
) -> None:
    """The accept clock of a handover ran out at `at`: the next owner gets it as the next attempt, and its owner is told so; after the last
    attempt, or when nobody else is there, it stays where it is and is escalated."""
    handover: Handover | None = scene.get(Key("handover", handover_id))
    if handover is None or handover.state is not State.OFFERED or handover.withdrawn_at is not None:
        return
    lead: Lead | None = scene.get(handover.lead_id)
    late = LATE + clock.text(at)
    if lead is not None and lead.stage in OVER:
        passing.take_back(scene, handover, at=at, expired=True, because=f"{late}; the lead is {lead.stage}", emit=emit)
        return
    told = scene.get(Key("recalled", passing.next_event(handover))) is not None
    left = handover.attempt < routing.deadlines.attempts
    if (told or left) and passing.pass_on(routing, scene, handover, at=at, because=late, emit=emit, expired=True):
        return
    why = "nobody else is there" if left else f"after {handover.attempt} attempts"
    clocks.put(scene, replace(handover, accept_escalated=True))
    emit.append(_escalated(routing, handover, deadline="accept", because=f"{late}, {why}", at=at))


def not_contacted(
    routing: Routing, scene: Scene, handover_id: str, *, at: datetime, emit: MutableSequence[Outgoing]
) -> None:
    """The contact clock of a handover ran out at `at`: it stays with its owner and is escalated."""
    handover: Handover | None = scene.get(Key("handover", handover_id))
    if handover is None or handover.withdrawn_at is not None:
        return
    if handover.state not in (State.OFFERED, State.ACCEPTED):
        return
    clocks.put(scene, replace(handover, contact_escalated=True))
    because = f"not contacted by {clock.text(at)}"
    emit.append(_escalated(routing, handover, deadline="contact", because=because, at=at))


def _escalated(routing: Routing, handover: Handover, *, deadline: str, because: str, at: datetime) -> Outgoing:
    to = routing.owners.get(routing.deadlines.escalate_to or "")
    event_id = events.escalation_event(handover.handover_id, deadline)
    told = HandoverEscalated(
        event_id=event_id,
        handover_id=handover.handover_id,
        lead_id=handover.opened_for,
        owner=events.kept(handover.document).owner,
        deadline=deadline,
        due_at=at,
        because=because,
        at=at,
        escalated_to=opening.told(to) if to is not None else None,
    )
    return Outgoing(HANDOVER, handover.lead_id, "lead.handover.escalated", event_id, told)
