"""A store that is built anew from its topics: what the output topic says of an event is kept, not decided again. Pure.

Which lead an event is of, in which revision, and how far a lead's versions go, stands on the topic, whatever order the events come in now. Profiles,
ties, cookies, and whose each identifier is, follow from that: they are what deciding in the first order had come to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.enrich.domain import binding, crowd, emission, profile, verdict
from services.enrich.domain.cookies import visited
from services.enrich.domain.world import (
    Changes,
    Command,
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lead,
    NotLoaded,
    Owed,
    Recalled,
    Split,
    Told,
    World,
)
from shared import cloudevent, ids
from shared.clock import from_ms, to_ms
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Recollection, Record


class _Activity(msgspec.Struct):
    id: str
    revision: int
    occurred_at: datetime
    human: float | None = None
    withdrawn: bool = False


class _Output(msgspec.Struct):
    """An event of the output topic, as much as is needed of it."""

    profile_version: int | None = None
    activity: _Activity | None = None
    activity_id: str | None = None
    survivor: str | None = None
    why: str | None = None
    lead_id: str | None = None
    revision: int | None = None


_decode = msgspec.json.Decoder(_Output).decode


def recollect(record: Record) -> Recollection | None:
    """What a record of leads.enriched.v1 says to a rebuild; None when it is not one of ours that can be read. Its value is when the activity
    happened and how human it is, the survivor of a merge, or of a repeat whose it is (nothing for a visitor's)."""
    try:
        said = _decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if said.activity is not None:
        if not cloudevent.is_uuid(said.activity.id):
            return None
        human = said.activity.human
        how = f"{said.activity.occurred_at.isoformat()}|{human if human is not None else ''}".encode()
        return Recollection(
            said.activity.id, said.activity.revision, said.profile_version, said.activity.withdrawn, value=how
        )
    if said.activity_id is not None and not cloudevent.is_uuid(said.activity_id):
        return None
    named = (said.lead_id or "") if said.why == "duplicate" else said.survivor
    value = named.encode() if named is not None else None
    return Recollection(said.activity_id, said.revision or 0, said.profile_version, value=value)


def left(command: Command, lead_id: str) -> bool:
    """Whether an activity that left this lead, in the moment of a command, did so because of it: a split that made a lead of new ones tells no more."""
    asked = command.asked
    return isinstance(asked, Split) and not asked.event_ids and lead_id == (asked.lead_id or command.lead_id)


def told(last: Told, recalled: Callable[[str], Recalled | None]) -> Told:
    """An event's last word; under an absorbed lead it is the survivor's by now, who has to tell it again."""
    lead_id, passed = last.lead_id, set[str]()
    while lead_id is not None and lead_id not in passed:
        passed.add(lead_id)
        known = recalled(lead_id)
        if known is None or known.absorbed_into is None:
            break
        lead_id = known.absorbed_into
    absorbed = sorted(passed - {lead_id} if lead_id is not None else passed)
    if lead_id == last.lead_id:
        return last
    return replace(last, revision=last.revision + 1, lead_id=lead_id, absorbed=tuple(absorbed))


def kept(world: World, input_: Input, *, secret: bytes) -> Decision:
    """The event of `input_` where the topic says that it is; nothing is told that stands there. Raises NotLoaded as decide does.

    What the topic does not tell of waits until all is there that it does: then it is decided on as ever.
    """
    happened: Happened = input_.event
    told: Told | None = world.get(("told", happened.event_id))
    if told is None or (told.lead_id is None and happened.person is not None) or not _counted(told, input_):
        # The last: of two records under one id the other one counted. If that does not come any more, this one does.
        return Decision({("owed", happened.event_id): Owed(input_.part, input_.now, happened)})
    return _kept(world, input_, told, secret)


def _counted(told: Told, input_: Input) -> bool:
    """Whether it is this record, of those under its id, that the topic tells of: by the broker's time, which is in milliseconds, and where
    the topic says it by when it happened."""
    return told.at in (None, input_.now) and told.occurred_at in (None, input_.event.at)


def _kept(world: World, input_: Input, told: Told, secret: bytes) -> Decision:
    happened: Happened = input_.event
    one, judged = _judged(world, happened, told)
    changes: Changes = {("owed", happened.event_id): None}
    for kept in (one, *judged):
        changes["activity", kept.happened.event_id] = kept
    crowd.noticed(world, changes, happened)
    if told.lead_id is None:
        _on_cookie(world, changes, happened, None)
        return Decision(changes)
    if happened.person is None:
        _on_cookie(world, changes, happened, None)
        _added(world, changes, one, (), maker=happened.cookie or "", now=input_.now)
        return Decision(changes, _again(changes, input_, told, one))
    found, retied = binding.identifiers(world, happened)
    moved = _claimed(world, changes, happened, found, told.lead_id)
    names = [name for name, identifier in found.items() if identifier.lead_id == told.lead_id]
    _on_cookie(world, changes, happened, told.lead_id)
    _made_by(world, changes, happened.person, told.lead_id, secret)
    _added(world, changes, one, names, maker=happened.person, now=input_.now)
    if retied or moved:
        _settle(world, changes, found, happened, told.lead_id)
    return Decision(changes, _again(changes, input_, told, one))


def _judged(world: World, happened: Happened, told: Told) -> tuple[Kept, list[Kept]]:
    """The event, and others that it makes appear in another light: as the topic tells, and where it tells nothing, of visitors, as they are
    judged by all that are there."""
    one = Kept(happened, told.lead_id, told.revision, repeat=told.repeat)
    if told.human is not None:
        return (replace(one, human=told.human) if told.human != happened.facts.human else one), []
    if crowd.alone(crowd.lately(world, happened), happened):
        return one, []
    arrived, judged = verdict.judged(happened, crowd.others(world, happened), None)
    if not one.repeat:
        one = replace(one, human=arrived.human)
    return one, [other for other in judged if other.lead_id is None and not other.repeat]


def _again(changes: Changes, input_: Input, told: Told, kept: Kept) -> list[Outgoing]:
    """What a merge had still to tell. Its profile is the one of now, which may lack what comes later: so it goes under an early version,
    behind those that are on the topic."""
    if not told.absorbed:
        return []
    lead: Lead = changes["lead", told.lead_id]
    early = replace(lead, version=min(to_ms(input_.now), lead.version - 1))
    about = emission.Told(history=kept.happened.facts.history, joined={kept.happened.event_id: list(told.absorbed)})
    return emission.enriched(early, [kept], about)


def _claimed(world: World, changes: Changes, happened: Happened, found: dict[str, Identifier], lead_id: str) -> bool:
    """The event's identifiers: the strongest is its lead's, those that are bound to it too while nobody has them; and a number is whose it was first
    named alone under their name. Says whether one moved."""
    moved = False
    together = binding.bound(happened, found)
    for name, identifier in found.items():
        if name == happened.person:
            moved = identifier.lead_id not in (None, lead_id)
            identifier = replace(identifier, lead_id=lead_id)
        elif (name in together and identifier.lead_id is None) or binding.is_named(identifier, by=happened.rank):
            identifier = replace(identifier, lead_id=lead_id)
        found[name] = identifier
        if identifier != world.get(("identifier", name)):
            changes["identifier", name] = identifier
    return moved


def _added(world: World, changes: Changes, kept: Kept, names: Sequence[str], *, maker: str, now: datetime) -> None:
    """The event is its lead's, which stands as the topic has it last."""
    lead_id = kept.lead_id or ""
    lead: Lead | None = changes.get(("lead", lead_id)) or world.get(("lead", lead_id))
    # Of a lead that survives on another's word alone, its own records are deleted: then it begins here.
    recalled: Recalled = world.get(("recalled", lead_id)) or Recalled(to_ms(now), to_ms(now))
    if lead is None:
        lead = _lead(recalled, lead_id, maker)
    state = profile.add(lead.state, kept, binding.user_ids(names), binding.external_ids(names))
    changes["lead", lead_id] = replace(lead, version=max(lead.version, recalled.last), state=state)
    known = world.get(("history", lead_id))
    if known is not None:
        changes["history", lead_id] = (*known, kept.happened.event_id)


def _lead(recalled: Recalled, lead_id: str, maker: str) -> Lead:
    return Lead(lead_id, from_ms(recalled.first), maker, recalled.last)


def _made_by(world: World, changes: Changes, person: str, lead_id: str, secret: bytes) -> None:
    """An identifier tells which lead it made: this one, or one that was absorbed into it."""
    made = ids.lead_id(secret, person)
    recalled: Recalled | None = world.get(("recalled", made))
    if recalled is None:
        return
    lead: Lead = world.get(("lead", made)) or _lead(recalled, made, person)
    if made == lead_id:
        changes["lead", made] = replace(lead, made_by=person)
    elif recalled.absorbed_into is not None:
        changes["lead", made] = replace(lead, absorbed_into=lead_id)
        absorbed = world.get(("absorbed", lead_id))
        if absorbed is not None and made not in absorbed:
            changes["absorbed", lead_id] = (*absorbed, made)


def _on_cookie(world: World, changes: Changes, happened: Happened, lead_id: str | None) -> None:
    """One more event on its cookie; `lead_id` is the lead that it identifies there."""
    name, rank = happened.cookie, happened.rank
    if name is None:
        return
    known: Cookie | None = world.get(("identifier", name))
    cookie = replace(known, top=max(known.top, rank)) if known is not None else Cookie(name, rank)
    cookie = replace(cookie, lately=crowd.added(cookie.lately, happened))
    if lead_id is not None:
        last = cookie.last is None or rank > cookie.last
        cookie = replace(
            cookie,
            first=min(cookie.first or rank, rank),
            last=rank if last else cookie.last,
            lead_id=lead_id if last else cookie.lead_id,
            shared=cookie.shared or cookie.lead_id not in (None, lead_id),
        )
    if cookie != known:
        changes["identifier", name] = cookie
    visited(world, changes, happened)


def _settle(world: World, changes: Changes, found: dict[str, Identifier], happened: Happened, lead_id: str) -> None:
    """A tie was loosened, or an identifier is another's than it seemed: whose each identifier of these leads is, and their user ids, anew."""
    leads = {lead_id} | {
        before.lead_id
        for name in found
        if (before := world.get(("identifier", name))) is not None and before.lead_id is not None
    }
    if unknown := frozenset(lead for lead in leads if ("history", lead) not in world):
        raise NotLoaded(leads=unknown)
    events = [(world["activity", id_].happened, lead) for lead in sorted(leads) for id_ in world["history", lead]]
    events.append((happened, lead_id))
    strongest = {one.person: lead for one, lead in events if one.person is not None}

    def row(name: str) -> Identifier | None:
        return changes.get(("identifier", name)) or world.get(("identifier", name))

    whose: dict[str, str | None] = {}
    for name in sorted(binding.persons(one for one, _ in events)):
        known = row(name) or Identifier(name)
        owner = binding.owner(name, row)
        if name in strongest:
            whose[name] = strongest[name]
        elif binding.is_named(known) or (known.lead_id is not None and known.lead_id not in leads):
            whose[name] = known.lead_id
        elif owner == name:
            whose[name] = None  # its person has no events of its own
        else:
            whose[name] = strongest.get(owner) or (row(owner) or Identifier(owner)).lead_id
    for name, lead in whose.items():
        identifier = replace(row(name) or Identifier(name), lead_id=lead)
        if identifier != world.get(("identifier", name)):
            changes["identifier", name] = identifier
        else:
            changes.pop(("identifier", name), None)
    for lead in leads:
        names = [name for name, theirs in whose.items() if theirs == lead]
        users, externals = binding.user_ids(names), binding.external_ids(names)
        now: Lead | None = changes.get(("lead", lead)) or world.get(("lead", lead))
        if now is not None and (now.state.users, now.state.externals) != (users, externals):
            changes["lead", lead] = replace(now, state=replace(now.state, users=users, externals=externals))
