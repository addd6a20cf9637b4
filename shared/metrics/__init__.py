"""Every metric that any process shows: names, labels and help. Here are the shell's (shared/runner, shared/batch); process.py has those of every
process, door.py capture's, funnel.py score's, handover.py route's, books.py console's. Labels come from closed sets and never hold personal
data. deploy/METRICS.md is generated from here (`python -m shared.generate`)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.counted import Counts, Spread
from shared.outcome import Reason

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
    "Time of one step of a batch: gather (waiting for records included), decode, fence, load, decide, save, commit, emit (until the broker has it)",
    ["stage", "step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.25, 1, 5),
)
END_TO_END_SECONDS = Spread(
    "leadflow_end_to_end_seconds",
    "From our acceptance of an event until Kafka has acknowledged what came of it on this topic; without what the clock or an operator caused, and without rebuilds",
    ("topic",),
    # With the promised latencies among them: 70, 130, 250, 400, 500 and 700 ms.
    buckets=(0.025, 0.05, 0.07, 0.1, 0.13, 0.18, 0.25, 0.4, 0.5, 0.7, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
EVENTS_DECIDED = Counts(
    "leadflow_events_decided_total", "Events that were decided to be told, committed, by their type", ("stage", "type")
)
LAG_RECORDS = Gauge("leadflow_lag_records", "Records on the topic that are not read yet", ["stage", "topic", "part"])
LAG_SECONDS = Gauge(
    "leadflow_lag_seconds",
    "For how long at most the oldest record that is not read yet has been on the topic; 0 when all is read",
    ["stage", "topic", "part"],
)
OLDEST_SECONDS = Gauge(
    "leadflow_oldest_unprocessed_seconds",
    "Age of the oldest record that is not done: unread, or in a batch that is not committed yet",
    ["stage"],
)
OUTBOX_ROWS = Gauge(
    "leadflow_outbox_rows",
    "Committed batches in the whole store whose messages Kafka may not have yet; take the max over instances",
    ["stage"],
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "leadflow_outbox_oldest_seconds", "Age of the oldest of them; take the max over instances", ["stage"]
)
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


def begin(stage: str) -> None:
    """Shows a stage's counters as 0: a rate sees a first event only where there was a sample before."""
    for counter in (DUPLICATES, FENCED, WATCHDOG, BISECTED):
        counter.labels(stage)
    for reason in Reason:
        REJECTED.labels(stage, reason)


# What each label's values are: closed sets.
LABELS = {
    "attempt": "`first`, `again`",
    "channel": "the channel group (enrich's table of channels), of nurture a channel of the document; the first 30, all others `other`; `none`",
    "clock": "`wall`, `working`",
    "code": "the status of the answer",
    "durable": "`kafka`, `spool`, `refused`",
    "lead_stage": "a stage of the ruleset (`raw`, `IQL`, `MQL`, `SQL`, `customer`, `disqualified`); the first 20, all others `other`",
    "limit": "`key`, `address`, `invalid`, `quota`",
    "part": "the number of the partition",
    "path": "`kafka`, `spool`",
    "property": "a web property's name; the first 50 that a process meets, all others `other`; `none`",
    "reason": "of dead letters shared.outcome.Reason, of the queue why a lead waits",
    "result": "of tries `delivered`, `again`, `failed`; of deadlines `kept`, `missed`; of nurture `sent` or why a step was skipped",
    "route": "a route's pattern, never the path that was asked; `unknown` where there is none",
    "stage": "the loop: `enrich`, `score`, `route`, `intake`, `webhooks`, `mail`, `console`, `books`",
    "state": "of a handover its state, of connections `busy`, `idle`",
    "step": "of a batch `gather`, `decode`, `fence`, `load`, `decide`, `save`, `commit`, `emit`; of a handover `accepted`, `contacted`",
    "team": "the owner's team in the routing document; the first 50, all others `other`; `none`",
    "topic": "a topic of shared/topology.py",
    "type": "an event's type of shared/contracts",
}
