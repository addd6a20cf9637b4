"""What people and their tools ask or report, and the answers: lead.outcome, lead.command, lead.privacy, lead.receipt."""

from __future__ import annotations

from typing import Any

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


class Document(Model, frozen=True):
    """A document that services decide by, as somebody published or drafted it: whole, in a lead.command of kind `document`. The same record
    stands in every number of the topic, key `*`, and is in force there from its Kafka time on."""

    kind: str  # ruleset, shadow, routing, nurture
    version: str  # the first 12 hexadecimal digits of the SHA-256 of the text in UTF-8
    id: str  # what the document calls itself
    text: str
    published: bool  # False: a draft, which is kept and comes not into force
    numbers: int  # in how many numbers the record stands
    note: str | None = None
    options: dict[str, Any] = msgspec.field(
        default_factory=no_fields
    )  # what whoever carries it out is asked to do beside


class Command(Model, frozen=True):
    """lead.command: a change that somebody asks for. Whatever changes a lead or a document comes as one."""

    event_id: str  # = command_id
    kind: str  # outcome, document, ...
    issued_at: Moment
    lead_id: str | None = None
    by: Personal | None = None
    payload: PersonalMap = msgspec.field(default_factory=no_fields)
    document: Document | None = None


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
