"""Leads, and what is known of each as the claims that prevail. No rules here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from services.enrich.domain.world.identifiers import Lately
from shared.contracts import Consent, Touch


class Said(Struct, frozen=True, array_like=True, gc=False):
    """What an event says about one field of the profile: how far it is to be trusted, where it came from, and what."""

    trust: int
    source: str
    value: Any


class Voice(Struct, frozen=True, array_like=True, gc=False):
    """What of one event's claims prevails; each field is in the voice of one event only. `custom` are fields of the form's own."""

    at: datetime
    claims: dict[str, Said] = {}
    custom: dict[str, Said] = {}


class ConsentClaim(Struct, frozen=True, array_like=True, gc=False):
    """What one event said about consent to one purpose."""

    event_id: str
    consent: Consent


# By purpose, and by who said it (consent.py). Documents of before 2026-11-27 have one claim for a purpose, the latest of the whole lead.
Consents = dict[str, dict[str, ConsentClaim] | ConsentClaim]


class TouchClaim(Struct, frozen=True, array_like=True, gc=False):
    """One event's touch."""

    event_id: str
    touch: Touch


class State(Struct, frozen=True, gc=False):
    """A lead's profile and touches as the claims that prevail; equal for equal sets of events."""

    voices: dict[str, Voice] = {}  # by event id
    consents: Consents = {}
    first: TouchClaim | None = None
    last: TouchClaim | None = None
    users: dict[str, str] = {}
    externals: dict[str, str] = {}
    lately: Lately | None = None  # of events without a cookie


class Lead(Struct, frozen=True, gc=False):
    """A lead. `made_by` is the identifier that made it (its id is an HMAC of that), `made_at` the record's time then.

    `version` is the profile version: it only grows, also while the lead is absorbed.
    """

    lead_id: str
    made_at: datetime
    made_by: str
    version: int = 0
    absorbed_into: str | None = None
    state: State = State()
