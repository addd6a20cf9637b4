"""What one record does: the page to read first. Decoding is decode.py, loading and saving what is decided here is store.py."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.route.domain import (
    assigning,
    deadlines,
    events,
    loads,
    merge,
    opening,
    outcomes,
    pace,
    passing,
    publishing,
    queue,
    recalled,
    recent,
    timers,
)
from services.route.domain.events import Assigned, Ignored, OutcomeCommand, Scored
from services.route.domain.lead import drops_out, moved, newly_absorbed, opens, released
from services.route.domain.publishing import Published
from services.route.domain.routing import Routing
from services.route.domain.state import DUE, READING, SQL, Handover, Key, Lead, Queued, Scene, TimerKey, World, nobody
from shared.outcome import Decision, Outcome, Outgoing, Reason, Reject
from shared.stage import Input

_NOTHING = Decision()


InForce = Callable[[int, datetime], Routing]  # the document of a number at a moment


def deciding(in_force: InForce) -> Callable[[World, Input], Outcome]:
    """`decide` under the routing documents in force."""

    def decide(world: World, input_: Input) -> Outcome:
        due = world.get(DUE)
        if READING in world:
            outcome = _as_told(in_force, world, input_)
        elif not due or type(input_.event) is Ignored or input_.event.lead_id not in due:
            outcome = _decide(in_force, world, input_)
        else:
            outcome = _after_timers(in_force, world, input_)
        if not isinstance(outcome, Decision):
            return outcome
        if len(outcome.changes) < 2:  # a lead alone, as nearly always
            return outcome
        changes = dict(loads.counted(world, outcome.changes))
        routing = in_force(input_.part, input_.now)
        took, moved = pace.measured(routing, world, changes), pace.moved(routing, world, changes)
        if took:
            changes[Key("took", input_.event_id)] = took
        if moved:
            changes[Key("moved", input_.event_id)] = moved
        return replace(outcome, changes=changes)

    return decide


def _as_told(in_force: InForce, world: World, input_: Input) -> Outcome:
    """Decides on the input where its leads' handovers stand as the topic tells; their clocks wait until everything is read again."""
    scene = Scene(world)
    recalled.stand(in_force(input_.part, input_.now), scene, recalled.concerned(scene, input_), at=input_.now)
    is_clock = not world[READING] and type(input_.event) is not Ignored
    outcome = (_after_timers if is_clock else _decide)(in_force, scene, input_)
    if isinstance(outcome, Reject):
        return outcome
    return replace(outcome, changes={**scene.changes, **outcome.changes})


def _decide(in_force: InForce, world: World | Scene, input_: Input) -> Outcome:
    event = input_.event
    if type(event) is Scored:
        try:
            return decide_scored(in_force(input_.part, input_.now), world, input_)
        except msgspec.ValidationError as error:
            return Reject(Reason.INVALID, events.place_of(error))
    if type(event) is OutcomeCommand:
        return decide_outcome(world, input_)
    if type(event) is Assigned:
        scene = Scene(world)
        emit: list[Outgoing] = []
        result = assigning.assign(in_force(input_.part, input_.now), scene, event, now=input_.now, emit=emit)
        return Decision(scene.changes, emit, [result])
    if type(event) is Published:
        scene = Scene(world)
        publishing.look_at_all(scene, event, part=input_.part, now=input_.now)
        return Decision(scene.changes)
    return _NOTHING


def _after_timers(in_force: InForce, world: World | Scene, input_: Input) -> Outcome:
    """Carries out what fell due for the input's lead up to its time, and then decides on the input, if it is a record."""
    scene = Scene(world)
    emit: list[Outgoing] = []
    try:
        while (due := timers.next_due(scene, input_.event.lead_id, until=input_.now)) is not None:
            at, timer = due
            timers.stop(scene, timer)
            carry_out(in_force(input_.part, at), scene, timer, at=at, emit=emit)
    except Exception:
        if input_.record is None:
            raise
        # What is wrong with a timer is no fault of this record's: the timer becomes a dead letter when the clock brings it.
        return _decide(in_force, world, input_)
    outcome = _decide(in_force, scene, input_)
    if not isinstance(outcome, Decision):
        return outcome
    return Decision({**scene.changes, **outcome.changes}, [*emit, *outcome.emit], outcome.commands)


