"""Histories of households: families who share devices and a phone, couriers whose number stands in everybody's orders, typos, plus-tags,
several properties, late and repeated events. All from one seed. For tests."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from tests.unit.enrich.memory import Memory, event

Event = dict[str, Any]
_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva")
_COURIER, _LANDLINE = "+491711234567", "+4930901820"
_OFFICE = "office@acme.example"  # orders for everybody, each time under another number
# Equal instants, so that the tie-break counts; months, so that the 90 days of a visitor's history do.
_GAPS = (
    timedelta(),
    timedelta(seconds=1),
    timedelta(minutes=20),
    timedelta(days=1),
    timedelta(days=29),
    timedelta(days=91),
)
_AGENTS = (None, None, "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Googlebot/2.1")
_CAMPAIGNS = (None, {"source": "google", "medium": "cpc"}, {"source": "news", "medium": "email"})


class _Person(NamedTuple):
    """One of a household. `addresses` are spellings of one mailbox, except for the last one, which is a typo or another mailbox."""

    name: str
    addresses: tuple[str, ...]
    users: dict[str, tuple[str, ...]]  # by property; the second one is of a second registration
    contacts: tuple[str, ...]  # ids in the CRM; the second one is a duplicate
    phones: tuple[str, ...]
    cookies: tuple[str, ...]


def household(seed: int, size: int) -> list[Event]:
    """Up to `size` different events of one household, in no order."""
    chance = random.Random(seed)
    family = [_person(chance, name) for name in _NAMES[: chance.choice((1, 2, 2, 3, 3, 5))]]
    at = timedelta()
    events = []
    for number in range(chance.randint(1, size)):
        at += chance.choice(_GAPS[: chance.choice((2, 3, 6))])
        # Some are told long after they happened, and after what happened later.
        when = at - timedelta(days=chance.randint(0, 120)) if chance.random() < 0.15 else at
        events.append(_event(chance, f"e{number}", when, chance.choice(family), family))
    return events


def arrivals(seed: int, events: Sequence[Event]) -> Iterator[list[Event]]:
    """The events in some order, in some batches, and some of them several times."""
    chance = random.Random(seed)
    coming = [*events, *chance.choices(events, k=chance.randint(0, 4))]
    if chance.random() < 0.8:
        chance.shuffle(coming)
    while coming:
        size = chance.choice((1, 1, 2, 3, len(coming)))
        yield coming[:size]
        coming = coming[size:]


def ruled(chance: random.Random, memory: Memory) -> None:
    """An operator asks for something about the leads that there are now; what can't be done is refused."""
    leads = sorted({kept.lead_id for kept in memory.activities.values() if kept.lead_id is not None})
    told: dict[str, Any] = {"at": chance.randint(0, 20_000), "number": chance.getrandbits(32)}
    if not leads:
        return
    about = chance.choice(leads)
    match chance.choice(("merge", "merge", "split", "events", "review")):
        case "merge":
            two = [about, chance.choice(leads)]
            told |= {"survivor": two[1]} if chance.random() < 0.3 else {}
            memory.ask("merge", lead_ids=two, **told)
        case "split":
            names = sorted(name for name, row in memory.identifiers.items() if row.lead_id == about)
            leaving = [one for name in chance.sample(names, k=min(len(names), 2)) if (one := named(name)) is not None]
            memory.ask("split", lead_id=about, identifiers=leaving, **told)
        case "events":
            events = sorted(event_id for event_id, kept in memory.activities.items() if kept.lead_id == about)
            memory.ask("split", lead_id=about, event_ids=chance.sample(events, k=min(len(events), 2)), **told)
        case "review" if memory.reviews:
            question = memory.reviews[chance.choice(sorted(memory.reviews))]
            memory.ask("review", id=question.review_id, accept=chance.random() < 0.5, **told)


def named(name: str) -> dict[str, str] | None:
    """An identifier as an operator names it."""
    match name.split("\x1f"):
        case ["email", value]:
            return {"kind": "email", "value": value}
        case ["user", property_, value]:
            return {"kind": "user_id", "property": property_, "value": value}
        case ["external", system, property_, value]:
            return {"kind": "external_id", "system": system, "property": property_, "value": value}
        case ["phone", value]:
            return {"kind": "phone", "value": value}
        case ["named", value, given, family]:
            return {"kind": "phone", "value": value, "given": given, "family": family}
    return None


