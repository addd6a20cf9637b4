"""What a record, an outcome or the clock does to a lead's nurture. Decided beside route's other decisions about the same input, after them.

Nearly every record is of a lead that is in no track and enters none: that costs a look or two, and no decoding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from services.route.domain.events import Scored
from services.route.domain.nurture import about, audience, magnets, merging, recalled, steps, suppressing
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.ready import Begun, Ready
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import Enrolment, Entered, Facts, Nurtured, Stored, Suppression
from services.route.domain.nurture.suppressing import SuppressCommand
from services.route.domain.nurture.telling import Changes, Skip, enrolment_id
from services.route.domain.state import READING, SQL, Scene, World
from shared import clock

UNKNOWN = recalled.NOTHING_KNOWN
_decode = msgspec.json.decode


def on_scored(
    ready: Ready,
    world: World | Scene,
    event: Scored,
    *,
    now: datetime,
    part: int,
    is_newest: bool = True,
    absorbed: Collection[str] = (),
    restored: Collection[str] = (),
) -> Changes | None:
    """What a lead.scored does; None where it is nothing. Raises msgspec.ValidationError when the record is not what the contract says.

    `is_newest`: no newer version of the lead is known. `absorbed`, `restored`: leads that are this one since this record, and that are no longer.
    """
    key = Stored("nurture", event.lead_id)
    before: Nurtured | None = world.get(key)
    activity = bytes(event.activity)
    may_ask = bool(ready.forms) and ready.may_ask(activity)
    if before is None and not (is_newest or may_ask):
        return None
    if before is None and not (
        may_ask
        or event.segments
        or absorbed
        or restored
        or ready.tracks(event.stage)
        or (event.stage == SQL and ready.looks_at_sales)
    ):
        return None
    if before is not None and before.merges:
        if before.merged_into or event.score_version <= before.deaf_to:
            # The survivor's records speak for it, or spoke. Only whom it took over itself, it took over.
            return _merged(ready, world, event, part=part, now=clock.to_ms(now))
        if before.part != part:
            before = replace(before, part=part)  # a merge that came before its first record could not know it
    now_ms = clock.to_ms(now)
    told = about.facts(event) if is_newest or before is None else None
    if before is None and told is not None and not (may_ask or absorbed or restored or event.segments):
        begun = ready.begun(told.stage, told.episodes)
        if begun is not None and b'"test"' not in told.profile:
            return _begun(begun, key, told, part=part, now=now_ms)
    nurtured = before or Nurtured(told or UNKNOWN, part=part)
    turn: Turn | None = None
    if any(one.due <= now_ms for one in nurtured.active):
        turn = _turn(ready, world, event.lead_id, Changes(part))
        nurtured = _clock(ready, turn, nurtured, now=now_ms)
    if before is not None and not (may_ask or absorbed or restored) and _says_nothing(ready, nurtured, told, now_ms):
        return _kept(turn, before, nurtured) if turn is not None else None
    turn = turn or _turn(ready, world, event.lead_id, Changes(part))
    if restored:
        merging.release(world, turn, restored, record=event.event_id, now=now_ms)
    if absorbed:
        nurtured = merging.take_over(world, turn, nurtured, absorbed, record=event.event_id, now=now_ms)
        nurtured = _clock(ready, turn, nurtured, now=now_ms)
    if told is not None and nurtured.facts is not told:
        nurtured = replace(nurtured, facts=told)
    is_looked_at = activity and (may_ask or ready.asks_of_activities or ready.waits_for(nurtured))
    said = _decode(activity) if is_looked_at else None
    return _kept(turn, before, _looked_at(ready, turn, nurtured, said, now=now_ms))


def _begun(begun: Sequence[Begun], key: Stored, told: Facts, *, part: int, now: int) -> Changes:
    """A lead that nurture has not met, where stage and episodes alone say which tracks take it, and each begins with a wait: nearly always.
    What the long way would make of it, at a fraction of its cost."""
    active = tuple(
        [
            Enrolment(enrolment_id(key.id, one.track, 1), one.track, one.step, now, now + one.lasts, one.ahead)
            for one in begun
        ]
    )
    nurtured = Nurtured(told, active, {one.track: Entered(1, now) for one in begun}, part=part)
    changes = Changes(part)
    changes.changes[key] = nurtured
    return changes


def _merged(ready: Ready, world: World | Scene, event: Scored, *, part: int, now: int) -> Changes | None:
    """What a record of a lead does that is another one by now."""
    absorbed, restored = event.absorbed or (), event.restored or ()
    if not absorbed and not restored:
        return None
    turn = _turn(ready, world, event.lead_id, Changes(part))
    merging.release(world, turn, restored, record=event.event_id, now=now)
    merging.end(world, turn, absorbed, record=event.event_id, now=now)
    return turn.changes


def _says_nothing(ready: Ready, before: Nurtured, told: Facts | None, now: int) -> bool:
    """Whether a record of a lead that nurture knows changes nothing of what is asked about it, and nothing is waited for: nearly always.
    Then what it says beside is not kept either."""
    if ready.asks_of_activities or ready.waits_for(before):
        return False
    known = before.facts
    if told is not None and (
        (told.profile, told.stage, told.segments) != (known.profile, known.stage, known.segments)
        or (ready.looks_closely and told != replace(known, version=told.version))
    ):
        return False
    return not ready.may_come_again(before, known.stage, now)


def on_timer(ready: Ready, world: World | Scene, lead_id: str, *, part: int, now: datetime) -> Changes | None:
    """What the clock does: every step of the lead that is due."""
    before: Nurtured | None = world.get(Stored("nurture", lead_id))
    if before is None or before.merged_into:
        return None
    now_ms = clock.to_ms(now)
    turn = _turn(ready, world, lead_id, Changes(part))
    nurtured = _clock(ready, turn, before, now=now_ms)
    nurtured = audience.settled(turn, nurtured, exited=_exits(ready, nurtured, None), now=now_ms)
    return _kept(turn, before, nurtured)


def _clock(ready: Ready, turn: Turn, nurtured: Nurtured, *, now: int) -> Nurtured:
    """The lead after all that was due up to now, each at its own moment: a record that comes before the clock has looked finds it so too."""
    last = -1
    while moments := [one.due for one in nurtured.active if last < one.due <= now]:
        last = min(moments)
        nurtured = steps.run(turn, nurtured, until=last)
        nurtured = audience.settled(turn, nurtured, exited=_exits(ready, nurtured, None), now=last)
    return nurtured


def on_sales(
    ready: Ready, world: World | Scene, lead_id: str, *, times: int, because: str, part: int, now: datetime
) -> Changes | None:
    """What it does that sales sent a lead back so many times by now, the last time because of this."""
    before: Nurtured | None = world.get(Stored("nurture", lead_id))
    if before is not None and (before.merged_into or (times, because) == (before.recycled, before.recycled_because)):
        return None
    nurtured = replace(before or Nurtured(UNKNOWN, part=part), recycled=times, recycled_because=because)
    turn = _turn(ready, world, lead_id, Changes(part))
    if nurtured.facts.version >= 0:
        nurtured = _looked_at(ready, turn, nurtured, None, now=clock.to_ms(now))
    return _kept(turn, before, nurtured)


def on_suppressed(ready: Ready, world: World | Scene, command: SuppressCommand, *, part: int, now: datetime) -> Changes:
    """What a suppression, or its end, does: steps ask for it when they come; audiences are left, or joined again, at once."""
    changes, lead_id = Changes(part), command.lead_id
    suppressed = suppressing.carried_out(world, changes, command, at=clock.to_ms(now))
    before: Nurtured | None = world.get(Stored("nurture", lead_id))
    if before is None or before.merged_into or before.facts.version < 0:
        return changes
    turn = Turn(ready.doc, lead_id, changes, lambda: suppressed)
    after = audience.settled(turn, before, exited=_exits(ready, before, None), now=clock.to_ms(now))
    return _kept(turn, before, after) or changes


def _looked_at(
    ready: Ready, turn: Turn, nurtured: Nurtured, activity: Mapping[str, Any] | None, *, now: int
) -> Nurtured:
    """The lead after something new is known of it: it leaves all tracks, or gets what it asked for, goes on and enters."""
    if activity is not None and activity.get("withdrawn") is True:
        activity = None
    occurred = _occurred(activity) if activity is not None else 0
    if activity is not None and activity.get("kind") == "form":
        magnet = ready.doc.magnets.get(str(activity.get("name")))
        if magnet is not None and not _is_test(nurtured):
            nurtured = magnets.asked(
                turn, nurtured, magnet, activity_id=str(activity.get("id")), occurred=occurred, now=now
            )
    tracks = [track for track in ready.tracks(nurtured.facts.stage) if steps.may_enter(nurtured, track, now=now)]
    exited = bool(tracks or nurtured.active or nurtured.added) and _exits(ready, nurtured, activity)
    if exited:
        for one in nurtured.active:
            nurtured = steps.end(turn, nurtured, one, Skip.EXITED, now=now, because=nurtured.facts.stage)
    else:
        if activity is not None:
            nurtured = steps.heard(turn, nurtured, activity, occurred=occurred, now=now)
        seen = Seen(nurtured, activity)
        for track in tracks:
            if track.when.holds(seen) and not _is_test(nurtured):
                nurtured = steps.enter(nurtured, track, lead_id=turn.lead_id, now=now)
                seen = Seen(nurtured, activity)
        nurtured = steps.run(turn, nurtured, until=now)
    return audience.settled(turn, nurtured, exited=exited, now=now)


def _is_test(nurtured: Nurtured) -> bool:
    return b'"test"' in nurtured.facts.profile and Seen(nurtured).profile.get("test") is True


def _exits(ready: Ready, nurtured: Nurtured, activity: Mapping[str, Any] | None) -> bool:
    return ready.doc.exit is not None and ready.doc.exit.holds(Seen(nurtured, activity))


def _occurred(activity: Mapping[str, Any]) -> int:
    return clock.to_ms(datetime.fromisoformat(str(activity.get("occurred_at"))))


def _turn(ready: Ready, world: World | Scene, lead_id: str, changes: Changes) -> Turn:
    def suppressed() -> Sequence[Suppression]:
        key = Stored("suppressed", lead_id)
        found: Sequence[Suppression] | None = world.get(key)
        if found is None:
            raise LookupError("something would be sent, and what is suppressed was not loaded")
        return found

    if READING in world:
        return Turn(ready.doc, lead_id, changes, suppressed, recalled.known_in(world), world[READING])
    return Turn(ready.doc, lead_id, changes, suppressed)


def _kept(turn: Turn, before: Nurtured | None, after: Nurtured) -> Changes | None:
    """The changes, with the lead's state where it is another. When the clock looks next follows from that (steps.due_at)."""
    changes = turn.changes
    is_same = after is before or after == before
    if is_same and not changes.changes:
        return None
    if not is_same:
        changes.changes[Stored("nurture", turn.lead_id)] = after
    return changes
