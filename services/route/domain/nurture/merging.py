"""What becomes of tracks when leads turn out to be one person, or two again.

The survivor takes over what the other had: where it was in tracks, what it got and saw, what it asked for, what sales said. In a track
that both are in, the survivor's own enrolment stays. Limits count over both, and no step comes twice: an enrolment keeps its id. When a
lead is itself again, it has what it had of sends and memories, and is in no track: those stay with the person that they reached.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import astuple, replace

from services.route.domain.nurture import limits, steps
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import Asked, Change, Entered, Member, Nurtured, Stored
from services.route.domain.nurture.telling import Changes, Skip
from services.route.domain.state import Scene, World


def take_over(world: World | Scene, turn: Turn, nurtured: Nurtured, absorbed: Collection[str], *, now: int) -> Nurtured:
    """The lead after it took over what `absorbed` had, each of which is marked as this lead from now on."""
    for lead_id in sorted(absorbed):
        key = Stored("nurture", lead_id)
        theirs: Nurtured | None = world.get(key)
        if theirs is None or theirs.merged_into:
            continue
        for name, as_whom in theirs.member_of.items():
            left = Member("audience", name, lead_id, astuple(as_whom))
            turn.changes.changes[left] = Change(False, now, turn.changes.part)
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
        turn.changes.changes[key] = replace(
            theirs, active=(), member_of={}, added=(), merged_into=turn.lead_id, merges=theirs.merges + 1
        )
    return nurtured


def release(world: World | Scene, changes: Changes, restored: Collection[str]) -> None:
    """Each of these leads is itself again."""
    for lead_id in sorted(restored):
        key = Stored("nurture", lead_id)
        theirs: Nurtured | None = world.get(key)
        if theirs is not None and theirs.merged_into:
            changes.changes[key] = replace(theirs, merged_into="", merges=theirs.merges + 1)


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