def carry_out(
    routing: Routing, scene: Scene, timer: TimerKey, *, at: datetime, emit: MutableSequence[Outgoing]
) -> None:
    """A timer fell due at `at` and runs no more: what comes of it, by its kind. It may start others."""
    match timer.kind:
        case timers.ACCEPT:
            deadlines.not_accepted(routing, scene, timer.key, at=at, emit=emit)
            outcomes.settle(scene, timer.lead_id)
        case timers.CONTACT:
            deadlines.not_contacted(routing, scene, timer.key, at=at, emit=emit)
        case timers.NURTURE:
            pass  # nurture/beside.py looks at the lead once all else is decided
        case timers.LEFT:
            publishing.owner_left(routing, scene, timer.key, at=at, emit=emit)
        case timers.QUEUE:
            _look_again(routing, scene, timer.lead_id, at=at, emit=emit)
        case _:
            raise ValueError(f"no timer is of kind {timer.kind}")


def _look_again(routing: Routing, scene: Scene, lead_id: str, *, at: datetime, emit: MutableSequence[Outgoing]) -> None:
    """A lead that waits is given to somebody, or waits on."""
    lead: Lead | None = scene.get(lead_id)
    entry: Queued | None = scene.get(Key("queue", lead_id))
    if lead is None or entry is None or not lead.queued or not entry.scored:
        return
    after = opening.open_handover(routing, scene, lead=lead, value=entry.scored, now=at, emit=emit)
    scene[lead_id] = after
    if after.handed > lead.handed:
        outcomes.settle(scene, lead_id)


def decide_scored(routing: Routing, world: World | Scene, input_: Input) -> Outcome:
    """A lead.scored: nearly always a version and an activity to remember; an episode that is new is handed over.

    Raises msgspec.ValidationError when a part of the record that is needed is not what the contract says.
    """
    event: Scored = input_.event
    before: Lead = world.get(event.lead_id) or nobody(event.lead_id, input_.part)
    activity = bytes(event.activity)
    seen = before.recent if activity in (b"", b"null") else recent.added(before.recent, activity)
    after = moved(before, event, seen)
    absorbed, restored = newly_absorbed(after, event), released(after, event)
    drops = drops_out(before, event)
    if not absorbed and not restored and not after.queued and not drops and not opens(after, event):
        return _NOTHING if after is before else Decision({event.lead_id: after})

    scene = Scene(world)
    emit: list[Outgoing] = []
    survivor: str | None = world.get(Key("absorbed", event.lead_id))
    if survivor is not None and survivor != event.lead_id:
        after = _of_an_absorbed_lead(routing, scene, after, survivor, input_, emit)
    else:
        if restored:
            after = merge.release(scene, after, restored)
        if absorbed:
            after = merge.take_over(scene, after, absorbed, now=input_.now, emit=emit)
        if opens(after, event):
            after = opening.open_handover(routing, scene, lead=after, value=_value(input_), now=input_.now, emit=emit)
        elif after.queued and (after.stage != SQL or after.handed >= after.episode):
            queue.leave(scene, event.lead_id)
            after = replace(after, queued=False)
    scene[event.lead_id] = after
    if drops:
        passing.take_all_back(scene, event.lead_id, at=input_.now, because="the lead is disqualified", emit=emit)
    if absorbed or drops or after.handed > before.handed:
        outcomes.settle(scene, event.lead_id)
    return Decision(scene.changes, emit)


def decide_outcome(world: World | Scene, input_: Input) -> Outcome:
    """An outcome: logged and settled with all others about its lead; it is never refused and never lost."""
    scene = Scene(world)
    outcomes.apply(scene, input_.event, part=input_.part, now=input_.now)
    return Decision(scene.changes)


def _of_an_absorbed_lead(
    routing: Routing, scene: Scene, lead: Lead, survivor: str, input_: Input, emit: list[Outgoing]
) -> Lead:
    """A record of a lead that is another one by now opens nothing: the survivor's records do.

    But when a store is built again, the number of the survivor may be read before this one: then the handover that this
    lead once had is on the topic, and is kept as the merge has left it.
    """
    event_id = events.handover_event(lead.lead_id, lead.episode, opening.FIRST_ATTEMPT)
    if not opens(lead, input_.event) or scene.get(Key("recalled", event_id)) is None:
        return lead
    lead = opening.open_handover(routing, scene, lead=lead, value=_value(input_), now=input_.now, emit=emit)
    _, merged_at = scene.get(Key("joined", lead.lead_id), (survivor, recalled.END))
    recalled.stand(routing, scene, (lead.lead_id,), at=merged_at)
    home: Lead | None = scene.get(survivor)
    for id_ in scene[Key("handovers", lead.lead_id)]:
        one: Handover = scene[Key("handover", id_)]
        if one.episode == lead.episode and one.withdrawn_at is None:
            merge.move(scene, one, survivor, part=home.part if home is not None else lead.part)
    recalled.stand(routing, scene, (survivor,), at=recalled.END)  # its records may have been read up to there
    return lead


def _value(input_: Input) -> bytes:
    if input_.record is None:
        raise TypeError("a lead.scored is always a record")
    return input_.record.value
