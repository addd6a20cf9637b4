"""What can come of one event at the door: a submission that is understood, or a refusal with its reason. Values, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.contracts import Campaign, ConsentGiven, Page
from shared.outcome import Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that is not accepted. `detail` is a sentence for the sender that holds nothing of what was sent; `pointer` (RFC
    6901) is the wrong place: it may hold a field's name as sent, so it goes back to the sender and nowhere else."""

    reason: Reason
    detail: str
    pointer: str = ""


class Submission(Struct, frozen=True, kw_only=True):
    """One event as its sender means it, whatever format it came in. Cleaned and checked, but not normalised: that is enrich's work.

    `client_id` is the sender's own name for it (messageId, Idempotency-Key), which makes a repeat count once. `rendered_at` is when
    the form was shown, as a hidden field tells it (`_t`): milliseconds or seconds since 1970, or RFC 3339; nobody has checked it.
    """

    kind: str
    name: str
    client_id: str | None = None
    anonymous_id: str | None = None
    user_id: str | None = None
    timestamp: str | None = None
    sent_at: str | None = None
    traits: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    page: Page | None = None
    campaign: Campaign | None = None
    click_ids: dict[str, str] | None = None
    user_agent: str | None = None
    ip: str | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    consent: ConsentGiven | None = None
    marks: tuple[str, ...] = ()
    history: bool = False
    rendered_at: str | None = None


# What a write key is for. A browser key is in clear on every page, so it speaks only of whoever sends; a server key speaks for others.
ANY, BROWSER, SERVER = "any", "browser", "server"


class Arrival(Struct, frozen=True):
    """What we know of a request by ourselves: whose key of which kind it came with, when, from where; in which country the property's
    visitors mostly are; and in which one the connection begins, as the edge in front of us says."""

    property: str
    received_at: datetime
    ip: str | None = None
    user_agent: str | None = None
    via: str = ANY
    country: str | None = None
    edge_country: str | None = None
