"""Who did what and what is known of them, by the rules as one would say them: the whole set of events at once, no store, no order. For tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.enrich.domain.agreement import disagree
from services.enrich.domain.binding import LIMITS
from services.enrich.domain.world import Happened, Said, State
from shared.contracts import Consent, Touch

Group = frozenset[str]  # the events of one person, by their ids


class Known(NamedTuple):
    """What is known of one person: of each field and purpose, of the first and the last touch, which event says it, and what."""

    fields: dict[str, tuple[str, Said]]
    custom: dict[str, tuple[str, Said]]
    consents: dict[str, tuple[str, Consent]]
    first: tuple[str, Touch] | None
    last: tuple[str, Touch] | None
    users: dict[str, str]
    externals: dict[str, str]


def people(events: Iterable[Happened]) -> set[Group]:
    """The events grouped by person; visitors' are not in it."""
    return set(groups(events).values())


def groups(events: Iterable[Happened]) -> dict[str, Group]:
    """The same by each person's strongest identifier."""
    happened = sorted(events, key=lambda one: one.rank)
    owners = _owners(happened)

    def person(one: Happened) -> str | None:
        name = one.email or one.user or (one.externals[0] if one.externals else one.phone)
        return owners[name] if name is not None else None

    found: dict[str, set[str]] = {}
    for one in happened:
        who = person(one)
        if who is None:
            on = [other for other in happened if other.cookie == one.cookie]
            identified = [other for other in on if person(other) is not None]
            before = [other for other in identified if other.rank < one.rank]
            if before:
                who = person(before[-1])
            elif identified:
                start = identified[0]
                oldest = start.at - timedelta(days=90)
                history = [other for other in on if other.rank < start.rank and other.at >= oldest]
                who = person(start) if one in history[-500:] else None
        if who is not None:
            found.setdefault(who, set()).add(one.event_id)
    return {who: frozenset(theirs) for who, theirs in found.items()}


def _owners(happened: list[Happened]) -> dict[str, str]:
    """Each identifier's person, by their strongest identifier, where nobody ruled. `happened` in order."""
    address_of, id_of = {}, {}  # type: dict[str, str], dict[tuple[str, str], str]
    strong_of, name_of = {}, {}  # type: dict[str, str], dict[str, str]
    numbers: dict[str, dict[str, datetime]] = {}
    for one in happened:  # what each was first seen with, and called
        ids = [name for name in (one.user, *one.externals) if name is not None]
        strongest = [*([one.email] if one.email else []), *ids]
        if one.email:
            for id_ in ids:
                address_of.setdefault(id_, one.email)
                id_of.setdefault((one.email, id_.rpartition("\x1f")[0]), id_)
        if one.phone and strongest:
            strong_of.setdefault(one.phone, strongest[0])
            numbers.setdefault(strongest[0], {}).setdefault(one.phone, one.at)
        if one.called:
            for name in strongest or [one.phone]:
                name_of.setdefault(str(name), one.called)

    def joins(phone: str, strong: str) -> bool:
        first = list(numbers[strong].items())[: LIMITS.identifiers]
        in_hour = [
            other for other, at in first if at.replace(minute=0, second=0, microsecond=0) == _hour(dict(first), phone)
        ]
        return phone in in_hour[: LIMITS.an_hour] and not disagree(name_of.get(phone), name_of.get(strong))

    def person(name: str) -> str:
        if name in strong_of:
            return person(strong_of[name]) if joins(name, strong_of[name]) else name
        address = address_of.get(name)
        return address if address is not None and id_of[address, name.rpartition("\x1f")[0]] == name else name

    return {name: person(name) for one in happened for name in (one.email, one.user, *one.externals, one.phone) if name}


def _hour(first: dict[str, datetime], phone: str) -> datetime | None:
    at = first.get(phone)
    return at.replace(minute=0, second=0, microsecond=0) if at is not None else None


def known(events: Iterable[Happened]) -> dict[Group, Known]:
    """What is known of each person: a field by trust, then by time, consent by time, where of one instant a withdrawal counts."""
    happened = {one.event_id: one for one in events}
    owners = _owners(sorted(happened.values(), key=lambda one: one.rank))
    return {
        group: _known([happened[event_id] for event_id in group], [name for name in owners if owners[name] == who])
        for who, group in groups(happened.values()).items()
    }


def _known(events: list[Happened], names: list[str]) -> Known:
    def best(said: str) -> dict[str, tuple[str, Said]]:
        claims = [(field, one, claim) for one in events for field, claim in getattr(one.facts, said).items()]
        claims.sort(key=lambda claim: (claim[2].trust, claim[1].at, claim[1].event_id))
        return {field: (one.event_id, claim) for field, one, claim in claims}

    consents = [
        (purpose, yes, one)
        for one in events
        if one.facts.consent is not None
        for purpose, yes in one.facts.consent.purposes.items()
    ]
    consents.sort(key=lambda consent: (consent[2].at, not consent[1], consent[2].event_id))
    touches = [
        (one.event_id, one.facts.touch)
        for one in sorted(events, key=lambda one: one.rank)
        if one.facts.touch is not None and one.facts.human >= 0.5
    ]
    indirect = [touch for touch in touches if touch[1].channel != "direct"]
    return Known(
        best("claims"),
        best("custom"),
        {purpose: (one.event_id, _consent(one, yes)) for purpose, yes, one in consents},
        touches[0] if touches else None,
        (indirect or touches)[-1] if touches else None,
        *(
            {
                n[1]: n[-1]
                for n in (
                    name.split("\x1f")
                    for name in sorted(names, key=lambda name: name.rpartition("\x1f")[2], reverse=True)
                )
                if n[0] == kind
            }
            for kind in ("user", "external")
        ),
    )


def _consent(one: Happened, yes: bool) -> Consent:
    given = one.facts.consent
    assert given is not None
    return Consent(given=yes, at=one.at, text=given.text, version=given.version, basis=given.basis)


def said(state: State) -> Known:
    """What a lead's state says, in the same words."""

    def of(kind: str) -> Any:
        return {
            field: (event_id, claim)
            for event_id, voice in state.voices.items()
            for field, claim in getattr(voice, kind).items()
        }

    return Known(
        of("claims"),
        of("custom"),
        {purpose: (claim.event_id, claim.consent) for purpose, claim in state.consents.items()},
        (state.first.event_id, state.first.touch) if state.first is not None else None,
        (state.last.event_id, state.last.touch) if state.last is not None else None,
        state.users,
        state.externals,
    )
