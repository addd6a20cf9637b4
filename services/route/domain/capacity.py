"""What owners can take: handovers a day by a bucket, and open ones at a time. When they are at work is working.py's.

A bucket of N a day holds N and fills evenly, N in 24 hours: at most N at once, and N a day in the long run. All is counted in whole
numbers (a handover is as many units as a day has microseconds, and N units are won back each microsecond), so nothing is rounded.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from services.route.domain.routing import Owner
from shared import clock

_HANDOVER = 24 * 60 * 60 * 1_000_000  # units; also the microseconds of a day
_US = timedelta(microseconds=1)


class Load(Struct, frozen=True, gc=False):
    """An owner's open handovers, and how many units of the bucket were used and not won back as of `at`."""

    open: int = 0
    used: int = 0
    at: datetime = clock.EPOCH


class Busy(Struct, frozen=True, gc=False):
    """Why an owner is passed over, and until when at most, where that is known."""

    why: str
    until: datetime | None


NO_LOAD = Load()


def busy(owner: Owner, load: Load, now: datetime) -> Busy | None:
    """Why `owner` can't take one more at `now`; None where they can."""
    if not owner.calendar.is_free(now):
        until = owner.calendar.next_free(now)
        return Busy(f"{owner.id} is not at work" + (f" until {clock.text(until)}" if until else ""), until)
    limit = owner.capacity
    if limit.open is not None and load.open >= limit.open:
        return Busy(f"{owner.id} has {load.open} open handovers of {limit.open}", None)
    if limit.per_day is not None:
        over = _used(load, limit.per_day, now) - (limit.per_day - 1) * _HANDOVER
        if over > 0:
            until = now + timedelta(microseconds=-(-over // limit.per_day))
            return Busy(f"{owner.id} has had {limit.per_day} a day until {clock.text(until)}", until)
    return None


def taken(owner: Owner, load: Load, now: datetime) -> Load:
    """The load after one more handover came out of the bucket. What is given over its capacity (nobody else was left) is not owed."""
    per_day = owner.capacity.per_day
    if per_day is None:
        return load
    used = min(_used(load, per_day, now) + _HANDOVER, per_day * _HANDOVER)
    return Load(load.open, used, max(load.at, now))


def _used(load: Load, per_day: int, now: datetime) -> int:
    """Units in use at `now`. A record of another number may come with an earlier time: then nothing is won back."""
    return max(load.used - max((now - load.at) // _US, 0) * per_day, 0)
