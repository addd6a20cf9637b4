"""The topics, who writes and reads them, and how long they are kept: a table. The README's picture, AsyncAPI and `leads topics apply` come from it."""

from __future__ import annotations

from dataclasses import dataclass

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of SPEC section 2.

    `events` are the CloudEvents types on it, `key` says in words what the record key is. `transactional` topics are
    written in Kafka transactions, and each record is on them physically once.
    """

    name: str
    key: str
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    events: tuple[str, ...]
    retention_ms: int | None = 90 * _DAY_MS  # None: kept for ever
    cleanup: str = "delete"
    transactional: bool = False
    max_message_bytes: int = 1_048_576


CAPTURED = Topic(
    "leads.captured.v1", "person key", ("capture", "route", "web properties"), ("enrich",), ("lead.captured",)
)
ENRICHED = Topic(
    "leads.enriched.v1",
    "lead_id",
    ("enrich",),
    ("score",),
    ("lead.enriched", "lead.merged", "lead.split", "lead.noted"),
)
SCORED = Topic("leads.scored.v1", "lead_id", ("score",), ("route",), ("lead.scored",))
HANDOVER = Topic(
    "leads.handover.v1",
    "lead_id",
    ("route",),
    ("sales tools",),
    ("lead.handover", "lead.handover.withdrawn", "lead.handover.escalated"),
    transactional=True,
)
NURTURE = Topic(
    "leads.nurture.v1",
    "lead_id",
    ("route",),
    ("marketing tools",),
    ("lead.nurture", "lead.nurture.merged", "lead.nurture.split"),
)
OUTCOMES = Topic("leads.outcomes.v1", "any", ("sales tools", "route"), ("route",), ("lead.outcome",))
COMMANDS = Topic(
    "leads.commands.v1",
    "lead_id, * for documents",
    ("every API", "route"),
    ("enrich", "score", "route", "console"),
    ("lead.command",),
)
SIGNALS = Topic("leads.signals.v1", "lead_id", ("signals",), ("score",), ("lead.signal",), 7 * _DAY_MS)
# Requests come from outside; those that a vendor's hook brings are written by capture for whoever asks.
PRIVACY = Topic("leads.privacy.v1", "subject", ("privacy requests",), ("every service",), ("lead.privacy",), None)
RECEIPTS = Topic("leads.receipts.v1", "subject", ("every service",), ("console",), ("lead.receipt",), None)
DEAD = Topic(
    "leads.dead.v1", "original key", ("every service",), ("console",), ("lead.dead",), max_message_bytes=3 * 1_048_576
)

TOPICS: tuple[Topic, ...] = (
    CAPTURED,
    ENRICHED,
    SCORED,
    HANDOVER,
    NURTURE,
    OUTCOMES,
    COMMANDS,
    SIGNALS,
    PRIVACY,
    RECEIPTS,
    DEAD,
)
OUTSIDE: tuple[str, ...] = ("web properties", "sales tools", "marketing tools", "privacy requests")  # not ours to build
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
