"""What an operator says of a lead's owner: it is somebody else's from now on."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from msgspec.structs import replace

from services.route.domain import events, opening, outcomes, passing
from services.route.domain.choice import Choice
from services.route.domain.events import Assigned
from services.route.domain.lifecycle import OPEN
from services.route.domain.routing import Routing
from services.route.domain.state import Handover, Key, Lead, Queued, Scene
from shared.contracts import RouteStep
from shared.outcome import CommandResult, Outgoing

BECAUSE = "assigned by an operator"


def assign(
    routing: Routing, scene: Scene, asked: Assigned, *, now: datetime, emit: MutableSequence[Outgoing]
) -> CommandResult:
    """Gives a lead to an owner: its open handover is passed on to them; without one its next one goes to them, where the document has
    earlier owners first. A lead that waits in the queue is handed over. Refused for a lead that is not known, or is another one by now, and for nobody of the document."""
    lead: Lead | None = scene.get(asked.lead_id)
    to = routing.owners.get(asked.owner)
    survivor: str = scene.get(Key("absorbed", asked.lead_id), asked.lead_id)
    if lead is None:
        return _refused(asked, "no lead of this id was scored yet")
    if survivor != asked.lead_id:
        return _refused(asked, f"this lead is {survivor} since a merge")
    if to is None:
        return _refused(asked, f"{asked.owner} is not among the owners of the routing document")
    held: list[Handover] = [scene[Key("handover", id_)] for id_ in scene.get(Key("handovers", lead.lead_id), ())]
    standing = [one for one in held if one.state in OPEN and one.withdrawn_at is None]
    entry: Queued | None = scene.get(Key("queue", lead.lead_id))
    if not standing and lead.queued and entry is not None and entry.scored:
        chosen = Choice([RouteStep(rule="queue", matched=True, to=to.id, because=BECAUSE)], to)
        after = opening.open_handover(routing, scene, lead=lead, value=entry.scored, now=now, emit=emit, to=chosen)
        scene[lead.lead_id] = after
        outcomes.settle(scene, lead.lead_id)
        name = events.handover_id(lead.lead_id, lead.episode, opening.FIRST_ATTEMPT)
        return CommandResult(asked.command_id, "done", result=name)
    if not standing:
        scene[lead.lead_id] = replace(lead, owner=to.id)
        return CommandResult(asked.command_id, "done", result="the next handover is theirs")
    newest = max(standing, key=lambda one: (one.created_at, one.attempt))
    if newest.owner == to.id:
        return CommandResult(asked.command_id, "done", result=newest.handover_id)
    passing.pass_on(routing, scene, newest, at=now, because=BECAUSE, emit=emit, to=to)
    outcomes.settle(scene, lead.lead_id)
    return CommandResult(asked.command_id, "done", result=passing.next_name(newest))


def _refused(asked: Assigned, reason: str) -> CommandResult:
    return CommandResult(asked.command_id, "refused", reason)
