"""What every process shows of itself: what it is, the requests that it answers, its connections to Postgres; and what a scrape gets."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata
from typing import Protocol

from prometheus_client import REGISTRY, Gauge, Info, disable_created_metrics
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from shared.metrics import exposition
from shared.metrics.counted import Counts, Spread

disable_created_metrics()  # type: ignore[no-untyped-call]  # a sample beside each other one, which Prometheus does not need

BUILD = Info("leadflow_build", "Version of Leadflow and of Python")
HTTP_REQUESTS = Counts("leadflow_http_requests_total", "Requests that were answered", ("route", "code"))
HTTP_SECONDS = Spread(
    "leadflow_http_request_seconds",
    "From a request's head to its answer; of what is accepted, until it is durable",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
READY = Gauge("leadflow_ready", "Whether /readyz says ready: 1 or 0")
DEGRADED = Gauge("leadflow_degraded", "How many parts do their work only in another way than they should")
LOOP_LATE_SECONDS = Gauge(
    "leadflow_loop_late_seconds",
    "By how much the event loop was late at worst in the last half minute: how long something held it",
)
POOL_CONNECTIONS = Gauge(
    "leadflow_database_pool_connections", "Connections to the service's own database, by state (busy, idle)", ["state"]
)
POOL_LIMIT = Gauge("leadflow_database_pool_limit", "The most connections that the pool opens")


class _Pool(Protocol):
    def get_size(self) -> int: ...
    def get_idle_size(self) -> int: ...
    def get_max_size(self) -> int: ...


def show_build() -> None:
    """Says which build runs."""
    BUILD.info({"version": metadata.version("leadflow"), "python": platform.python_version()})


def show_pool(pool: _Pool) -> None:
    """Shows the pool as it is at each scrape."""
    POOL_LIMIT.set(pool.get_max_size())
    POOL_CONNECTIONS.labels("idle").set_function(pool.get_idle_size)
    POOL_CONNECTIONS.labels("busy").set_function(lambda: pool.get_size() - pool.get_idle_size())


def show_health(ready: Callable[[], bool], degraded: Callable[[], int]) -> None:
    """Shows what /readyz says at each scrape."""
    READY.set_function(lambda: float(ready()))
    DEGRADED.set_function(lambda: float(degraded()))


def exposed(accept: str) -> tuple[bytes, str]:
    """All metrics as the scraper wants them (its Accept header), and their content type: OpenMetrics with exemplars, else Prometheus' text.
    Some milliseconds of work; from any thread."""
    if "application/openmetrics-text" in accept:
        return exposition.openmetrics(REGISTRY), CONTENT_TYPE_LATEST
    return exposition.plain(REGISTRY), exposition.PLAIN
