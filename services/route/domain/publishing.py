"""What a new routing document means for what is there already: leads that wait are looked at anew, and what somebody has who is no longer
among the owners is passed on. Which document is in force is told by shared/documents."""

from __future__ import annotations

from collections.abc import Collection, MutableSequence
from datetime import datetime

from msgspec import Struct

from services.route.domain import outcomes, passing, timers
from services.route.domain.choice import LOOK_AGAIN
from services.route.domain.lifecycle import OPEN
from services.route.domain.routing import Routing
from services.route.domain.state import Handover, Key, Scene, Timer, TimerKey
from shared.outcome import Outgoing


class Published(Struct, frozen=True):
    """Another document is in force for a number than the one that its queue and its handovers were looked at by."""

    version: str
    owners: Collection[str]
    lead_id: str = ""


class Affected(Struct, frozen=True):
    """What it may concern: leads of the number that wait, and its open handovers (lead, handover) whose owners are gone."""

    waiting: Collection[str] = ()
    left: Collection[tuple[str, str]] = ()


def look_at_all(scene: Scene, published: Published, *, part: int, now: datetime) -> None:
    """Sets a timer for all that the document concerns, due at once: so it is done in slices, each lead with what is known of it then."""
    affected: Affected = scene.get(Key("affected", str(part)), Affected())
    for lead_id in affected.waiting:
        scene[TimerKey(lead_id, timers.QUEUE, "")] = Timer(part, now)
    for lead_id, handover_id in affected.left:
        scene[TimerKey(lead_id, timers.LEFT, handover_id)] = Timer(part, now)
    scene[Key("routed", str(part))] = published.version


def owner_left(
    routing: Routing, scene: Scene, handover_id: str, *, at: datetime, emit: MutableSequence[Outgoing]
) -> None:
    """Passes a handover on whose owner is gone. Where nobody can have it now, it stays for a while, and is looked at again."""
    handover: Handover | None = scene.get(Key("handover", handover_id))
    if handover is None or handover.state not in OPEN or handover.withdrawn_at is not None:
        return
    if handover.owner in routing.owners:
        return
    because = f"{handover.owner} is no longer in the routing document"
    if passing.pass_on(routing, scene, handover, at=at, because=because, emit=emit):
        outcomes.settle(scene, handover.lead_id)
        return
    timer = TimerKey(handover.lead_id, timers.LEFT, handover_id)
    timers.start(scene, timer, part=handover.part, due_at=at + LOOK_AGAIN)
