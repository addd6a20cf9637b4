"""Nurture beside route's other decisions: each input is decided by those first, then nurture looks at the same input and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from services.route.domain import events
from services.route.domain.events import Due, OutcomeCommand, Scored
from services.route.domain.lifecycle import State
from services.route.domain.nurture import decide as nurture
from services.route.domain.nurture import recalled
from services.route.domain.nurture.needs import InForce
from services.route.domain.nurture.ready import Ready
from services.route.domain.nurture.suppressing import SuppressCommand
from services.route.domain.nurture.telling import Changes
from services.route.domain.state import DUE, READING, Handover, Key, Lead, Logged, Scene, TimerKey, World
from services.route.domain.timers import NURTURE
from shared.outcome import Decision, Outcome, Reason, Reject
from shared.stage import Input

Decide = Callable[[World, Input], Outcome]

_NONE = frozenset[str]()
_SENT_BACK = (State.REJECTED, State.RECYCLED)


def beside(decide: Decide, in_force: InForce) -> Decide:
    """`decide` with nurture beside it."""

    def both(world: World, input_: Input) -> Outcome:
        outcome = decide(world, input_)
        if not isinstance(outcome, Decision):
            return outcome
        seen: World | Scene = world
        if READING in world:
            seen = Scene(world)
            recalled.stand(seen, input_)
            outcome = Decision({**outcome.changes, **seen.changes}, outcome.emit, outcome.commands)
        try:
            more = _more(in_force(input_.part, input_.now), seen, input_, outcome)
        except msgspec.ValidationError as error:
            return Reject(Reason.INVALID, events.place_of(error))
        if more is None:
            return outcome
        return Decision({**outcome.changes, **more.changes}, [*outcome.emit, *more.emit], outcome.commands)

    return both


def _more(ready: Ready, world: World | Scene, input_: Input, outcome: Decision) -> Changes | None:
    event, now, part = input_.event, input_.now, input_.part
    if type(event) is Scored:
        return _scored(ready, world, input_, outcome)
    if type(event) is Due:
        timer = TimerKey(event.lead_id, NURTURE, "")
        if event.kind != NURTURE and timer not in world.get(DUE, {}).get(event.lead_id, ()):
            return None
        return nurture.on_timer(ready, world, event.lead_id, part=part, now=now)
    if type(event) is OutcomeCommand:
        return _outcome(ready, world, input_, outcome)
    if type(event) is SuppressCommand:
        return nurture.on_suppressed(ready, world, event, part=part, now=now)
    return None


def _scored(ready: Ready, world: World | Scene, input_: Input, outcome: Decision) -> Changes | None:
    event: Scored = input_.event
    absorbed = restored = _NONE
    before: Lead | None = world.get(event.lead_id)
    if event.absorbed or event.restored:
        absorbed, restored = _moved(before, outcome.changes.get(event.lead_id))
    return nurture.on_scored(
        ready,
        world,
        event,
        now=input_.now,
        part=input_.part,
        is_newest=before is None or event.score_version > before.version,
        absorbed=absorbed,
        restored=restored,
    )


def _moved(before: Lead | None, after: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The leads that this one took over by a record, and those that it let go."""
    was = frozenset(before.absorbed.split()) if before is not None else frozenset[str]()
    now = frozenset(after.absorbed.split()) if isinstance(after, Lead) else was
    return now - was, was - now


def _outcome(ready: Ready, world: World | Scene, input_: Input, outcome: Decision) -> Changes | None:
    """What sales said may send the lead back to nurture: how often that was, and why the last time."""
    event: OutcomeCommand = input_.event
    seen = Scene(world)
    seen.changes = dict(outcome.changes)
    named = events.named(event.handover_id) if event.handover_id else None
    lead_id: str = named[0] if named is not None else event.lead_id
    lead_id = seen.get(Key("absorbed", lead_id), lead_id)
    lead: Lead | None = seen.get(lead_id)
    if lead is None:
        return None
    times, because = sent_back(seen, lead_id)
    if not times:
        return None
    return nurture.on_sales(ready, world, lead_id, times=times, because=because, part=lead.part, now=input_.now)


def sent_back(seen: Scene, lead_id: str) -> tuple[int, str]:
    """How many episodes of a person sales sent back, and what it said of the last: rejected or recycled, and the reason it gave."""
    members = (lead_id, *seen.get(Key("absorbs", lead_id), ()))
    held: list[Handover] = [
        seen[Key("handover", id_)] for one in members for id_ in seen.get(Key("handovers", one), ())
    ]
    back = [one for one in held if one.state in _SENT_BACK]
    if not back:
        return 0, ""
    last = max(back, key=lambda one: (one.state_at, one.handover_id))
    said: list[Logged] = [seen[Key("log", id_)] for one in members for id_ in seen.get(Key("said", one), ())]
    reasons = [
        one.reason for one in said if one.handover_id == last.handover_id and one.after == last.state and one.reason
    ]
    because = f"{last.state.value}: {reasons[-1]}" if reasons else last.state.value
    return len({(one.opened_for, one.episode) for one in back}), because
