"""The queue of leads in SQL that nobody has: entering and leaving it. Who gets a lead is choice.py's, giving it opening.py's."""

from __future__ import annotations

from datetime import datetime

import msgspec

from services.route.domain import timers
from services.route.domain.choice import Choice
from services.route.domain.state import Key, Lead, Queued, Scene, TimerKey

_json = msgspec.json.Encoder().encode


def waits_since(scene: Scene, lead: Lead) -> datetime | None:
    """Since when the lead waits with this episode; None when it does not."""
    entry: Queued | None = scene.get(Key("queue", lead.lead_id))
    return entry.since if entry is not None and entry.episode == lead.episode else None


def enter(scene: Scene, lead: Lead, chosen: Choice, *, account: str | None, value: bytes, now: datetime) -> Lead:
    """The lead after it was put into the queue, or left there for another reason. `value` is the lead.scored that it would be given by."""
    since = waits_since(scene, lead) or now
    scene[Key("queue", lead.lead_id)] = Queued(
        lead.part, lead.episode, chosen.reason, _json(chosen.path), since, account, value
    )
    timer = TimerKey(lead.lead_id, timers.QUEUE, "")
    if chosen.again_at is not None:
        timers.start(scene, timer, part=lead.part, due_at=chosen.again_at)
    else:
        timers.stop(scene, timer)
    return msgspec.structs.replace(lead, queued=True)


def leave(scene: Scene, lead_id: str) -> None:
    """Takes a lead out of the queue."""
    scene[Key("queue", lead_id)] = None
    timers.stop(scene, TimerKey(lead_id, timers.QUEUE, ""))
