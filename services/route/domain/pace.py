"""How long things took: the system up to the handover, and people from there. The two are never added up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from services.route.domain import events
from services.route.domain.lifecycle import State
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


class Moved(Struct, frozen=True):
    """What became of a handover just now: the state that it came into; of a new one whose team got it and the number of the attempt; and
    which deadlines were kept or missed."""

    state: State | None = None
    team: str | None = None
    attempt: int | None = None
    kept: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


def moved(routing: Routing, world: World, changes: Mapping[Hashable, Any]) -> list[Moved]:
    """What became of a decision's handovers. `world` is as it was before. A deadline is missed once: when its moment passes, else when
    what it asks for is reported to have been done later."""
    found: list[Moved] = []
    for key, after in changes.items():
        if type(after) is not Handover:
            continue
        before: Handover | None = world.get(key)
        kept, missed = _deadlines(before, after)
        state = after.state if before is None or before.state != after.state else None
        if before is None:
            owner = routing.owners.get(after.owner)
            found.append(Moved(state, owner.team if owner is not None else None, after.attempt, kept, missed))
        elif state is not None or kept or missed:
            found.append(Moved(state, kept=kept, missed=missed))
    return found


def _deadlines(before: Handover | None, after: Handover) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept: list[str] = []
    missed: list[str] = []
    for step, at, by, is_late, was_late, was_at in (
        (
            "accepted",
            after.accepted_at,
            after.accept_by,
            after.expired or after.accept_escalated,
            before is not None and (before.expired or before.accept_escalated),
            before.accepted_at if before is not None else None,
        ),
        (
            "contacted",
            after.contacted_at,
            after.contact_by,
            after.contact_escalated,
            before is not None and before.contact_escalated,
            before.contacted_at if before is not None else None,
        ),
    ):
        if by is None or was_late:
            continue
        if is_late:
            missed.append(step)
        elif at is not None and was_at is None:
            (kept if at <= by else missed).append(step)
    return tuple(kept), tuple(missed)


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
