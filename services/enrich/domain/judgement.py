"""An operator's ruling on who is who, as a value. What was asked, and whether it can be, is judge.py's; what follows from it is regroup.py's. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.enrich.domain.world import Kept, Tie, name


class Pair(Struct, frozen=True, array_like=True):
    """Two identifiers, and whether they are one person: `to` is binding.JOIN (and the lead that is to remain) or binding.PART."""

    one: str
    other: str
    to: str


class Judgement(Struct, frozen=True):
    """What a command came to: pairs of identifiers that are joined or parted, and events that are of nobody whom they name. Of several rulings about
    the same the latest by (at, command id) counts."""

    command_id: str
    at: datetime
    pairs: tuple[Pair, ...] = ()
    events: tuple[str, ...] = ()
    reason: str | None = None
    by: str | None = None

    def said(self, to: str) -> Tie:
        """What it says, as an identifier or an activity keeps it."""
        return Tie((self.at, self.command_id), to)

    @property
    def apart(self) -> str:
        """Who the events are of that it takes off."""
        return name("apart", self.command_id)


def taken_off(kept: Kept, ruling: Judgement) -> Kept:
    """The activity, taken off whoever it names; unless a later ruling took it elsewhere."""
    said = ruling.said(ruling.apart)
    return replace(kept, apart=said) if kept.apart is None or kept.apart.rank < said.rank else kept
