"""Route's metrics: how long the system took up to a handover, and people from there, which are never added up; who waits for somebody; whether
deadlines are kept; what nurture sends; how subscribers are told."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics.counted import Counts, Names

SYSTEM_SECONDS = Histogram(
    "leadflow_handover_system_seconds",
    "From our acceptance of the event that made a lead ready to its handover, without the time in which nobody was free",
    buckets=(0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 10, 60, 600),
)
HUMAN_SECONDS = Histogram(
    "leadflow_handover_human_seconds",
    "From a handover to what its owner did, by the clock on the wall or in working time",
    ["step", "clock"],
    buckets=(60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600),
)
HANDOVERS = Counts(
    "leadflow_handovers_total",
    "Handovers by the pool that gave them (none: an operator or a former owner) and whether it was the episode's first (first, again)",
    ("team", "attempt"),
)
TEAMS = Names(50)
DEADLINES = Counts(
    "leadflow_handover_deadlines_total",
    "Deadlines of handovers (accepted, contacted) that were kept or missed",
    ("step", "result"),
)
STATES = Counts(
    "leadflow_handover_states_total",
    "Times that a handover came into a state (offered, accepted, contacted, meeting, opportunity, won, lost, rejected, recycled, expired, withdrawn)",
    ("state",),
)
QUEUE_LEADS = Gauge(
    "leadflow_queue_leads", "Leads in SQL that nobody has, in the whole store; take the max over instances", ["reason"]
)
QUEUE_OLDEST_SECONDS = Gauge(
    "leadflow_queue_oldest_seconds", "How long the longest of them waits; take the max over instances", ["reason"]
)
NURTURE = Counts(
    "leadflow_nurture_steps_total",
    "Steps of nurture by channel and result: sent, or why it was skipped",
    ("channel", "result"),
)
CHANNELS = Names(20)
HOOK_TRIES = Counter(
    "leadflow_webhook_tries_total",
    "Tries to tell a subscriber, by what they came to (delivered, again, failed)",
    ["result"],
)
HOOK_SECONDS = Histogram("leadflow_webhook_seconds", "How long a subscriber took to answer, or was waited for")
# Shown as 0 from the start: a rate sees a first event only where there was a sample before.
for _result in ("delivered", "again", "failed"):
    HOOK_TRIES.labels(_result)
for _step in ("accepted", "contacted"):
    for _kept in ("kept", "missed"):
        DEADLINES.add((_step, _kept), 0)
    for _clock in ("wall", "working"):
        HUMAN_SECONDS.labels(_step, _clock)
HOOKS_DISABLED = Counter(
    "leadflow_webhook_hooks_disabled_total", "Hooks that are told nothing more: they are gone, or failed for a day"
)
MAIL_TRIES = Counter(
    "leadflow_mail_tries_total",
    "Tries to send a mail, by what they came to (sent, waiting, failed, skipped, unknown); what is unknown waits for an operator",
    ["result"],
)
for _result in ("sent", "waiting", "failed", "skipped", "unknown"):
    MAIL_TRIES.labels(_result)  # a counter that begins with its first unknown is not seen to rise
