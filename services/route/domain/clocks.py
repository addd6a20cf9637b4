"""Which of a handover's clocks run: a function of where it stands. What happens when one runs out is deadlines.py's."""

from __future__ import annotations

from datetime import datetime

from services.route.domain import timers
from services.route.domain.lifecycle import State
from services.route.domain.state import Handover, Key, Scene, TimerKey


def put(scene: Scene, handover: Handover) -> None:
    """Puts a handover into the scene as it is now, and starts and stops its clocks accordingly. Nothing else may write one."""
    key = Key("handover", handover.handover_id)
    before, after = _running(scene.get(key)), _running(handover)
    scene[key] = handover
    for timer in before.keys() - after.keys():
        timers.stop(scene, timer)
    for timer, (part, due_at) in after.items():
        if before.get(timer) != (part, due_at):
            timers.start(scene, timer, part=part, due_at=due_at)


def _running(handover: Handover | None) -> dict[TimerKey, tuple[int, datetime]]:
    """The clocks of a handover, and when they run out."""
    found: dict[TimerKey, tuple[int, datetime]] = {}
    if handover is None or handover.withdrawn_at is not None:
        return found
    lead_id, id_, state = handover.lead_id, handover.handover_id, handover.state
    if handover.accept_by is not None and state is State.OFFERED and not handover.accept_escalated:
        found[TimerKey(lead_id, timers.ACCEPT, id_)] = (handover.part, handover.accept_by)
    if handover.contact_by is not None and state in (State.OFFERED, State.ACCEPTED) and not handover.contact_escalated:
        found[TimerKey(lead_id, timers.CONTACT, id_)] = (handover.part, handover.contact_by)
    return found