def _person(chance: random.Random, name: str) -> _Person:
    at = chance.choice(("gmail.com", "outlook.com", "acme.example"))
    spellings = [f"{name}.Li@{at}", f"{name.lower()}.li+shop@{at}", f"{name.lower()}.li@{at}"]
    other = chance.choice((f"{name.lower()}.ly@{at}", f"{name.lower()}@work.example", "broken@", "info@acme.example"))
    properties = chance.sample(("shop", "blog", "app"), k=chance.randint(0, 3))
    own = f"+4915112345{ord(name[0]):03}"
    return _Person(
        name,
        (*chance.sample(spellings, k=chance.randint(1, 3)), other),
        # Two systems that count their users each from one: the same user id is not the same person.
        {one: chance.choice(((f"u{name[0]}",), ("1",), (f"u{name[0]}", "1"))) for one in properties},
        chance.choice(((), (f"crm-{name}",), (f"crm-{name}", f"crm-{name}-again"))),
        chance.choice(((own,), (own, _LANDLINE), (_LANDLINE,), (own, _COURIER), ())),
        chance.choice(((f"phone-{name}", "tablet"), ("tablet",), (f"phone-{name}",))),
    )


def _event(chance: random.Random, event_id: str, at: timedelta, who: _Person, family: Sequence[_Person]) -> Event:
    property_ = chance.choice([*who.users, "shop"])
    context: dict[str, Any] = {}
    if (campaign := chance.choice(_CAMPAIGNS)) is not None:
        context["campaign"] = campaign
    if (agent := chance.choice(_AGENTS)) is not None:
        context["user_agent"] = agent
    if chance.random() < 0.5:
        context["page"] = {"url": f"https://{property_}.example/"}
    fields: dict[str, Any] = {"property": property_, "context": context} if context else {"property": property_}
    cookie = chance.choice(who.cookies)
    if chance.random() < 0.35:
        return event(event_id, at=at, kind="page", name="", anonymous_id=cookie, **fields)
    if chance.random() < 0.7:
        fields["anonymous_id"] = cookie
    traits = _traits(chance, who)
    if who.contacts and chance.random() < 0.25:
        own = {f"own{chance.randint(1, 3)}": chance.choice(who.contacts) for _ in range(chance.choice((0, 1, 2)))}
        traits["external_ids"] = {"hubspot": chance.choice(who.contacts), **own}
    if property_ in who.users and chance.random() < 0.5:
        # Now and then it is somebody else who is logged in there.
        there = chance.choice(family) if chance.random() < 0.2 else who
        fields["user_id"] = chance.choice(there.users.get(property_, who.users[property_]))
    if not traits.keys() & {"email", "phone", "external_ids"} and "user_id" not in fields:
        traits["email"] = who.addresses[0]
    if chance.random() < 0.4:
        given = {
            purpose: chance.random() < 0.5
            for purpose in chance.sample(("marketing_email", "calls"), k=chance.randint(1, 2))
        }
        fields["consent"] = {"purposes": given, "text": f"May we? ({event_id})"}
    kind = chance.choice(("form", "form", "identify", "track", "hook"))
    return event(event_id, at=at, kind=kind, name=chance.choice(("contact", "order")), traits=traits, **fields)


def _traits(chance: random.Random, who: _Person) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if chance.random() < 0.1:
        return {"email": _OFFICE, "phone": chance.choice((*who.phones, f"+4915199999{chance.randint(100, 105)}"))}
    if chance.random() < 0.6:
        traits["email"] = chance.choice(who.addresses)
    if who.phones and chance.random() < 0.4:
        traits["phone"] = chance.choice(who.phones)
    if chance.random() < 0.4:
        traits["name"] = chance.choice((f"{who.name} Li", f"{who.name} Li", who.name.upper()))
    if chance.random() < 0.2:
        traits["first_name"] = who.name
    if chance.random() < 0.15:
        traits[chance.choice(("salesforce_id", "hubspot_id"))] = chance.choice((f"00{who.name}", f"00{who.name}2", "7"))
    if chance.random() < 0.2:
        traits["company"] = chance.choice(("Acme GmbH", "Work Inc"))
    if chance.random() < 0.2:
        traits["favourite"] = chance.choice(("red", "blue"))
    return traits
