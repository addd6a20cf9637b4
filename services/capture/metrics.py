"""Capture's metrics: names, labels and help in one place. Counted per flight and copied out twice a second, so that an event pays nothing."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from services.capture.backlog import Backlog
from services.capture.limits import Limits
from services.capture.spool import Spool
from services.capture.writer import Writer

EVENTS = Counter(
    "leadflow_capture_events_total",
    "Records by what made them durable (accepted events and dead letters); refused: the answer was 503",
    ["durable"],
)
SPOOLED = Gauge("leadflow_capture_spool_events", "Events in the spool, of all instances")
SPOOL_AGE = Gauge("leadflow_capture_spool_oldest_seconds", "For how long the oldest event in the spool waits for Kafka")
DRAINED = Counter("leadflow_capture_drained_events_total", "Events that this instance has sent from the spool to Kafka")
UP = Gauge("leadflow_capture_path_up", "Whether a way to keep events works: 1 or 0", ["path"])
LIMITED = Counter(
    "leadflow_capture_limited_total", "Requests answered 429, by limit (key, address, invalid, quota)", ["limit"]
)
TURNED_AWAY = Counter(
    "leadflow_capture_turned_away_total",
    "Connections answered 503, since there were too many at all or of their address",
)
FETCHES = Gauge(
    "leadflow_capture_fetches", "Leads of which only ids came and that are not fetched yet, of all instances"
)
FETCHES_OLDEST = Gauge("leadflow_capture_fetch_oldest_seconds", "How long the oldest of them has waited")
BACKLOG_AGE = Gauge(
    "leadflow_capture_backlog_oldest_seconds", "For how long the oldest accepted event that enrich has not read waits"
)
_told: dict[str, int] = {}


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
