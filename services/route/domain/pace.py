"""How long things took: the system up to the handover, and people from there. The two are never added up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from services.route.domain import events
from services.route.domain.routing import Owner, Routing
from services.route.domain.state import Handover, World


def human(created_at: datetime, at: datetime, owner: Owner | None) -> dict[str, float]:
    """Seconds from a handover to what its owner did: by the clock on the wall, and of the owner's working time, as far as the owner is known.
    What somebody says to have done before the handover took no time."""
    seconds = {"wall": max((at - created_at).total_seconds(), 0.0)}
    if owner is not None:
        seconds["working"] = owner.calendar.between(created_at, at).total_seconds()
    return seconds


def system(received_at: datetime | None, created_at: datetime) -> float | None:
    """Seconds from our acceptance of the event that made a lead ready to its handover; None where no event did, but the clock or a command."""
    return max((created_at - received_at).total_seconds(), 0.0) if received_at is not None else None


class Took(Struct, frozen=True):
    """How long a step took that was taken just now: the system's (`handover`), or the owner's, in working time too where that is known."""

    step: str
    wall: float
    working: float | None = None


def measured(routing: Routing, world: World, changes: Mapping[Hashable, Any]) -> list[Took]:
    """The steps that a decision's handovers took. `world` is as it was before."""
    found: list[Took] = []
    for key, after in changes.items():
        if type(after) is not Handover:
            continue
        before: Handover | None = world.get(key)
        if before is None and after.attempt == 1:
            seconds = events.kept(after.document).system_seconds
            if seconds is not None:
                found.append(Took("handover", seconds))
        for step in ("accepted_at", "contacted_at"):
            at: datetime | None = getattr(after, step)
            if at is not None and (before is None or getattr(before, step) is None):
                took = human(after.created_at, at, routing.owners.get(after.owner))
                found.append(Took(step.removesuffix("_at"), took["wall"], took.get("working")))
    return found
