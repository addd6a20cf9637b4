"""What becomes of handovers when leads turn out to be one person: one owner stays, the others are told."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from datetime import datetime

from msgspec.structs import replace

from services.route.domain import clocks, events, outcomes, passing, queue
from services.route.domain.state import SQL, Handover, Key, Lead, Scene
from shared.outcome import Outgoing


def take_over(
    scene: Scene, lead: Lead, absorbed: Sequence[str], *, now: datetime, emit: MutableSequence[Outgoing]
) -> Lead:
    """The lead after it took over what `absorbed` had.

    Its own open handover stays; without one the newest open one of the others moves over with its owner, and the episode
    that the lead is in counts as handed over. Every other open one is withdrawn. What is open goes by what the broker had at `now`;
    a withdrawal that stands on the topic already is one again.
    """
    theirs: list[Handover] = []
    owner = lead.owner
    taken = set(absorbed)
    for id_ in absorbed:
        taken.update(one for one in scene.get(Key("absorbs", id_), ()) if scene.get(Key("absorbed", one)) == id_)
        theirs += _of(scene, id_)
        before: Lead | None = scene.get(id_)
        if before is not None:
            owner = owner or before.owner
            if before.queued:
                queue.leave(scene, id_)
    taken.discard(lead.lead_id)
    for id_ in taken:
        scene[Key("absorbed", id_)] = lead.lead_id
        scene[Key("joined", id_)] = scene.get(Key("joined", id_), (lead.lead_id, now))
    names = sorted({*lead.absorbed.split(), *taken})
    scene[Key("absorbs", lead.lead_id)] = tuple(names)
    told = [one for one in theirs if _was_told(scene, one.handover_id, at=now)]
    theirs = [one for one in theirs if one not in told and outcomes.was_open(scene, one, at=now)]
    theirs.sort(key=lambda one: (one.created_at, one.handover_id))
    handed = lead.handed
    if theirs and not any(outcomes.was_open(scene, one, at=now) for one in _of(scene, lead.lead_id)):
        stays = theirs.pop()
        move(scene, stays, lead.lead_id, part=lead.part)
        owner = stays.owner
        if lead.stage == SQL:
            handed = max(handed, lead.episode)
    for handover in (*told, *theirs):
        passing.take_back(scene, handover, at=now, because=f"merged into {lead.lead_id}", emit=emit, key=lead.lead_id)
    return replace(lead, owner=owner, handed=handed, absorbed=" ".join(names))


def release(scene: Scene, lead: Lead, restored: Sequence[str]) -> Lead:
    """The lead without those that are themselves again. What was handed over stays with it: one person was called, and the other is a lead
    of its own whose next stay in SQL is handed over as any. Who became a third lead meanwhile, of whose merge another number told first, stays that."""
    for id_ in restored:
        if scene.get(Key("absorbed", id_), lead.lead_id) not in (id_, lead.lead_id):
            continue
        scene[Key("absorbed", id_)] = id_
        scene[Key("joined", id_)] = scene.get(Key("joined", id_), (lead.lead_id, outcomes.EVER))
    names = [id_ for id_ in lead.absorbed.split() if id_ not in restored]
    scene[Key("absorbs", lead.lead_id)] = tuple(names)
    return replace(lead, absorbed=" ".join(names))


def move(scene: Scene, handover: Handover, lead_id: str, *, part: int) -> None:
    """Gives a handover to another lead."""
    clocks.put(scene, replace(handover, lead_id=lead_id, part=part))
    before, after = Key("handovers", handover.lead_id), Key("handovers", lead_id)
    scene[before] = tuple(id_ for id_ in scene.get(before, ()) if id_ != handover.handover_id)
    scene[after] = (*scene.get(after, ()), handover.handover_id)


def _of(scene: Scene, lead_id: str) -> list[Handover]:
    """The handovers of a lead that were not withdrawn."""
    all_: Iterable[Handover] = (scene[Key("handover", id_)] for id_ in scene.get(Key("handovers", lead_id), ()))
    return [one for one in all_ if one.withdrawn_at is None]


def _was_told(scene: Scene, handover_id: str, *, at: datetime) -> bool:
    """Whether the topic has it already that the merge of that time withdrew this handover."""
    told: bytes | None = scene.get(Key("recalled", events.withdrawal_event(handover_id)))
    return told is not None and events.withdrawn(told).at == at
