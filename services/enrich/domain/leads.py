"""How a lead comes to be, and how its profile version grows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.enrich.domain.world import Lead, Recalled, World
from shared import ids
from shared.clock import from_ms, to_ms

REBUILDING = ("recalled",)  # in the world only while a store learns from its topics what it decided before
# Beside it where the store was empty, so that what it decided of each event is kept and not decided anew.
KEEPING = ("told",)


def raised(version: int, now: datetime) -> int:
    """The next profile version: the record's time in milliseconds, so that the versions of a rebuilt store don't stay behind what
    was sent before; and always higher than the last."""
    return max(version + 1, to_ms(now))


def made(names: Sequence[str], now: datetime, *, world: World, secret: bytes) -> Lead:
    """A new lead, made by the first (strongest) of `names`; in a rebuild by the one which made it the first time."""
    maker = names[0]
    if REBUILDING in world:
        for name in names:
            recalled: Recalled | None = world.get(("recalled", ids.lead_id(secret, name)))
            if recalled is not None and recalled.absorbed_into is None:
                return Lead(ids.lead_id(secret, name), from_ms(recalled.first), name, recalled.last)
    return Lead(ids.lead_id(secret, maker), now, maker)


def survivor(leads: Sequence[Lead], world: World) -> Lead:
    """Which of these remains when they become one: the one made first; in a rebuild not one that was absorbed the first time."""

    def order(lead: Lead) -> tuple[bool, datetime, str]:
        recalled: Recalled | None = world.get(("recalled", lead.lead_id))
        return recalled is not None and recalled.absorbed_into is not None, lead.made_at, lead.lead_id

    return min(leads, key=order)
