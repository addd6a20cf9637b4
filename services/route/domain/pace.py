"""How long things took: the system up to the handover, and people from there. The two are never added up."""

from __future__ import annotations

from datetime import datetime

from services.route.domain.routing import Owner


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
