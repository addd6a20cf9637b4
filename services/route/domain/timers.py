"""Timers of leads: starting and stopping them, and which is next. What happens when one falls due is decided in decide.py, by its kind.

A timer is a row until it falls due and costs nothing meanwhile. Then it is an input as a record is, with its due time as `now`. A lead's
due timers are carried out before its next record, in the order of their due times: so a replay decides what was decided.
"""

from __future__ import annotations

from datetime import datetime

from services.route.domain.state import DUE, Scene, Timer, TimerKey
from shared import clock, ids

ACCEPT = "accept"  # a handover is to be accepted by then; key: its id
CONTACT = "contact"  # its lead is to be contacted by then; key: the handover's id
NURTURE = "nurture"  # the earliest step of all tracks that the lead is in; no key, and no row of its own: it stands in nurture's
LEFT = "left"  # a handover whose owner is no longer in the document is passed on; key: its id
QUEUE = "queue"  # a lead that waits for somebody is looked at again

# Kinds that may give a lead to somebody, or look at what leads share: a batch with one of them decides alone.
GATED = frozenset({ACCEPT, CONTACT, LEFT, QUEUE})


def start(scene: Scene, timer: TimerKey, *, part: int, due_at: datetime) -> None:
    """Starts a timer, or sets it to another time."""
    scene[timer] = Timer(part, due_at)
    known: dict[str, tuple[TimerKey, ...]] = scene.get(DUE, {})
    of_lead = known.get(timer.lead_id, ())
    if timer not in of_lead:
        scene[DUE] = {**known, timer.lead_id: (*of_lead, timer)}


def stop(scene: Scene, timer: TimerKey) -> None:
    """Stops a timer, whether it runs or not."""
    scene[timer] = None


def next_due(world: Scene, lead_id: str, *, until: datetime) -> tuple[datetime, TimerKey] | None:
    """The earliest timer of a lead that is due up to `until`, and when it fell due."""
    running = ((world.get(timer), timer) for timer in world.get(DUE, {}).get(lead_id, ()))
    return min(((one.due_at, timer) for one, timer in running if one is not None and one.due_at <= until), default=None)


def input_id(timer: TimerKey, due_at: datetime) -> str:
    """The id of a timer as an input: of whose, what and when."""
    return ids.timer_id(timer.lead_id, f"{timer.kind} {timer.key}", clock.to_ms(due_at))
