"""Which identifiers are one person: the rules, over what each identifier was first seen with. Pure, and free of the order of arrival.

Strong are an e-mail address and a user id of a property. A user id belongs to the e-mail address that it was first seen with,
if it is also the first user id of its property that was seen with that address: so a person has one address and one user
id per property, and two people who each have their own are never joined. A phone number belongs to the strong identifier that
it was first seen with. First means by time of occurrence, then event id; it is a minimum, so any order gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from services.enrich.domain.world import SEPARATOR, Happened, Identifier, Rank, Tie, World

_EMAIL, _USER, _STRONG = "email", "user", "strong"


def user_slot(user: str) -> str:
    """The slot of an address for user ids of the same property as this user name."""
    return user.rsplit(SEPARATOR, 1)[0]


def user_ids(names: Iterable[str]) -> dict[str, str]:
    """User ids by property, of those of these names that are one."""
    kinds = [name.split(SEPARATOR) for name in names]
    return {kind[1]: kind[2] for kind in kinds if kind[0] == _USER}


def persons(events: Iterable[Happened]) -> set[str]:
    """The identifiers of these events that name a person."""
    return {name for one in events for name in (one.email, one.user, one.phone) if name is not None}


def identifiers(world: World, happened: Happened) -> tuple[dict[str, Identifier], bool]:
    """The identifiers of an event with the ties that it adds, and whether one was retied (then people may fall apart)."""
    found: dict[str, Identifier] = {}
    email, user, phone = happened.email, happened.user, happened.phone
    for name in (email, user, phone):
        if name is not None:
            found[name] = world.get(("identifier", name)) or Identifier(name)
    retied = False
    if len(found) > 1:
        for name, slot, to in ties(happened):
            retied |= _tie(found, name, slot, happened.rank, to)
    return found, retied


def ties(happened: Happened) -> list[tuple[str, str, str]]:
    """What an event ties together: an identifier, its slot, and the identifier that it is seen with."""
    email, user, phone = happened.email, happened.user, happened.phone
    tied: list[tuple[str, str, str]] = []
    if email is not None and user is not None:
        tied += (email, user_slot(user), user), (user, _EMAIL, email)
    strong = email or user
    if phone is not None and strong is not None:
        tied.append((phone, _STRONG, strong))
    return tied


def _tie(found: dict[str, Identifier], name: str, slot: str, rank: Rank, to: str) -> bool:
    known = found[name]
    old = known.ties.get(slot)
    if old is not None and old.rank <= rank:
        return False
    found[name] = replace(known, ties={**known.ties, slot: Tie(rank, to)})
    return old is not None and old.to != to


def bound(happened: Happened, found: Mapping[str, Identifier]) -> list[str]:
    """Those of the event's identifiers that are one person, the strongest first: the person that the event is of."""
    email, user, phone = happened.email, happened.user, happened.phone
    together = [name for name in (email, user) if name is not None]
    if email is not None and user is not None and not _mutual(found[email], found[user]):
        together = [email]  # the address is the stronger evidence; the user id is somebody else's
    if phone is not None:
        tie = found[phone].ties.get(_STRONG)
        if not together or tie is None or tie.to in together:
            together.append(phone)
    return together


def owner(name: str, find: Callable[[str], Identifier | None]) -> str:
    """The strongest identifier of the person whose identifier this is."""
    known = find(name)
    if known is None:
        return name
    strong = known.ties.get(_STRONG)
    if strong is not None:
        return owner(strong.to, find)
    tie = known.ties.get(_EMAIL)
    if tie is None:
        return name
    address = find(tie.to)
    return tie.to if address is not None and _mutual(address, known) else name


def _mutual(address: Identifier, user: Identifier) -> bool:
    theirs = address.ties.get(user_slot(user.name))
    ours = user.ties.get(_EMAIL)
    return theirs is not None and ours is not None and theirs.to == user.name and ours.to == address.name
