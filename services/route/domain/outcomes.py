"""What an outcome does: finds its handover, moves it where that is possible, and keeps what was said with its verdict, always."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.route.domain import events
from services.route.domain.events import OutcomeCommand
from services.route.domain.lifecycle import OPEN, Verdict, judge
from services.route.domain.state import Handover, Key, Lead, Logged, Scene


def apply(scene: Scene, command: OutcomeCommand, *, part: int, now: datetime) -> None:
    """Applies an outcome to its handover, or keeps it until the handover is known."""
    logged = Logged(
        command_id=command.command_id,
        part=part,
        lead_id=command.lead_id,
        handover_id=command.handover_id,
        outcome=command.outcome,
        reason=command.reason,
        amount=command.amount,
        currency=command.currency,
        by=command.by,
        occurred_at=command.occurred_at or now,
        received_at=now,
        verdict=Verdict.WAITING,
        before=None,
        after=None,
    )
    lead_id: str = scene.get(Key("absorbed", command.lead_id), command.lead_id)
    handover = _named(scene, command.handover_id) if command.handover_id else _latest(scene, lead_id)
    if handover is not None:
        _settle(scene, logged, handover)
        return
    if command.handover_id and _can_no_longer_come(scene, command.handover_id):
        logged = replace(logged, verdict=Verdict.UNKNOWN)
    else:
        key = Key("waiting", lead_id)
        scene[key] = (*scene.get(key, ()), logged.command_id)
    scene[Key("log", logged.command_id)] = logged


def apply_waiting(scene: Scene, lead: Lead, handover_id: str) -> None:
    """Applies what was said about a handover before it was known here, in the order in which it happened."""
    waiting: list[Logged] = []
    for lead_id in (lead.lead_id, *lead.absorbed.split()):
        waiting += [scene[Key("log", id_)] for id_ in scene.get(Key("waiting", lead_id), ())]
    for logged in sorted(waiting, key=lambda one: (one.occurred_at, one.command_id)):
        if logged.verdict is Verdict.WAITING and logged.handover_id in (None, handover_id):
            _settle(scene, logged, scene[Key("handover", handover_id)])


def _settle(scene: Scene, logged: Logged, handover: Handover) -> None:
    verdict, after = judge(handover.state, logged.outcome)
    if verdict is Verdict.APPLIED:
        scene[Key("handover", handover.handover_id)] = replace(handover, state=after, state_at=logged.occurred_at)
    scene[Key("log", logged.command_id)] = replace(
        logged, handover_id=handover.handover_id, verdict=verdict, before=handover.state, after=after
    )


def _named(scene: Scene, handover_id: str) -> Handover | None:
    handover: Handover | None = scene.get(Key("handover", handover_id))
    return handover


def _latest(scene: Scene, lead_id: str) -> Handover | None:
    """The lead's newest open handover, or its newest one."""
    all_ = [scene[Key("handover", id_)] for id_ in scene.get(Key("handovers", lead_id), ())]
    return max(all_, key=lambda one: (one.state in OPEN, one.created_at, one.handover_id), default=None)


def _can_no_longer_come(scene: Scene, handover_id: str) -> bool:
    """Whether the episode in the handover's name has been handed over, under another attempt."""
    named = events.named(handover_id)
    if named is None:
        return True
    lead: Lead | None = scene.get(named[0])
    return lead is not None and named[1] <= lead.handed
