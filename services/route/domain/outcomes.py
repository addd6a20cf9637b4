"""What sales says, and what that makes of handovers: a fold over everything that was said, in the order in which it happened.

Outcomes and the records that open, move and withdraw handovers come by two topics and, after a merge, by two numbers, so they
are met in any order. Therefore nothing here depends on what came first: verdicts and states are folded anew from the whole log
of a person's leads whenever something is added to it. The table of steps is lifecycle.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from services.route.domain import clocks, events
from services.route.domain.events import OutcomeCommand
from services.route.domain.lifecycle import OPEN, REACHED, TAKEN_ON, State, Verdict, judge
from services.route.domain.state import Handover, Key, Lead, Logged, Scene

EVER = datetime(1, 1, 1, tzinfo=UTC)  # since when a lead has been itself


def apply(scene: Scene, command: OutcomeCommand, *, part: int, now: datetime) -> None:
    """Logs an outcome and settles everything that was said of its lead, this included."""
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
        by_lead=command.handover_id is None,
    )
    said = Key("said", about(logged))
    scene[said] = (*scene.get(said, ()), logged.command_id)
    scene[Key("log", logged.command_id)] = logged
    settle(scene, said.id)


def about(logged: Logged) -> str:
    """The lead that an outcome is about: the one in its handover's name, or the one that was named. Never changes."""
    named = events.named(logged.handover_id) if logged.handover_id and not logged.by_lead else None
    return named[0] if named is not None else logged.lead_id


def settle(scene: Scene, lead_id: str) -> None:
    """Judges everything that was said of a person's leads by what is known now: a function of that alone, not of its order."""
    members = person(scene, lead_id)
    said = [scene[Key("log", id_)] for one in members for id_ in scene.get(Key("said", one), ())]
    held = {id_: scene[Key("handover", id_)] for one in members for id_ in scene.get(Key("handovers", one), ())}
    told: dict[str, list[Logged]] = {}
    for logged in said:
        chosen = _chosen(scene, logged, held.values()) if logged.by_lead else logged.handover_id
        if chosen is not None and chosen in held:
            told.setdefault(chosen, []).append(logged)
        else:
            verdict = Verdict.UNKNOWN if not logged.by_lead and _can_not_come(scene, chosen) else Verdict.WAITING
            _note(scene, logged, replace(logged, handover_id=chosen, verdict=verdict, before=None, after=None))
    for handover in held.values():
        _fold(scene, handover, told.get(handover.handover_id, []))


def was_open(scene: Scene, handover: Handover, *, at: datetime) -> bool:
    """Whether a handover was open by what the broker had up to `at`, as far as that is known here. What it had later does not count,
    known or not: a merge that is read late decides as it would have in time."""
    if handover.withdrawn_at is not None:
        return False
    leads = dict.fromkeys((handover.opened_for, *person(scene, handover.lead_id)))
    said: list[Logged] = [scene[Key("log", id_)] for one in leads for id_ in scene.get(Key("said", one), ())]
    state = State.OFFERED
    for logged in in_order(one for one in said if one.handover_id == handover.handover_id and one.received_at <= at):
        state = judge(state, logged.outcome)[1]
    return state in OPEN


def in_order(said: Iterable[Logged]) -> list[Logged]:
    """As it happened; of what happened at once, as the broker had it."""
    return sorted(said, key=lambda one: (one.occurred_at, one.received_at, one.command_id))


def _fold(scene: Scene, handover: Handover, said: list[Logged]) -> None:
    """The handover and the verdicts on it: from its offer through all that happened to it, its withdrawal in its place."""
    state, state_at, taken_at = State.OFFERED, handover.created_at, handover.withdrawn_at
    taken = State.EXPIRED if handover.expired else State.WITHDRAWN
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    for logged in in_order(said):
        # A merge is judged by when things happened. Whoever let a handover expire has lost it when the broker knows of nothing else.
        if taken_at is not None and state in OPEN:
            is_after = logged.received_at >= taken_at if handover.expired else logged.occurred_at > taken_at
            if is_after:
                state, state_at = taken, taken_at
        verdict, after = judge(state, logged.outcome)
        _note(
            scene,
            logged,
            replace(logged, handover_id=handover.handover_id, verdict=verdict, before=state, after=after),
        )
        if verdict is Verdict.APPLIED:
            state, state_at = after, logged.occurred_at
            accepted_at = accepted_at or (state_at if state in TAKEN_ON else None)
            contacted_at = contacted_at or (state_at if state in REACHED else None)
    if taken_at is not None and state in OPEN:
        state, state_at = taken, taken_at
    after_all = replace(handover, state=state, state_at=state_at, accepted_at=accepted_at, contacted_at=contacted_at)
    if after_all != handover:
        clocks.put(scene, after_all)


def _note(scene: Scene, before: Logged, after: Logged) -> None:
    if after != before:
        scene[Key("log", after.command_id)] = after


def person(scene: Scene, lead_id: str) -> list[str]:
    """The lead that `lead_id` is now, and all that are it now."""
    survivor: str = scene.get(Key("absorbed", lead_id), lead_id)
    return list(dict.fromkeys((survivor, lead_id, *scene.get(Key("absorbs", survivor), ()))))


def _chosen(scene: Scene, logged: Logged, held: Iterable[Handover]) -> str | None:
    """Which handover is meant where only a lead was named: the newest that the lead had when the broker got the outcome and that
    was not withdrawn by then; else the first that it had later; else none so far. By times alone: what is closed may be meant."""
    had: list[tuple[datetime, str]] = []
    later: list[tuple[datetime, str]] = []
    for one in held:
        since = one.created_at
        if one.opened_for != logged.lead_id:  # it is this lead's since the merge that made them one
            since = max(since, _one_since(scene, one.opened_for, logged.lead_id))
        if one.withdrawn_at is not None and one.withdrawn_at <= max(since, logged.received_at):
            continue
        if since <= logged.received_at:
            had.append((one.created_at, one.handover_id))
        else:
            later.append((since, one.handover_id))
    if had:
        return max(had)[1]
    return min(later)[1] if later else None


def _one_since(scene: Scene, lead_id: str, other: str) -> datetime:
    """Since when two leads of one person are one: the last of the merges by which both came to the same lead."""
    one, another = _merges(scene, lead_id), _merges(scene, other)
    return min((max(one[met], another[met]) for met in one.keys() & another.keys()), default=EVER)


def _merges(scene: Scene, lead_id: str) -> dict[str, datetime]:
    """The leads that this one came to be, one after the other, and since when."""
    found = {lead_id: EVER}
    at = EVER
    while (joined := scene.get(Key("joined", lead_id))) is not None and joined[0] not in found:
        lead_id, at = joined[0], max(at, joined[1])
        found[lead_id] = at
    return found


def _can_not_come(scene: Scene, handover_id: str | None) -> bool:
    """Whether the episode in the handover's name has been handed over, under another attempt or another lead's name."""
    named = events.named(handover_id) if handover_id else None
    if named is None:
        return True
    lead: Lead | None = scene.get(named[0])
    return lead is not None and named[1] <= lead.handed
