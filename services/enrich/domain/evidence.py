"""Why a person's identifiers are one person's, out of what is kept of each: the links that hold them together, and who was kept apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from services.enrich.domain import binding
from services.enrich.domain.world import Identifier, Rank


class Link(Struct, frozen=True):
    """What ties an identifier to another one: by `rule` id or phone (binding.py) the event of `rank`, which named both first; by an operator's
    ruling (`join`, or `part`, which keeps them apart) the command of `rank`."""

    name: str
    rule: str
    to: str
    rank: Rank


def links(rows: Mapping[str, Identifier]) -> list[Link]:
    """The links among a person's identifiers (all of them, by name), each under the weaker of the two; and the rulings that keep others apart."""
    found: list[Link] = []
    for name, row in sorted(rows.items()):
        above, tie = binding.parent(row, rows.get), binding.tie_above(row)
        if above in rows and above is not None and tie is not None:
            found.append(Link(name, "phone" if binding.asked_about(row) is not None else "id", above, tie.rank))
        for other, said in sorted(binding.rulings(row)):
            if said.to == binding.PART:
                if other not in rows:
                    found.append(Link(name, "part", other, said.rank))
            elif other in rows and binding.strongest((name, other)) == other:
                found.append(Link(name, "join", other, said.rank))
    return found
