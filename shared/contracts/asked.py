"""What people and their tools ask or report, and the answers: lead.outcome, lead.command, lead.privacy, lead.receipt."""

from __future__ import annotations

import msgspec

from shared.contracts.model import Model, Moment, Personal, PersonalMap, no_fields


class OutcomeReported(Model, frozen=True):
    """lead.outcome: what sales says. Names a handover or a lead; headers are optional, so there may be no event id."""

    outcome: str  # accepted, rejected, contacted, meeting, opportunity, won, lost, recycled
    event_id: str | None = None
    handover_id: str | None = None
    lead_id: str | None = None
    reason: str | None = None
    amount: float | None = None
    currency: str | None = None
    occurred_at: Moment | None = None
    by: Personal | None = None


class Command(Model, frozen=True):
    """lead.command: a change that somebody asks for. Whatever changes a lead or a document comes as one."""

    event_id: str  # = command_id
    kind: str  # outcome, ...
    issued_at: Moment
    lead_id: str | None = None
    by: Personal | None = None
    payload: PersonalMap = msgspec.field(default_factory=no_fields)


class Privacy(Model, frozen=True):
    """lead.privacy: a person asks to be erased or exported."""

    event_id: str
    subject: str  # a lead id or a person key, never an address: this topic is kept for ever
    kind: str
    requested_at: Moment


class Receipt(Model, frozen=True):
    """lead.receipt: what one service did for a privacy request."""

    event_id: str
    subject: str
    service: str
    did: list[str]
    at: Moment
