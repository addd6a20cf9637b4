"""Every metric of the shell: names, labels and help in one place. Labels come from closed sets and never hold personal data."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("leadflow_records_in_total", "Records taken from a topic", ["stage", "topic"])
RECORDS_OUT = Counter("leadflow_records_out_total", "Records acknowledged by the broker", ["stage", "topic"])
REJECTED = Counter("leadflow_records_rejected_total", "Records that became dead letters", ["stage", "reason"])
DUPLICATES = Counter(
    "leadflow_duplicates_dropped_total", "Records dropped because their event id counts already", ["stage"]
)
BATCH_RECORDS = Histogram(
    "leadflow_batch_records", "Records in a batch", ["stage"], buckets=(1, 4, 16, 32, 64, 128, 256, 512, 1000)
)
STEP_SECONDS = Histogram(
    "leadflow_batch_step_seconds",
    "Time of one step of a batch",
    ["stage", "step"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
LAG_RECORDS = Gauge("leadflow_lag_records", "Records on the topic that are not read yet", ["stage", "topic", "part"])
OLDEST_SECONDS = Gauge("leadflow_oldest_unprocessed_seconds", "Age of the oldest record in work", ["stage"])
HELD = Gauge("leadflow_numbers_held", "Partition numbers that this instance owns", ["stage"])
FENCED = Counter(
    "leadflow_fenced_total", "Numbers that a successor had taken when this instance wanted to write", ["stage"]
)
PRODUCERS_REPLACED = Counter(
    "leadflow_producers_replaced_total", "Producers replaced because they were stuck or fenced"
)
WATCHDOG = Counter(
    "leadflow_watchdog_rebuilds_total", "Consumers rebuilt because they stood still beside a backlog", ["stage"]
)
BISECTED = Counter(
    "leadflow_batches_bisected_total", "Batches cut in two because Postgres refused a row of them", ["stage"]
)
BOOKS_IN_FLIGHT = Gauge("leadflow_books_in_flight", "Accepted events that have not ended yet")
BOOKS_MISSING = Gauge(
    "leadflow_books_missing",
    "Accepted events that have no end though everybody has read past them: leads books names them",
)
BOOKS_UNBALANCED = Gauge(
    "leadflow_books_unbalanced", "Hours and properties whose sums do not fit what is in flight; never anything but 0"
)
BOOKS_OLDEST_SECONDS = Gauge(
    "leadflow_books_oldest_in_flight_seconds", "For how long the oldest event that has not ended has been accepted"
)
