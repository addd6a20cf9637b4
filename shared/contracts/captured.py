"""What a web property says and capture keeps: lead.captured and its parts."""

from __future__ import annotations

import msgspec

from shared.contracts.model import Model, Moment, Personal, PersonalMap, PersonalNames, no_fields
from shared.contracts.visit import Campaign, Page


class Context(Model, frozen=True):
    """Where a submission came from, as the connection and the client say."""

    page: Page | None = None
    campaign: Campaign | None = None
    click_ids: PersonalNames | None = None
    ip: Personal | None = None
    user_agent: Personal | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None  # ISO 3166, as the edge in front of the property says it of the connection
    marks: list[str] | None = None  # what capture noticed: bot, honeypot, too-fast, disposable, test


class ConsentGiven(Model, frozen=True):
    """Consent as it was given with a submission: purpose to yes or no, and what was shown."""

    purposes: dict[str, bool]
    text: str | None = None
    version: str | None = None
    basis: str | None = None


class Captured(Model, frozen=True):
    """lead.captured: one submission, judged and kept by capture, raw in its meaning."""

    event_id: str
    property: str
    kind: str  # form, track, page, identify, hook, pixel
    name: str
    occurred_at: Moment
    received_at: Moment
    anonymous_id: Personal | None = None
    user_id: Personal | None = None
    traits: PersonalMap = msgspec.field(default_factory=no_fields)
    properties: PersonalMap = msgspec.field(default_factory=no_fields)
    context: Context = msgspec.field(default_factory=Context)
    consent: ConsentGiven | None = None
    history: bool | None = None  # told of the past, as by an import: it counts, and is no news to sales
    property_country: str | None = (
        None  # ISO 3166: where the property's visitors mostly are, for what says nothing itself
    )
