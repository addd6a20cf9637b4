"""Reading and writing moments. The one place that asks the machine what time it is."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """This moment, UTC. Domain code never calls it: time is an argument there."""
    return datetime.now(UTC)


def now_ms() -> int:
    """This moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@functools.lru_cache(maxsize=1024)  # records of one produce batch share their LogAppendTime
def from_ms(ms: int) -> datetime:
    """The moment of a Kafka timestamp (milliseconds since 1970), exact."""
    return EPOCH + timedelta(milliseconds=ms)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    since = at - EPOCH  # whose seconds and microseconds are never negative; dividing it takes twice as long
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


@functools.lru_cache(maxsize=1024)
def text(at: datetime) -> str:
    """RFC 3339 UTC with milliseconds, as SPEC 2 writes times: 2026-11-27T01:02:03.456Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment(value: Any) -> str | None:
    """A time of RFC 3339 from outside, in UTC; None for what is none, or lies before 1970. A time without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        return _since_epoch(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def since_1970(value: Any, per_second: int) -> str | None:
    """A count since 1970 from outside as RFC 3339; None for what is no moment after it."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return _since_epoch(datetime.fromtimestamp(value / per_second, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _since_epoch(at: datetime) -> str | None:
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat() if at >= EPOCH else None
