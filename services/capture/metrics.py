"""Brings capture's metrics (shared/metrics/door.py) up to date twice a second, from what is counted per flight, so that an event pays nothing."""

from __future__ import annotations

import time
from functools import lru_cache

from services.capture.backlog import Backlog
from services.capture.limits import Limits
from services.capture.spool import Spool
from services.capture.writer import Writer
from shared.metrics import process
from shared.metrics.door import (
    BACKLOG_AGE,
    DRAINED,
    EVENTS,
    LIMITED,
    SPOOL_AGE,
    SPOOLED,
    UP,
)

_told: dict[str, int] = {}


@lru_cache(maxsize=1024)
def _labels(route: str, status: int) -> tuple[str, str]:
    return route, str(status)


def answered(route: str, status: int, *, since: float) -> None:
    """A request has its answer; `since` (time.perf_counter) its head was read."""
    process.HTTP_REQUESTS.add(_labels(route, status))
    process.HTTP_SECONDS.observe((route,), time.perf_counter() - since)


def publish(writer: Writer, spool: Spool, *, kafka_answers: bool) -> None:
    """Brings the metrics up to date."""
    now = {"kafka": writer.durable_on_kafka, "spool": writer.durable_in_spool, "refused": writer.refused}
    for label, count in now.items():
        EVENTS.labels(label).inc(max(0, count - _told.get(label, 0)))
    DRAINED.inc(max(0, spool.drained - _told.get("drained", 0)))
    _told.update(now, drained=spool.drained)
    SPOOLED.set(spool.events)
    SPOOL_AGE.set(spool.oldest_seconds)
    UP.labels("kafka").set(kafka_answers)
    UP.labels("spool").set(spool.trouble is None)


def publish_limits(limits: Limits, backlog: Backlog) -> None:
    """Brings what is refused, and why it may be soon, up to date."""
    BACKLOG_AGE.set(backlog.seconds)
    for limit, count in limits.refused.items():
        LIMITED.labels(limit).inc(count - _told.get(limit, 0))
    _told.update(limits.refused)
