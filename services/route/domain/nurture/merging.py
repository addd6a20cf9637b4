"""What becomes of tracks when leads turn out to be one person, or two again.

The survivor takes over what the other had, and that is told (recalled.py): where it was in tracks, what it got and saw, what it asked for, what sales said. In a track
that both are in, the survivor's own enrolment stays. Limits count over both, and no step comes twice: an enrolment keeps its id. When a
lead is itself again, it has what it had of sends and memories, and is in no track: those stay with the person that they reached.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import astuple, replace

from services.route.domain.nurture import limits, recalled, steps
from services.route.domain.nurture.recalled import Turned
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import Asked, Entered, Nurtured, Stored
from services.route.domain.nurture.telling import Skip
from services.route.domain.state import Lead, Scene, World


def take_over(
    world: World | Scene, turn: Turn, nurtured: Nurtured, absorbed: Collection[str], *, record: str, now: int
) -> Nurtured:
    """The lead after it took over what `absorbed` had, each of which is marked as this lead from now on: also one that nothing was known of, so
    that no record of it that is read later makes it a lead by itself. `record` is the id of the record that says so."""
    for lead_id in sorted(absorbed):
        told = _turned(world, turn, lead_id, survivor=turn.lead_id, record=record, now=now)
        if told is None:
            continue
        theirs = told.state
        recalled.leave(turn.changes.changes, lead_id, theirs, at=now, part=turn.changes.part)
        mine = {one.track for one in nurtured.active}
        for one in theirs.active:
            if one.track in mine:
                steps.end(turn, theirs, one, Skip.MERGED, now=now)
            else:
                nurtured = replace(nurtured, active=(*nurtured.active, one))
        nurtured = replace(
            nurtured,
            entered=_entered(nurtured, theirs),
            sent=tuple(sorted(limits.still((*nurtured.sent, *theirs.sent), now), key=astuple)),
            seen=tuple(dict.fromkeys((*nurtured.seen, *theirs.seen))),
            asked=_asked(nurtured, theirs),
            added=tuple(dict.fromkeys((*nurtured.added, *theirs.added))),
            recycled=nurtured.recycled + theirs.recycled,
            recycled_because=nurtured.recycled_because or theirs.recycled_because,
        )
    return nurtured


def end(world: World | Scene, turn: Turn, absorbed: Collection[str], *, record: str, now: int) -> None:
    """Each of these leads is one that is another by now: its tracks end, those of that one go on."""
    for lead_id in sorted(absorbed):
        told = _turned(world, turn, lead_id, survivor=turn.lead_id, record=record, now=now)
        if told is None or told in recalled.facts(world, lead_id):  # then the topic has all that came of it
            continue
        recalled.leave(turn.changes.changes, lead_id, told.state, at=now, part=turn.changes.part)
        for one in told.state.active:
            steps.end(turn, told.state, one, Skip.MERGED, now=now)


def release(world: World | Scene, turn: Turn, restored: Collection[str], *, record: str, now: int) -> None:
    """Each of these leads is itself again."""
    for lead_id in sorted(restored):
        _turned(world, turn, lead_id, survivor="", record=record, now=now)


def _turned(world: World | Scene, turn: Turn, lead_id: str, *, survivor: str, record: str, now: int) -> Turned | None:
    """A lead becomes `survivor` (none: itself again) by this record: as it was told, or as it is found, which is told. None where it does not."""
    id_ = recalled.turned_id(record, lead_id)
    key = Stored("nurture", lead_id)
    standing: Nurtured | None = world.get(key)
    if told := recalled.facts(world, lead_id):
        known = next((one for one in told if one.event_id == id_), None)
        if known is not None or turn.waits:
            return known
    if standing is None and (turn.waits or not survivor):
        return None  # its number may not be read yet: then it stays by itself
    if standing is not None and bool(standing.merged_into) == bool(survivor):
        return None
    lead: Lead | None = world.get(lead_id)
    if standing is None:
        standing = Nurtured(recalled.NOTHING_KNOWN, part=lead.part if lead is not None else turn.changes.part)
    version = lead.version if lead is not None else -1
    # The facts are the lead's newest record's, which is told again where it matters; kept, they would stand on the topic once more.
    one = Turned(id_, survivor, now, version, replace(standing, facts=recalled.NOTHING_KNOWN))
    turn.changes.changes[key] = one.after
    recalled.tell(turn.changes, one, lead_id=lead_id, key=turn.lead_id)
    return one


def _entered(one: Nurtured, other: Nurtured) -> dict[str, Entered]:
    found = dict(one.entered)
    for track, theirs in other.entered.items():
        mine = found.get(track)
        found[track] = theirs if mine is None else Entered(mine.times + theirs.times, max(mine.last, theirs.last))
    return found


def _asked(one: Nurtured, other: Nurtured) -> dict[str, tuple[Asked, ...]]:
    found = dict(one.asked)
    for form, theirs in other.asked.items():
        both = {asked.activity_id: asked for asked in (*theirs, *found.get(form, ()))}
        found[form] = tuple(sorted(both.values(), key=lambda asked: (asked.at, asked.activity_id)))
    return found
