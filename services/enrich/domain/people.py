"""From identifiers to people: who each of them is, rulings included, by the rules of binding.py. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.enrich.domain.binding import PART, is_ruled, owner, parent, rulings, strongest, tie_above
from services.enrich.domain.limits import PHONE
from services.enrich.domain.world import Identifier, Rank


def people(rows: Mapping[str, Identifier]) -> dict[str, str]:
    """Who each of these identifiers is, by the strongest identifier of the person. All on which it depends has to be among them."""
    if not is_ruled(rows.values()):
        return {name: owner(name, rows.get) for name in rows}
    ruled = {
        (min(name, other), max(name, other)): tie
        for name, row in rows.items()
        for other, tie in rulings(row)
        if other in rows
    }
    parted: dict[str, set[str]] = {}
    joins: list[tuple[Rank, tuple[str, str]]] = []
    for (one, other), tie in ruled.items():
        if tie.to != PART:
            joins.append((tie.rank, (one, other)))
        else:
            parted.setdefault(one, set()).add(other)
            parted.setdefault(other, set()).add(one)
    group: dict[str, set[str]] = {name: {name} for name in rows}

    def join(one: str, other: str) -> None:
        mine, theirs = group[one], group[other]
        if mine is theirs or any(not theirs.isdisjoint(parted.get(name, ())) for name in mine):
            return
        mine |= theirs
        group.update(dict.fromkeys(theirs, mine))

    for _, pair in sorted(sorted(joins, key=lambda each: each[1]), key=lambda each: each[0], reverse=True):
        join(*pair)
    for _, name, above in sorted(_links(rows)):
        join(name, above)
    return {name: strongest(group[name]) for name in rows}


def _links(rows: Mapping[str, Identifier]) -> Iterator[tuple[tuple[bool, Rank], str, str]]:
    for name, row in rows.items():
        above, tie = parent(row, rows.get), tie_above(row)
        if tie is not None and above is not None and above in rows:
            yield (row.name.startswith(PHONE), tie.rank), name, above
