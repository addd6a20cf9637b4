"""From fields that a vendor reports to a submission: traits and surroundings by the tables of forms, ids and times made safe. No vendor's format stands here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from services.capture.domain import clean, connection, form, reading, touch
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Arrival, Refused, Submission
from shared import clock
from shared.contracts import Campaign, ConsentGiven
from shared.origin import CLICK_IDS, UTM
from shared.outcome import Reason

T = TypeVar("T")

TEST = "test"  # the mark that keeps an event from being scored
_LONGEST_NAME = 200  # characters of an event's name, as the services behind take them

moment = clock.moment  # a lead is not lost for its time: None for what is none
since_1970 = clock.since_1970


def lead(
    *,
    name: str,
    message_id: str,
    fields: dict[str, Any],
    received_at: datetime,
    timestamp: str | None = None,
    properties: dict[str, Any] | None = None,
    campaign: Campaign | None = None,
    click_ids: dict[str, str] | None = None,
    consent: ConsentGiven | None = None,
    user_id: str | None = None,
    anonymous_id: str | None = None,
    timezone: str | None = None,
    ip: str | None = None,
    test: bool = False,
) -> Submission | Refused:
    """A lead as a vendor reports it. Fields end where a form's would (traits, campaign, click ids, page, consent, else properties);
    what the vendor says itself is used where they say nothing. Who sent the post is the vendor's machine, so it tells nothing."""
    found = form.submission(name[:_LONGEST_NAME], fields, Arrival("", received_at))
    if isinstance(found, Refused):
        return found
    if properties and (flaw := clean.flaw(properties, "")) is not None:
        return flaw
    return msgspec.structs.replace(
        found,
        kind="hook",
        client_id=message_id,
        timestamp=timestamp,
        sent_at=None,
        properties={**(properties or {}), **found.properties},
        campaign=found.campaign or campaign,
        click_ids={**(click_ids or {}), **(found.click_ids or {})} or None,
        consent=consent or found.consent,
        user_id=user_id or found.user_id,
        anonymous_id=anonymous_id or found.anonymous_id,
        timezone=timezone or found.timezone,
        ip=connection.valid_address(ip) if ip else None,
        marks=(*found.marks, TEST) if test else found.marks,
    )


def read(decode: Callable[[bytes | Raw], T], body: bytes | Raw) -> T | Refused:
    """A JSON value, decoded; or why it can't be. Never raises."""
    try:
        return reading.decoded(decode, body if isinstance(body, Raw) else clean.json_text(body))
    except Broken as broken:
        return Refused(Reason.UNDECODABLE, str(broken))


def named(value: str | int | None) -> str | None:
    """An id, as text; nothing for an empty one. Vendors send theirs as numbers or texts, one day this way, one day that."""
    return str(value)[:_LONGEST_NAME] if value is not None and value != "" else None


def present(**ids: str | int | None) -> dict[str, str]:
    """Those of the ids that there are, as texts."""
    return {name: text for name, value in ids.items() if (text := named(value)) is not None}


def fingerprint(*parts: bytes) -> str:
    """A name for what has none: the same bytes, the same name."""
    hashed = sha256()
    for part in parts:
        hashed.update(b"%d:" % len(part))
        hashed.update(part)
    return hashed.hexdigest()[:40]


def unknown(detail: str, pointer: str = "") -> Refused:
    """An event of a kind that tells of no lead."""
    return Refused(Reason.UNKNOWN_TYPE, detail, pointer)


def invalid(detail: str, pointer: str = "") -> Refused:
    """An event that lacks what makes it one."""
    return Refused(Reason.INVALID, detail, pointer)


def with_fields(
    found: Submission | Refused, traits: dict[str, Any], properties: dict[str, Any]
) -> Submission | Refused:
    """The submission with these traits and properties; UTM parameters and click ids among the properties are those of the event."""
    if isinstance(found, Refused):
        return found
    flaw = clean.flaw(traits, "/traits") or clean.flaw(properties, "/properties")
    if flaw is not None:
        return flaw
    utm = {name: value for name, value in properties.items() if name in UTM and isinstance(value, str)}
    clicks = {name: value for name, value in properties.items() if name in CLICK_IDS and isinstance(value, str)}
    return msgspec.structs.replace(
        found,
        traits=traits,
        properties={name: value for name, value in properties.items() if name not in utm and name not in clicks},
        campaign=touch.campaign(utm),
        click_ids=clicks or None,
    )
