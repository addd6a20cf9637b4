"""Identifiers and cookies as they are kept. No rules here."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

# None of these can be part of a cycle, so the collector need not look at them (gc=False): there are a dozen for each event.

Rank = tuple[datetime, str]  # when it occurred, event id: the order of all events, whatever the order of their arrival

# A name is an identifier as it is kept: kind and normalised value. U+001F can be in neither.
SEPARATOR = "\x1f"


def name(kind: str, *value: str) -> str:
    """The name of an identifier: email, user (property and id), external (system, property where it must be, id), phone, named (a phone number
    and a full name) or anonymous; or apart (a command's id): whoever the events are of that it took off."""
    return SEPARATOR.join((kind, *value))


def under(phone: str, called: str) -> str:
    """The name of a phone number, itself given by name, under a full name."""
    return name("named", phone.partition(SEPARATOR)[2], called)


class Tie(Struct, frozen=True, array_like=True, gc=False):
    """The first time that an identifier was seen together with another one."""

    rank: Rank
    to: str


class Identifier(Struct, frozen=True, gc=False):
    """An e-mail address, user id, external id or phone number. `ties` by slot: what it was first seen with; they decide whose it is (binding.py).

    `lead_id` is absent while it is known only from events that name another person.
    """

    name: str
    lead_id: str | None = None
    ties: dict[str, Tie] = {}


class Lately(Struct, frozen=True, array_like=True, gc=False):
    """What was done by hand on a cookie or by a lead without one: how often in all, and what was done last, by time in milliseconds, each with
    its content (0 where it has none). It tells whether others acted at the same moment, without a look at them (crowd.py)."""

    count: int
    acts: tuple[tuple[int, int], ...]


class Cookie(Struct, frozen=True, gc=False):
    """An anonymous id. `first` and `last` are the first and last identification on it, `top` its latest event of any kind.

    `lead_id` is the lead of the last identification; nobody's while absent. `shared`: identifications of several leads.
    """

    name: str
    top: Rank
    lead_id: str | None = None
    first: Rank | None = None
    last: Rank | None = None
    shared: bool = False
    lately: Lately | None = None
