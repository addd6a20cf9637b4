"""Which identifiers are one person: the rules, over what is kept of each identifier. Pure, and free of the order of arrival.

*Identifiers.* Strong are an e-mail address (by its match key), a user id of a property, and an external id: a vendor's or CRM's id of the person
in one system (and of a property, where the system numbers each account anew: data/systems.tsv). Medium is a phone number. Weak is a cookie
(cookies.py), which is no part of this. An event is *of* its strongest identifier: e-mail, else user id, else external id, else phone (under a name, see 3); an
event that a ruling took off is of that ruling. *First* means by time of occurrence, then event id: minima, so any order gives the same.

*Links.* Of themselves these hang together, and nothing else does, so no two that are of one kind (and property or system) and differ ever do:

1. `id`: a user id, or an external id, hangs on the address that it was first seen with, if it is also the first of its property, or
   of its system, that was seen with that address. Whoever posts a form names systems of their own as they like: of those that no table knows
   only the first `LIMITS.systems` that were seen with an address count (each by its first time, then by its name).
2. `phone`: a phone number hangs on the strong identifier that it was first seen with (of one event, the strongest), with two exceptions that go to
   the review queue instead:
   `names`: the names disagree (agreement.py): the first full name of the events that name the number and nobody stronger, and the first full name
   of the events that name that strong identifier.
   `limit`: of all numbers that were seen with that identifier as the strongest of an event, each by its first time, this one is not among the first
   `LIMITS.identifiers`, or it is not among the first `LIMITS.an_hour` of these in its hour (of occurrence, UTC).

3. `named`: an event that names nobody but a phone number, and them in full, is of the number under that name. That hangs on the number if the name
   agrees with the first that was said so with it, and is one of the first `LIMITS.names`; else it goes to the review queue too. Who says no name is
   of the number itself. A person who is known by no more is the first of these names, which makes their lead: so it stays theirs.

*Rulings.* An operator's ruling says of two identifiers that they are one person (join) or never are (part); of several about the same two the latest
by (time, command id) counts. People are made so: nobody is joined; then the joins, the latest first (then by names), then links of ids and names, then links of
phones (each by the rank of its tie, then by name); each makes one of the two people concerned, unless one of the one and one of the other are parted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from services.enrich.domain.agreement import disagree
from services.enrich.domain.limits import (
    LIMITS,
    NAMED,
    PHONE,
    admitted,
    crowded_out,
    faces,
    has_phone,
    own_systems,
    phoned,
)
from services.enrich.domain.world import SEPARATOR, Happened, Identifier, Rank, Tie, World, under

Find = Callable[[str], Identifier | None]

# What an identifier's ties are kept under. On a user id or external id: its address. On an address: `slot_of` its ids. On a phone: its
# strong identifier. On a strong identifier: the names of its phones. On any: its first full name, and rulings.
_EMAIL, _STRONG, _NUMBER, CALLED, RULED = "email", "strong", "number", "called", "ruled"
_RULING = RULED + SEPARATOR
_KINDS = ("email", "user", "external", "named", "phone", "apart")  # the strongest first
JOIN, PART = "join", "part"  # what a ruling's tie says; join may name the lead that is to remain, after a blank


def slot_of(name: str) -> str:
    """The slot of an address for ids of the same property or system as this one."""
    return name.rsplit(SEPARATOR, 1)[0]


def user_ids(names: Iterable[str]) -> dict[str, str]:
    """User ids by property, of those of these names that are one; of several of a property (by a ruling) the least."""
    return _last_parts("user", names)


def external_ids(names: Iterable[str]) -> dict[str, str]:
    """External ids by system, of those of these names that are one; of several of a system the least."""
    return _last_parts("external", names)


def _last_parts(kind: str, names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        parts = name.split(SEPARATOR)
        if parts[0] == kind and (parts[1] not in found or parts[-1] < found[parts[1]]):
            found[parts[1]] = parts[-1]
    return found


def persons(events: Iterable[Happened]) -> set[str]:
    """The identifiers of these events that name a person."""
    return {name for one in events for name in one.persons}


def identifiers(world: World, happened: Happened) -> tuple[dict[str, Identifier], bool]:
    """The identifiers of an event with the ties that it adds, and whether people may become others by that than the leads of these
    identifiers tell."""
    before = {name: world.get(("identifier", name)) for name in happened.persons}
    found = {name: row if row is not None else Identifier(name) for name, row in before.items()}
    retied = False
    called, phone = happened.called, happened.phone
    strong = happened.strong
    if called is not None:
        for name in found if strong is not None else (happened.phone,):
            if name is not None and (name != phone or strong is None):
                retied |= _named(found, name, happened.rank, called)
    if len(found) > 1:
        for name, slot, to in ties(happened):
            retied |= _tie(found, name, slot, happened.rank, to)
        if happened.externals and happened.email is not None:
            address = happened.email
            retied |= crowded_out(found, before.get(address), address, own_systems(found[address]), LIMITS.systems)
        if phone is not None and strong is None:
            retied |= crowded_out(found, before.get(phone), phone, faces(found[phone]), LIMITS.names)
        elif phone is not None:
            retied |= phoned(found, happened.persons[0], phone, happened.rank)
        if not retied and is_ruled(found.values()):
            retied = any(found[name] is not row for name, row in before.items())
    return found, retied


def ties(happened: Happened) -> list[tuple[str, str, str]]:
    """What an event ties together: an identifier, its slot, and the identifier that it is seen with."""
    email, user, phone = happened.email, happened.user, happened.phone
    tied: list[tuple[str, str, str]] = []
    if email is not None:
        if user is not None:
            tied += (email, slot_of(user), user), (user, _EMAIL, email)
        for external in happened.externals:
            tied += (email, slot_of(external), external), (external, _EMAIL, email)
    if phone is not None and (strong := happened.strong) is not None:
        tied.append((phone, _STRONG, strong))
    elif phone is not None and happened.called is not None:
        face = under(phone, happened.called)
        tied += (phone, face, face), (face, _NUMBER, phone)
    return tied


def _tie(found: dict[str, Identifier], name: str, slot: str, rank: Rank, to: str) -> bool:
    known = found[name]
    old = known.ties.get(slot)
    if old is not None and old.rank <= rank:
        return False
    found[name] = replace(known, ties={**known.ties, slot: Tie(rank, to)})
    return old is not None and old.to != to


def _named(found: dict[str, Identifier], name: str, rank: Rank, called: str) -> bool:
    """Keeps the first full name; says whether a link of a phone may depend on it."""
    known = found[name]
    old = known.ties.get(CALLED)
    if old is not None and old.rank <= rank:
        return False
    found[name] = replace(known, ties={**known.ties, CALLED: Tie(rank, called)})
    if old is not None and old.to == called:
        return False
    return _STRONG in known.ties or has_phone(known) or bool(faces(known))


def is_ruled(found: Iterable[Identifier]) -> bool:
    """Whether an operator has ruled on one of these."""
    return any(RULED in row.ties for row in found)


def bound(happened: Happened, found: Mapping[str, Identifier]) -> list[str]:
    """Those of the event's identifiers that are one person, the strongest first: the person that the event is of. Where there is a ruling on one
    of them, the leads that they have tell."""
    names = happened.persons
    if len(names) == 1:
        return list(names)
    strongest = names[0]
    if is_ruled(found.values()):
        return [
            name for name in names if name == strongest or found[name].lead_id == found[strongest].lead_id is not None
        ]
    if happened.strong is None:
        return names if parent(found[strongest], found.get) is not None else [strongest]
    together = [strongest]
    for name in names[1:]:
        if parent(found[name], found.get) in together:
            together.append(name)
    return together


def parent(known: Identifier, find: Find) -> str | None:
    """The identifier that this one hangs on by itself, or None."""
    strong = asked_about(known)
    if strong is not None:
        row = find(strong.to)
        return strong.to if row is None or blocked(known, row) is None else None
    tie = known.ties.get(_EMAIL)
    if tie is None:
        return None
    address = find(tie.to)
    return tie.to if address is not None and _mutual(address, known) else None


def blocked(low: Identifier, above: Identifier) -> str | None:
    """Why a number does not hang on the strong identifier that it was first seen with, or a number under a name on the number: names, limit; or None
    when it does."""
    if _NUMBER in low.ties:
        if low.name not in above.ties:
            return "limit"
        mine, theirs = low.name.split(SEPARATOR, 2)[2], above.ties.get(CALLED)
        return "names" if theirs is not None and disagree(mine, theirs.to) else None
    if not admitted(above, low.name):
        return "limit"
    said, theirs = low.ties.get(CALLED), above.ties.get(CALLED)
    return "names" if said is not None and theirs is not None and disagree(said.to, theirs.to) else None


def asked_about(known: Identifier) -> Tie | None:
    """The identifier that this one hangs on if nothing speaks against it, of which else an operator is asked: of a number the strong one that it was first
    seen with, of a number under a name the number."""
    return known.ties.get(_STRONG) or known.ties.get(_NUMBER)


def tie_above(known: Identifier) -> Tie | None:
    """What an identifier was first seen with that it may hang on (`parent` says whether it does), and when."""
    return known.ties.get(_STRONG) or known.ties.get(_EMAIL) or known.ties.get(_NUMBER)


def owner(name: str, find: Find) -> str:
    """The identifier that stands for the person whose identifier this is, where nobody ruled: what all others hang on, and of a number the first that
    was named under it, so that a lead is made by who it is of."""
    known = find(name)
    if known is None:
        return name
    above = parent(known, find)
    if above is not None:
        return owner(above, find)
    return under(name, known.ties[CALLED].to) if is_named(known) else name


def is_named(known: Identifier, *, by: Rank | None = None) -> bool:
    """Whether it is a number of which one who named nobody else said their name in full; first in the event of that rank."""
    called = known.ties.get(CALLED) if known.name.startswith(PHONE) else None
    return called is not None and by in (None, called.rank)


def _mutual(address: Identifier, other: Identifier) -> bool:
    theirs = address.ties.get(slot_of(other.name))
    ours = other.ties.get(_EMAIL)
    return theirs is not None and ours is not None and theirs.to == other.name and ours.to == address.name


def rulings(known: Identifier) -> Iterator[tuple[str, Tie]]:
    """The rulings on this identifier: the other one, and when (with the command's id) it was ruled to be joined or parted."""
    if RULED in known.ties:
        for slot, tie in known.ties.items():
            if slot.startswith(_RULING):
                yield slot[len(_RULING) :], tie


def chosen(person: Iterable[Identifier]) -> str | None:
    """The lead that the latest ruling on these identifiers, which are one person, wants to remain."""
    said = [tie for row in person for _, tie in rulings(row) if tie.to.startswith(f"{JOIN} ")]
    return max(said, key=lambda tie: tie.rank).to.partition(" ")[2] if said else None


def rule(known: Identifier, other: str, said: Tie) -> Identifier:
    """The identifier under one more ruling about it and another; an older one changes nothing."""
    old = known.ties.get(_RULING + other)
    if old is not None and (old.rank, old.to) >= (said.rank, said.to):
        return known
    latest = max(known.ties.get(RULED, said), said, key=lambda tie: (tie.rank, tie.to))
    return replace(known, ties={**known.ties, _RULING + other: said, RULED: latest})


def linked(known: Identifier) -> set[str]:
    """The other identifiers on which it may depend who this one is: by rulings, and its phones' or strong one's."""
    found = {other for other, _ in rulings(known)}
    found.update(slot for slot in known.ties if slot.startswith((PHONE, NAMED)))
    above = asked_about(known)
    return found if above is None else {*found, above.to}


def strongest(names: Collection[str]) -> str:
    """Of a person's identifiers the one that stands for it."""
    return min(names, key=lambda name: (_KINDS.index(name.split(SEPARATOR, 1)[0]), name))
