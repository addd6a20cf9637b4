"""How many identifiers may join one by themselves: of those that are too many the first count, by time of occurrence, so that any order gives the
same. Which do join at all is binding.py's. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from services.enrich.domain import external
from services.enrich.domain.world import SEPARATOR, Identifier, Rank, Tie

PHONE = "phone" + SEPARATOR  # on a strong identifier the slots of its phones begin so
NAMED = "named" + SEPARATOR  # on a phone the slots of it under a name
_EXTERNAL = "external" + SEPARATOR  # and on an address those of its external ids


@dataclass(slots=True)
class Limits:
    """How many phone numbers may join one strong identifier by themselves: in all, and of one hour; and ids of how many systems that are in no
    table may join one address, and how many names one number."""

    identifiers: int = 50
    an_hour: int = 10
    systems: int = 20
    names: int = 20


LIMITS = (
    Limits()
)  # set once, at the start (settings.py): what was kept under a smaller limit is not known under a larger one


def crowded_out(
    found: dict[str, Identifier], before: Identifier | None, name: str, slots: list[str], most: int
) -> bool:
    """Lets go of what is too many of these slots of an identifier; says whether one of it was among the first until now."""
    if len(slots) <= most:
        return False
    known = found[name]
    late = frozenset(sorted(slots, key=lambda slot: (known.ties[slot].rank, slot))[most:])
    found[name] = replace(known, ties={slot: tie for slot, tie in known.ties.items() if slot not in late})
    return before is not None and not late.isdisjoint(before.ties)


def own_systems(address: Identifier) -> list[str]:
    """The slots of an address for ids of systems that are in no table."""
    return [slot for slot in address.ties if slot.startswith(_EXTERNAL) and is_own(slot)]


def faces(phone: Identifier) -> list[str]:
    """A phone under the names that were said with it and with nobody stronger."""
    return [slot for slot in phone.ties if slot.startswith(NAMED)]


def is_own(id_: str) -> bool:
    """Whether an external id, or its slot, is of a system that is in no table."""
    return not external.is_listed(id_.split(SEPARATOR, 2)[1])


def phoned(found: dict[str, Identifier], strong: str, phone: str, rank: Rank) -> bool:
    """Counts the number among those of a strong identifier; says whether that changes which others may join, or whether this one's old
    person may have to let it go."""
    known = found[strong]
    old = known.ties.get(phone)
    if old is not None and old.rank <= rank:
        return False
    tied = {**known.ties, phone: Tie(rank, phone)}
    numbers = [slot for slot in tied if slot.startswith(PHONE)]
    if len(numbers) > LIMITS.identifiers:
        last = max(numbers, key=lambda slot: tied[slot].rank)
        if last == phone:
            return False
        del tied[last]
    after = found[strong] = replace(known, ties=tied)
    if len(numbers) <= least_limit():
        return False
    return any(admitted(known, one) != admitted(after, one) for one in numbers if one != phone or old is not None)


def has_phone(known: Identifier) -> bool:
    """Whether a phone number was seen with this strong identifier."""
    return any(slot.startswith(PHONE) for slot in known.ties)


def least_limit() -> int:
    """So many numbers can join an identifier whatever the hour."""
    return min(LIMITS.an_hour, LIMITS.identifiers)


def admitted(strong: Identifier, phone: str) -> bool:
    """Whether the number is within the limits of a strong identifier."""
    mine = strong.ties.get(phone)
    if mine is None:
        return False
    if len(strong.ties) <= LIMITS.an_hour:
        return True
    hour = _hour(mine.rank)
    before = [
        tie
        for slot, tie in strong.ties.items()
        if slot.startswith(PHONE) and tie.rank < mine.rank and _hour(tie.rank) == hour
    ]
    return len(before) < LIMITS.an_hour


def _hour(rank: Rank) -> tuple[int, int]:
    return rank[0].toordinal(), rank[0].hour
