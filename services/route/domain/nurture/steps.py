"""A lead on its way through tracks: entering, waiting, going on, ending. Whether a step is sent is sending.py's.

A document that is published moves those who are inside by their step's id. Who waits, waits as long as was said when the wait
began. A step that is gone: the next that stood after it and remains; none of them: the enrolment ends. A track that is gone: it ends.
This is looked at when the clock comes, or something is heard of the lead: publishing costs nothing, however many wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from services.route.domain.nurture import about, recalled, sending
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import DONE, Send, Test, Track, Wait, WaitFor
from services.route.domain.nurture.recalled import Remembered
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import Enrolment, Entered, Nurtured
from services.route.domain.nurture.telling import Skip, Told, enrolment_id, moved_id, step_id
from shared.clock import from_ms

_ENDS = (Skip.EXITED, Skip.MERGED, Skip.GONE)  # after these an enrolment does not go on


def run(turn: Turn, nurtured: Nurtured, *, until: int) -> Nurtured:
    """The lead after everything that was due up to `until`, each at its own moment, the earliest first."""
    waiting: tuple[str, ...] = ()
    while nurtured.active:
        due = [one for one in nurtured.active if one.due <= until and one.id not in waiting]
        if not due:
            break
        first = min(due, key=lambda one: (one.due, one.track, one.id))
        after = _go_on(turn, nurtured, first)
        if after is None:
            waiting = (*waiting, first.id)
        else:
            nurtured = after
    return nurtured


def due_at(nurtured: Nurtured) -> int | None:
    """When the clock has to look at the lead next."""
    return min([one.due for one in nurtured.active]) if nurtured.active else None


def may_enter(nurtured: Nurtured, track: Track, *, now: int) -> bool:
    """Whether the lead is not in the track, and never was, or long enough ago."""
    for one in nurtured.active:
        if one.track == track.id:
            return False
    entered = nurtured.entered.get(track.id)
    return entered is None or (track.again_after is not None and now >= entered.last + track.again_after)


def enter(nurtured: Nurtured, track: Track, *, lead_id: str, now: int) -> Nurtured:
    """The lead at the track's first step."""
    before = nurtured.entered.get(track.id)
    times = before.times + 1 if before is not None else 1
    first = next(iter(track.steps))
    new = Enrolment(enrolment_id(lead_id, track.id, times), track.id, first, now, now)
    entered = {**nurtured.entered, track.id: Entered(times, now)}
    return replace(nurtured, entered=entered, active=(*nurtured.active, _at(track, new, first, now)))


def heard(turn: Turn, nurtured: Nurtured, activity: Mapping[str, Any], *, occurred: int, now: int) -> Nurtured:
    """The lead after an activity that it may have been waited for. What happened before the waiting began is none."""
    for one in nurtured.active:
        track = turn.doc.tracks.get(one.track)
        step = track.steps.get(one.step) if track is not None else None
        if (
            track is not None
            and isinstance(step, WaitFor)
            and one.since <= occurred
            and all(fits(test, activity) for test in step.match)
            and (step.when is None or step.when.holds(Seen(nurtured, activity)))
        ):
            nurtured = _moved(nurtured, one, track, step.then, now)
    return nurtured


def end(turn: Turn, nurtured: Nurtured, one: Enrolment, why: Skip, *, now: int, because: str | None = None) -> Nurtured:
    """The lead without this enrolment: the step that it was at is skipped, and that is told."""
    turn.changes.tell(
        Told(
            event_id=step_id(one.id, one.step),
            enrolment_id=one.id,
            lead_id=turn.lead_id,
            track=one.track,
            step=one.step,
            at=from_ms(now),
            skipped=why,
            because=because,
        )
    )
    return replace(nurtured, active=tuple(other for other in nurtured.active if other is not one))


def fits(test: Test, activity: Mapping[str, Any]) -> bool:
    """Whether an activity's field is what it must be."""
    found = about.at(activity, test.path)
    if isinstance(found, str) and test.pattern is not None and test.pattern.fullmatch(found):
        return True
    return any(type(found) is type(value) and found == value for value in test.values)


def _go_on(turn: Turn, nurtured: Nurtured, one: Enrolment) -> Nurtured | None:
    """The lead after what is due, or None where that waits until a rebuild has read everything."""
    now = one.due
    track = turn.doc.tracks.get(one.track)
    step = track.steps.get(one.step) if track is not None else None
    if track is not None and step is None:
        remains = next((id_ for id_ in one.ahead if id_ in track.steps), None)
        if remains is not None:
            return _moved(nurtured, one, track, remains, now)
    if turn.told is not None and (step is None or isinstance(step, Send)):
        known = turn.told(step_id(one.id, one.step))
        if known is not None:
            return _as_told(nurtured, one, track, known)
        if step is not None and (morning := _morning(turn, nurtured, one)) is not None:
            return _replaced(nurtured, one, replace(one, due=morning))
        if turn.waits:
            return None
    if track is None:
        return end(turn, nurtured, one, Skip.GONE, now=now, because=f"track {one.track}")
    match step:
        case None:
            return end(turn, nurtured, one, Skip.GONE, now=now, because=f"step {one.step} and all after it")
        case Wait():
            return _moved(nurtured, one, track, step.next, now)
        case WaitFor():
            return _moved(nurtured, one, track, step.otherwise, now)
        case Send():
            after, moved_to = sending.step(turn, nurtured, one, step, now=now)
            if moved_to is not None:
                return _replaced(after, one, replace(one, due=moved_to))
            return _moved(after, one, track, step.next, now)


def _as_told(nurtured: Nurtured, one: Enrolment, track: Track | None, known: Remembered) -> Nurtured:
    """The lead after a step of which the topic tells what it came to, and when."""
    step = track.steps.get(one.step) if track is not None else None
    if known.at > one.due:
        return _replaced(nurtured, one, replace(one, due=known.at))
    if track is None or not isinstance(step, Send) or known.skipped in _ENDS:
        return replace(nurtured, active=tuple(other for other in nurtured.active if other is not one))
    return _moved(recalled.counted(nurtured, known), one, track, step.next, known.at)


def _morning(turn: Turn, nurtured: Nurtured, one: Enrolment) -> int | None:
    """The morning that the topic tells a step to wait for, if it does."""
    assert turn.told is not None
    morning = sending.open_at(turn, nurtured, now=one.due)
    return morning if morning > one.due and turn.told(moved_id(one.id, one.step, morning)) is not None else None


def _moved(nurtured: Nurtured, one: Enrolment, track: Track, step: str, now: int) -> Nurtured:
    if step == DONE:
        return replace(nurtured, active=tuple(other for other in nurtured.active if other is not one))
    return _replaced(nurtured, one, _at(track, one, step, now))


def _at(track: Track, one: Enrolment, step: str, now: int) -> Enrolment:
    """The enrolment as it arrives at a step."""
    match track.steps[step]:
        case Wait(lasts=lasts):
            due = now + lasts
        case WaitFor(at_most=at_most):
            due = now + at_most
        case Send():
            due = now
    return Enrolment(one.id, one.track, step, now, due, track.ahead(step))


def _replaced(nurtured: Nurtured, one: Enrolment, new: Enrolment) -> Nurtured:
    return replace(nurtured, active=tuple(new if other is one else other for other in nurtured.active))
