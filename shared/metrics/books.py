"""Console's metrics: the books, accepted = ended + in flight."""

from __future__ import annotations

from prometheus_client import Gauge

IN_FLIGHT = Gauge("leadflow_books_in_flight", "Accepted events that have not ended yet")
MISSING = Gauge(
    "leadflow_books_missing",
    "Accepted events that have no end though everybody has read past them: leads books names them",
)
UNBALANCED = Gauge(
    "leadflow_books_unbalanced", "Hours and properties whose sums do not fit what is in flight; never anything but 0"
)
OLDEST_SECONDS = Gauge(
    "leadflow_books_oldest_in_flight_seconds", "For how long the oldest event that has not ended has been accepted"
)
