"""Posts of vendors as plain calls: requests, hooks with secrets in a dictionary, what a post says. For tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from services.capture.domain.verdict import Submission
from services.capture.vendors.vendor import Event, Hook, Request, Vendor
from shared.fieldmap import FieldMap

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = b"the-secret-of-the-hook"


def a_post(
    body: bytes | Any = b"",
    headers: Mapping[bytes, bytes] | None = None,
    *,
    at: datetime = NOW,
    query: Mapping[str, str] | None = None,
    url: str = "https://capture.example/v1/hooks/vendor/shop",
    method: str = "POST",
) -> Request:
    """A post; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(method=method, url=url, query=query or {}, headers=headers or {}, body=raw, received_at=at)


def a_hook(field_map: FieldMap | None = None, **secrets: bytes | tuple[bytes, ...]) -> Hook:
    """A hook with these secrets by name (an underscore for a hyphen)."""
    known = {
        name.replace("_", "-"): (secret,) if isinstance(secret, bytes) else secret for name, secret in secrets.items()
    }
    return Hook(secrets=lambda name: known.get(name, ()), field_map=field_map)


def said(vendor: Vendor, body: bytes | Any, hook: Hook | None = None, **post: Any) -> list[Event]:
    """The events of a body, without a proof that it is genuine."""
    return vendor.events(a_post(body, **post), hook or a_hook())


def the_lead(vendor: Vendor, body: bytes | Any, hook: Hook | None = None, **post: Any) -> Submission:
    """The one lead of a body."""
    (event,) = said(vendor, body, hook, **post)
    assert isinstance(event, Submission), event
    return event
