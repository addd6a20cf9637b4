"""What becomes of handovers when leads turn out to be one person: one owner stays, the others are told."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from datetime import datetime

from msgspec.structs import replace

from services.route.domain import events
from services.route.domain.lifecycle import OPEN, State
from services.route.domain.state import SQL, Handover, Key, Lead, Scene
from shared import contracts
from shared.outcome import Outgoing
from shared.topology import HANDOVER


def take_over(
    scene: Scene, lead: Lead, absorbed: Sequence[str], *, now: datetime, emit: MutableSequence[Outgoing]
) -> Lead:
    """The lead after it took over what `absorbed` had.

    Its own open handover stays; without one the newest open one of the others moves over with its owner, and the episode
    that the lead is in counts as handed over. Every other open one is withdrawn.
    """
    theirs: list[Handover] = []
    owner = lead.owner
    taken = set(absorbed)
    for id_ in absorbed:
        taken.update(one for one in scene.get(Key("absorbs", id_), ()) if scene.get(Key("absorbed", one)) == id_)
        theirs += _open(scene, id_)
        before: Lead | None = scene.get(id_)
        if before is not None:
            owner = owner or before.owner
            if before.queued:
                scene[Key("queue", id_)] = None
    taken.discard(lead.lead_id)
    for id_ in taken:
        scene[Key("absorbed", id_)] = lead.lead_id
    names = sorted({*lead.absorbed.split(), *taken})
    scene[Key("absorbs", lead.lead_id)] = tuple(names)
    theirs.sort(key=lambda one: (one.created_at, one.handover_id))
    handed = lead.handed
    if theirs and not _open(scene, lead.lead_id):
        stays = theirs.pop()
        move(scene, stays, lead.lead_id, part=lead.part)
        owner = stays.owner
        if lead.stage == SQL:
            handed = max(handed, lead.episode)
    for handover in theirs:
        scene[Key("handover", handover.handover_id)] = replace(handover, state=State.WITHDRAWN, state_at=now)
        emit.append(_withdrawn(handover, survivor=lead.lead_id, now=now))
    return replace(lead, owner=owner, handed=handed, absorbed=" ".join(names))


def move(scene: Scene, handover: Handover, lead_id: str, *, part: int) -> None:
    """Gives a handover to another lead."""
    scene[Key("handover", handover.handover_id)] = replace(handover, lead_id=lead_id, part=part)
    before, after = Key("handovers", handover.lead_id), Key("handovers", lead_id)
    scene[before] = tuple(id_ for id_ in scene.get(before, ()) if id_ != handover.handover_id)
    scene[after] = (*scene.get(after, ()), handover.handover_id)


def _open(scene: Scene, lead_id: str) -> list[Handover]:
    all_ = (scene[Key("handover", id_)] for id_ in scene.get(Key("handovers", lead_id), ()))
    return [one for one in all_ if one.state in OPEN]


def _withdrawn(handover: Handover, *, survivor: str, now: datetime) -> Outgoing:
    """Goes under the survivor's key to the survivor's partition; its data names the lead that the owner knows."""
    event_id = events.withdrawal_event(handover.handover_id)
    told = contracts.HandoverWithdrawn(
        event_id=event_id,
        handover_id=handover.handover_id,
        lead_id=handover.opened_for,
        owner=events.kept(handover.document).owner,
        because=f"merged into {survivor}",
        at=now,
    )
    return Outgoing(HANDOVER, survivor, "lead.handover.withdrawn", event_id, told)
