"""A store that is built anew from its topics: what leads.nurture.v1 tells of steps, and of leads that became another or themselves again, is what was.

A number is read before another or behind it: what a survivor took over, by which record of the absorbed lead, nobody can tell from the records of
either. So it is told when it happens. A lead's own number goes by that when its records are past it, the survivor's when its record comes, and
whichever comes first, the row is the same: `merges` counts up. What steps came to depends on suppressions and limits of several numbers, and is taken
from their records likewise.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from services.route.domain.events import Scored
from services.route.domain.nurture import limits
from services.route.domain.nurture.state import Change, Facts, Member, Nurtured, Sent, Stored
from services.route.domain.nurture.telling import MERGED, SPLIT, TYPE, Changes
from services.route.domain.state import Scene, World
from shared import clock, cloudevent, contracts, ids
from shared.outcome import Outgoing
from shared.stage import Input, Recollection, Record
from shared.topology import NURTURE as TOPIC

NOTHING_KNOWN = Facts(-1, "", "", "", "", None, 0, (), b"{}", b"{}")
_pack = msgspec.msgpack.Encoder().encode


class Remembered(Struct, frozen=True, array_like=True, gc=False):
    """What a step came to."""

    at: int
    skipped: str
    content: str
    channel: str
    audience: str


class Turned(Struct, frozen=True, array_like=True, gc=False):
    """A lead became another one (`survivor`) or itself again: by which record, what it had then, and up to which of its versions route had read."""

    event_id: str
    survivor: str
    at: int
    version: int
    state: Nurtured

    @property
    def after(self) -> Nurtured:
        """The lead from then on: what it was told up to that version says nothing any more."""
        before = self.state
        gone: dict[str, object] = {"active": (), "member_of": {}, "added": ()} if self.survivor else {}
        return replace(before, merged_into=self.survivor, merges=before.merges + 1, deaf_to=self.version, **gone)


class Step(Struct, frozen=True, gc=False):
    """A step that was taken, as the topic tells it."""

    event_id: str
    lead_id: str
    track: str
    step: str
    at: contracts.Moment
    content: str | None = None
    channel: str | None = None
    skipped: str | None = None
    because: str | None = None
    due_at: contracts.Moment | None = None
    audience: str | None = None


_step = msgspec.json.Decoder(Step).decode
_merged = msgspec.json.Decoder(contracts.NurtureMerged).decode
_split = msgspec.json.Decoder(contracts.NurtureSplit).decode
_state = msgspec.msgpack.Decoder(Nurtured).decode
remembered = msgspec.msgpack.Decoder(Remembered).decode
turned = msgspec.msgpack.Decoder(Turned).decode


def tell(changes: Changes, one: Turned, *, lead_id: str, key: str) -> None:
    """Tells that a lead is another one, or itself again, under the key of the lead whose record says so."""
    at, state = clock.from_ms(one.at), b64encode(_pack(one.state)).decode()
    told: contracts.NurtureMerged | contracts.NurtureSplit
    if one.survivor:
        told = contracts.NurtureMerged(
            event_id=one.event_id, lead_id=lead_id, survivor=one.survivor, at=at, version=one.version, state=state
        )
    else:
        told = contracts.NurtureSplit(event_id=one.event_id, lead_id=lead_id, at=at, version=one.version, state=state)
    changes.emit.append(Outgoing(TOPIC, key, MERGED if one.survivor else SPLIT, one.event_id, told))


def turned_id(record: str, lead_id: str) -> str:
    """The event id of what a record did to another lead than its own: there is one at most."""
    return ids.event_id("route", record, lead_id, 0, MERGED)


def of_lead(lead_id: str) -> str:
    """A lead as a UUID, to look up by what is told of it under other leads' keys."""
    return ids.event_id("route", "nurture", lead_id, 0, "lead")


def step(record: Record) -> Step | None:
    """The step that a record of leads.nurture.v1 tells of; None where it tells of none, or is not one of ours: whole, as a store keeps it."""
    if record.topic != TOPIC.name or record.headers.get("ce_type") != TYPE.encode() or rb"\u0000" in record.value:
        return None
    try:
        told = _step(record.value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return told if cloudevent.is_uuid(told.event_id) else None


def recollect(record: Record) -> Recollection | None:
    """What a record of leads.nurture.v1 says to a rebuild; None where it is not one of ours that can be read."""
    taken = step(record)
    if taken is not None:
        came_to = (taken.skipped or "", taken.content or "", taken.channel or "", taken.audience or "")
        return Recollection(None, 0, None, value=_pack(Remembered(clock.to_ms(taken.at), *came_to)))
    return _recollect_turn(record) if record.topic == TOPIC.name else None


def _recollect_turn(record: Record) -> Recollection | None:
    type_ = record.headers.get("ce_type", b"").decode("utf-8", "replace")
    if type_ not in (MERGED, SPLIT):
        return None
    try:
        told = _merged(record.value) if type_ == MERGED else _split(record.value)
        state = _state(b64decode(told.state))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not cloudevent.is_uuid(told.event_id):
        return None
    survivor = told.survivor if isinstance(told, contracts.NurtureMerged) else ""
    one = Turned(told.event_id, survivor, clock.to_ms(told.at), told.version, state)
    return Recollection(of_lead(told.lead_id), state.merges, told.version, value=_pack(one))


def facts(world: World | Scene, lead_id: str) -> Sequence[Turned]:
    """All that is told of a lead's becoming others and itself again, in order."""
    found: Sequence[Turned] = world.get(Stored("turned", lead_id), ())
    return found


def stand(scene: Scene, input_: Input) -> None:
    """Has the lead of a record, and those that it says are the same person or no longer, stand as the topic tells."""
    event = input_.event
    if type(event) is not Scored:
        return
    for one in facts(scene, event.lead_id):
        if one.version < event.score_version:
            _put(scene, event.lead_id, one)
    for lead_id in (*(event.absorbed or ()), *(event.restored or ())):
        for one in facts(scene, lead_id):
            if one.event_id == turned_id(event.event_id, lead_id):
                _put(scene, lead_id, one)
                if one.survivor:
                    leave(scene.changes, lead_id, one.state, at=one.at, part=input_.part)


def leave(changes: dict[object, object], lead_id: str, theirs: Nurtured, *, at: int, part: int) -> None:
    """A lead that is another one now is in no audience under its own name."""
    for name, as_whom in theirs.member_of.items():
        changes[Member("audience", name, lead_id, astuple(as_whom))] = Change(False, at, part)


def _put(scene: Scene, lead_id: str, one: Turned) -> None:
    standing: Nurtured | None = scene.get(Stored("nurture", lead_id))
    if standing is None or standing.merges <= one.state.merges:
        scene[Stored("nurture", lead_id)] = one.after


def counted(nurtured: Nurtured, known: Remembered) -> Nurtured:
    """The lead after a step that came to this."""
    if known.skipped:
        return nurtured
    counts = (*limits.still(nurtured.sent, known.at), Sent(known.at, known.channel))
    return seen(replace(nurtured, sent=counts), known)


def seen(nurtured: Nurtured, known: Remembered) -> Nurtured:
    """The lead once it has seen what was sent."""
    if known.content not in nurtured.seen:
        nurtured = replace(nurtured, seen=(*nurtured.seen, known.content))
    if known.audience and known.audience not in nurtured.added:
        nurtured = replace(nurtured, added=(*nurtured.added, known.audience))
    return nurtured


def known_in(world: World | Scene) -> Callable[[str], Remembered | None]:
    """What is told of steps, by event id."""
    return lambda event_id: world.get(Stored("told", event_id))
