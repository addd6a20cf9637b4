"""Ids that vendors and CRMs have for a person: which traits hold one, and as which identifier it is known (data/systems.tsv). Pure.

An id of one submission, order or deal is none of these: it makes an event's id (shared/ids.py), never a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from services.enrich.domain.identity import legal
from services.enrich.domain.tables import DATA, rows, words
from services.enrich.domain.world import name

KINDS = ("everywhere", "property")
SYSTEM = re.compile("[a-z0-9][a-z0-9_.-]{0,39}").fullmatch
IDS = "externalids"  # the trait with ids by system: {"salesforce": "003..."}
MOST = 20  # of one event: each is locked, and kept with its person, and a sender chooses how many there are
_scopes: dict[str, str] = {}
_traits: dict[str, str] = {}  # systems by traits without case, blanks, hyphens and underscores
# An id of 18 characters is one of 15 whose case is told by the last three (Salesforce help, "Salesforce ID types").
_SALESFORCE = re.compile("([A-Za-z0-9]{15})[A-Z0-5]{3}").fullmatch


def add(lines: Iterable[Sequence[str]]) -> None:
    """Takes in a table: system, everywhere or property, traits; what was said last of a system or a trait counts."""
    for system, scope, traits, *_ in lines:
        _scopes[system] = scope
        for trait in words(traits):
            _traits[_plain(trait)] = system
    system_of.cache_clear()
    identifier.cache_clear()


def _plain(trait: str) -> str:
    return trait.lower().replace("_", "").replace("-", "").replace(" ", "")


@lru_cache(maxsize=2_000)
def system_of(trait: str) -> str | None:
    """The system whose id a trait holds, `IDS` for that of ids by system, or None for any other trait."""
    plain = _plain(trait)
    return IDS if plain == IDS else _traits.get(plain)


def told(system: str, value: Any) -> dict[str, str]:
    """Ids by system that a trait of this system (or `IDS`) holds, those that can tell one person from another."""
    given: Mapping[str, Any] = (
        value if system == IDS and type(value) is dict else {system: value} if system != IDS else {}
    )
    found = {}
    for one, raw in given.items():
        named = one.lower().strip()
        if SYSTEM(named) and type(raw) in (str, int) and (read := legal(str(raw))) is not None:
            short = _SALESFORCE(read) if named.startswith("salesforce") else None
            found[named] = short[1] if short is not None else read
    return found


def first(ids: Mapping[str, str]) -> Mapping[str, str]:
    """At most `MOST` of these ids: those of the systems in the tables before others, then by the system's name."""
    if len(ids) <= MOST:
        return ids
    return {one: ids[one] for one in sorted(ids, key=lambda system: (system not in _scopes, system))[:MOST]}


def is_listed(system: str) -> bool:
    """Whether a table knows the system, ours or the operator's."""
    return system in _scopes


def of_user_id(user_id: str) -> tuple[str, str] | None:
    """System and id in what a vendor's hook gives as the user's id (hubspot:123), where that is an external id."""
    system, colon, id_ = user_id.partition(":")
    return (system, id_) if colon and system in _scopes else None


@lru_cache(maxsize=5_000)
def identifier(system: str, id_: str, property_: str) -> str:
    """The identifier under which the person is known that a property's system calls so. Of a system that is in no table each property has
    its own."""
    if _scopes.get(system) == "everywhere":
        return name("external", system, id_)
    return name("external", system, property_, id_)


add(rows(DATA / "systems.tsv"))
