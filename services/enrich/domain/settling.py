"""What a regrouping comes to: which lead each person has, and the differences to what was, as changes and as what is told. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from services.enrich.domain import binding, crowd, emission, profile, review, telling
from services.enrich.domain.judgement import Judgement
from services.enrich.domain.leads import made, raised, survivor
from services.enrich.domain.world import (
    Changes,
    Cookie,
    Happened,
    Identifier,
    Kept,
    Lead,
    Rank,
    State,
    Visits,
    World,
)
from shared.outcome import Decision, Outgoing
from shared.stage import Input

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Settled:
    """Which lead each person has, while it is worked out; and then the decision."""

    def __init__(
        self,
        world: World,
        input_: Input,
        secret: bytes,
        leads: frozenset[str],
        changes: Changes,
        ruling: Judgement | None,
    ) -> None:
        self.world, self.input, self.secret, self.leads, self.ruling = world, input_, secret, leads, ruling
        self.happened: Happened | None = input_.event if ruling is None else None
        self.lead_of: dict[str, Lead] = {}
        self.changes = changes
        self.emit: list[Outgoing] = []
        absorbed = {name for lead in leads for name in world.get(("absorbed", lead), ())}
        # All leads of the component by id, those absorbed into one of them too: they come back when their person does.
        self.known: dict[str, Lead] = {lead: world["lead", lead] for lead in sorted(leads | absorbed)}
        self.joined: dict[str, list[str]] = defaultdict(list)  # by survivor
        self.restored: dict[str, list[str]] = defaultdict(list)  # by the lead that had absorbed them

    def take(self, owner: str, leads: list[Lead], chosen: str | None) -> None:
        """Gives the person its lead: a lead goes where the identifier goes that made it, and of several the one made first survives, or the
        `chosen` one."""
        now = self.input.now
        if leads:
            lead = next((one for one in leads if one.lead_id == chosen), None) or survivor(leads, self.world)
        else:
            lead = made([owner], now, world=self.world, secret=self.secret)
        left = lead.absorbed_into
        if left is not None:
            lead = replace(lead, version=raised(lead.version, now), absorbed_into=None)
            self.restored[left].append(lead.lead_id)
            self.emit.append(emission.split(self.input.event_id, left=left, restored=lead))
        self.lead_of[owner] = lead
        self.known[lead.lead_id] = lead
        for other in leads:
            if other.lead_id == lead.lead_id or other.absorbed_into == lead.lead_id:
                continue
            absorbed = replace(other, absorbed_into=lead.lead_id)
            if other.absorbed_into is None:
                self.joined[lead.lead_id].append(other.lead_id)
                absorbed = replace(absorbed, version=raised(other.version, now), state=State())
                why = emission.BY_EVENT if self.happened is not None else emission.BY_RULING
                self.emit.append(emission.merged(self.input.event_id, survivor=lead, absorbed=absorbed, because=why))
            self.known[other.lead_id] = absorbed
            self.changes["lead", other.lead_id] = absorbed

    def decision(
        self,
        kept: dict[str, Kept],
        whose: Mapping[str, str | None],
        identifiers: Mapping[str, Identifier],
        person: Mapping[str, str],
        groups: Mapping[str, list[str]],
    ) -> Decision:
        """The differences between what was and what is, as changes and events."""
        new_lead = {id_: self.lead_of[owner].lead_id if owner is not None else None for id_, owner in whose.items()}
        here = self.happened.event_id if self.happened is not None else ""
        moved = {id_: one for id_, one in kept.items() if one.lead_id != new_lead[id_] or id_ == here}
        for event_id, one in moved.items():
            revision = one.revision + 1 if one.revision or new_lead[event_id] else 0
            kept[event_id] = self.changes["activity", event_id] = replace(
                one, lead_id=new_lead[event_id], revision=revision
            )
        touched = {lead for id_, one in moved.items() for lead in (one.lead_id, new_lead[id_]) if lead is not None}
        self._leads(kept, person, groups, touched)
        self._identifiers(kept, new_lead, identifiers, person)
        room = telling.MOST_AT_ONCE
        for lead_id in sorted(touched):
            lead = self.known[lead_id]
            if lead.absorbed_into is not None:
                continue  # its lead.merged says it all
            gone = sorted(
                [replace(one, revision=one.revision + 1) for one in moved.values() if one.lead_id == lead_id], key=_rank
            )
            came = sorted([kept[id_] for id_ in moved if new_lead[id_] == lead_id], key=_rank)
            if not gone and all(one.repeat for one in came):
                # Only the profile has changed (a user id left): the latest activity carries it.
                counting = [one for one in kept.values() if one.lead_id == lead_id and not one.repeat]
                if counting:
                    latest = max(counting, key=_rank)
                    came.append(replace(latest, revision=latest.revision + 1))
                    self.changes["activity", latest.happened.event_id] = came[-1]
            cause = here if self.happened is not None and new_lead[here] == lead_id else ""
            told = emission.Told(
                history=self.happened is not None and self.happened.facts.history,
                joined=_carried(came, cause, self.joined.get(lead_id)),
                restored=_carried(gone or came, cause, self.restored.get(lead_id)),
            )
            first = {here, *(told.joined or ()), *(told.restored or ())}
            for activities, withdrawn in ((gone, True), (came, False)):
                at_once = telling.at_once(
                    self.changes,
                    lead,
                    activities,
                    first,
                    input_=self.input,
                    history=told.history,
                    withdrawn=withdrawn,
                    room=room,
                )
                self.emit += emission.enriched(lead, at_once, told, withdrawn=withdrawn)
                room -= len(at_once)
        for event_id in moved:
            if new_lead[event_id] is None and event_id == here:
                self.emit.append(emission.noted(kept[event_id], secret=self.secret))
        return Decision(self.changes, self.emit)

    def _leads(
        self,
        kept: Mapping[str, Kept],
        person: Mapping[str, str],
        groups: Mapping[str, list[str]],
        touched: set[str],
    ) -> None:
        """New profiles for the leads whose events have changed, each from all of its events."""
        absorbed_into: dict[str, list[str]] = defaultdict(list)
        for owner, event_ids in groups.items():
            lead = self.lead_of[owner]
            # Ids that its own events name: an event that was taken off takes what it alone names along.
            named = binding.persons(kept[event_id].happened for event_id in event_ids)
            names = [name for name in named if person[name] == owner]
            users, externals = binding.user_ids(names), binding.external_ids(names)
            if lead.lead_id in touched or (users, externals) != (lead.state.users, lead.state.externals):
                state = profile.fold((kept[event_id] for event_id in event_ids), users, externals)
                lead = replace(lead, state=state, version=raised(lead.version, self.input.now))
                touched.add(lead.lead_id)
            self.known[lead.lead_id] = self.lead_of[owner] = lead
            self.changes["lead", lead.lead_id] = lead
            self.changes["history", lead.lead_id] = tuple(event_ids)
        taken = {lead.lead_id for lead in self.lead_of.values()}
        for lead_id in self.leads - taken:
            lead = self.known[lead_id]
            if lead.absorbed_into is None:  # all that it had is another's
                lead = replace(lead, state=State(), version=raised(lead.version, self.input.now))
                self.known[lead_id] = self.changes["lead", lead_id] = lead
                self.changes["history", lead_id] = ()
        for lead in self.known.values():
            if lead.absorbed_into is not None:
                absorbed_into[lead.absorbed_into].append(lead.lead_id)
                self.changes["history", lead.lead_id] = ()
        for lead in self.known.values():
            self.changes["absorbed", lead.lead_id] = tuple(absorbed_into[lead.lead_id])

    def _identifiers(
        self,
        kept: Mapping[str, Kept],
        new_lead: Mapping[str, str | None],
        identifiers: Mapping[str, Identifier],
        person: Mapping[str, str],
    ) -> None:
        """Whose each identifier and each cookie is now."""
        for name, identifier in identifiers.items():
            lead = self.lead_of.get(person[name])
            if lead is not None:
                identifier = replace(identifier, lead_id=lead.lead_id)
            elif identifier.lead_id in self.leads:
                made_it = self.known[identifier.lead_id].made_by == name
                if not made_it or self.known[identifier.lead_id].absorbed_into is not None:
                    identifier = replace(identifier, lead_id=None)  # its person has no events of its own
            # What has not changed may be another batch's to change: only what is under our leads' locks is written.
            if identifier != self.world.get(("identifier", name)):
                self.changes["identifier", name] = identifier
            if name.startswith(("phone", "named")):
                review.look(self.changes, identifiers, name, person)
        on: dict[str, list[Rank]] = defaultdict(list)
        for one in kept.values():
            if one.happened.cookie is not None and one.happened.person is not None:
                on[one.happened.cookie].append(one.happened.rank)
        here = self.happened
        if here is not None and here.cookie is not None:
            on.setdefault(here.cookie, [])
        for name, ranks in on.items():
            known: Cookie | None = self.world.get(("identifier", name))
            if known is None and here is None:
                raise TypeError("a cookie on which something has happened is known")
            cookie: Cookie = known or Cookie(name, here.rank)  # type: ignore[union-attr]  # as was just seen
            ranks.sort()
            if ranks:
                first = min(cookie.first or ranks[0], ranks[0])
                last = max(cookie.last or ranks[-1], ranks[-1])
                lead_id = new_lead.get(last[1], cookie.lead_id)
                shared = cookie.shared or any(new_lead[rank[1]] != lead_id for rank in ranks)
                cookie = replace(cookie, first=first, last=last, lead_id=lead_id, shared=shared)
            if here is not None and name == here.cookie:
                cookie = replace(cookie, top=max(cookie.top, here.rank), lately=crowd.added(cookie.lately, here))
                visits: Visits | None = self.world.get(("visits", name))
                since = visits.since if visits is not None else _BEGINNING
                events = visits.events if visits is not None else ()
                self.changes["visits", name] = Visits(since, (*events, here.event_id))
            if cookie != self.world.get(("identifier", name)):
                self.changes["identifier", name] = cookie


def _carried(activities: Sequence[Kept], cause: str, leads: list[str] | None) -> dict[str, list[str]] | None:
    """Which of these activities, sorted, tells of these leads: the cause, or else the latest."""
    if not leads or not activities:
        return None
    ids = [one.happened.event_id for one in activities]
    return {cause if cause in ids else ids[-1]: leads}


def _rank(kept: Kept) -> Rank:
    return kept.happened.rank
