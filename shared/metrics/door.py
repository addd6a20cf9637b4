"""Capture's metrics: what became of what was sent, what waits, and who was turned away."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

EVENTS = Counter(
    "leadflow_capture_events_total",
    "Records by what made them durable (accepted events and dead letters: kafka, spool); refused: the answer was 503",
    ["durable"],
)
SPOOLED = Gauge("leadflow_capture_spool_events", "Events in the spool, of all instances; take the max over instances")
SPOOL_LIMIT = Gauge("leadflow_capture_spool_limit_events", "Events in the spool at which the answer is 503")
SPOOL_AGE = Gauge("leadflow_capture_spool_oldest_seconds", "For how long the oldest event in the spool waits for Kafka")
DRAINED = Counter("leadflow_capture_drained_events_total", "Events that this instance has sent from the spool to Kafka")
UP = Gauge("leadflow_capture_path_up", "Whether a way to keep events works (kafka, spool): 1 or 0", ["path"])
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
