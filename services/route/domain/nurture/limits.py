"""How much is too much, and when nobody is disturbed: caps over rolling spans, quiet hours and days in a person's zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.route.domain.nurture.document import ANY, Cap, Quiet
from services.route.domain.nurture.state import DAY_MS, WEEK_MS, Sent
from shared.clock import from_ms, to_ms

_MINUTES = 24 * 60


def cap_reached(limits: Mapping[str, Cap], sent: Iterable[Sent], *, channel: str, now: int) -> str | None:
    """Which limit one more would break, in the document's words; None where it is within all.

    A day is any 24 hours and a week any 7 days, up to now and without its first instant: whatever span is looked at later, no more were sent in it.
    """
    recent = [one for one in sent if one.at > now - WEEK_MS]
    for name in (channel, ANY):
        cap = limits.get(name)
        if cap is None:
            continue
        counted = [one.at for one in recent if name == ANY or one.channel == channel]
        if cap.per_day is not None and sum(at > now - DAY_MS for at in counted) >= cap.per_day:
            return f"{name}: {cap.per_day} per day"
        if cap.per_week is not None and len(counted) >= cap.per_week:
            return f"{name}: {cap.per_week} per week"
    return None


def still(sent: tuple[Sent, ...], now: int) -> tuple[Sent, ...]:
    """What of it can still count at `now` or later."""
    return tuple(one for one in sent if one.at > now - WEEK_MS)


def is_quiet(quiet: Quiet, local: datetime) -> bool:
    """Whether nothing is sent at this time of a person's clock."""
    if local.weekday() in quiet.days:
        return True
    minute = local.hour * 60 + local.minute
    if quiet.begins <= quiet.ends:
        return quiet.begins <= minute < quiet.ends
    return minute >= quiet.begins or minute < quiet.ends


def open_at(quiet: Quiet, zone: ZoneInfo, now: int) -> int:
    """The first moment from `now` on that is not quiet: `now` itself where it is not. The document leaves some (read.py).

    Where the clock is put forward over the end of the quiet hours, it is the time that it shows instead.
    """
    at = from_ms(now).astimezone(zone)
    if not is_quiet(quiet, at):
        return now
    moment = at
    while is_quiet(quiet, moment):
        moment = _next_edge(quiet, moment, zone)
    return to_ms(moment)


def _next_edge(quiet: Quiet, local: datetime, zone: ZoneInfo) -> datetime:
    """The next moment at which the quiet hours may end, or a day begins."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    edges = []
    for days in (0, 1):
        day = midnight + timedelta(days=days)
        for minute in (0, quiet.ends % _MINUTES):
            edge = day + timedelta(minutes=minute)
            # Through UTC and back: a time that does not exist becomes the one that the clock shows instead.
            edges += [edge.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    now = local.astimezone(UTC)
    return min(edge for edge in edges if edge > now).astimezone(zone)
