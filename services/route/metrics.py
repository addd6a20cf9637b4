"""Route's own metrics: how long the system took up to a handover, and people from there, which are never added up; who waits for somebody;
how subscribers are told."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SYSTEM_SECONDS = Histogram(
    "leadflow_handover_system_seconds",
    "From our acceptance of the event that made a lead ready to its handover",
    buckets=(0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 10, 60, 600),
)
HUMAN_SECONDS = Histogram(
    "leadflow_handover_human_seconds",
    "From a handover to what its owner did, by the clock on the wall or in working time",
    ["step", "clock"],
    buckets=(60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600),
)
QUEUE_LEADS = Gauge(
    "leadflow_queue_leads", "Leads in SQL that nobody has, in the whole store; take the max over instances", ["reason"]
)
QUEUE_OLDEST_SECONDS = Gauge(
    "leadflow_queue_oldest_seconds", "How long the longest of them waits; take the max over instances", ["reason"]
)
HOOK_TRIES = Counter(
    "leadflow_webhook_tries_total",
    "Tries to tell a subscriber, by what they came to (delivered, again, failed)",
    ["result"],
)
HOOK_SECONDS = Histogram("leadflow_webhook_seconds", "How long a subscriber took to answer, or was waited for")
HOOKS_DISABLED = Counter(
    "leadflow_webhook_hooks_disabled_total", "Hooks that are told nothing more: they are gone, or failed for a day"
)
