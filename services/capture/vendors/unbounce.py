"""Unbounce: one form a post, urlencoded with the fields in `data.json`, or as JSON.

As documented (looked up November 27, 2026, in a summary of the page of February 6, 2026, not the page itself):
https://documentation.unbounce.com/hc/en-us/articles/203510044-Using-a-Webhook. Unbounce signs nothing; it can send a header of the
owner's choice, so the shared secret comes as `Authorization: Bearer`, or as `key` in the address. It wants 200. A lead has no id:
the same body, which tells page, fields and minute, is the same submission.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.capture.domain import form
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SHARED, Event, Hook, Reply, Request, Verdict
from shared.outcome import Reason

SECRETS = (SHARED,)
ACCEPTED = Reply(200)
NAME = "form_submit"

_DATA = "data.json"
# Of the page and the submission: what Unbounce adds to the form's fields.
_PAGE = frozenset({"page_uuid", "page_id", "page_name", "variant"})
_NOT_FIELDS = _PAGE | {"page_url", "ip_address", "time_submitted", "date_submitted", _DATA, "data.xml"}

_anything = msgspec.json.Decoder(dict[str, Any]).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Unbounce asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the shared secret."""
    return signature.shared(request, hook)


def events(request: Request, hook: Hook) -> list[Event]:
    """The form."""
    around: dict[str, Any] = {}
    if request.body.lstrip()[:1] == b"{":
        data = reported.read(_anything, request.body)
    else:
        try:
            around = form.of_urlencoded(request.body)
        except Broken as broken:
            return [Refused(Reason.UNDECODABLE, str(broken))]
        text = around.get(_DATA)
        if not isinstance(text, str):
            return [
                reported.invalid("The body has no field data.json. Choose the content type form-urlencoded or JSON.")
            ]
        data = reported.read(_anything, text.encode("utf-8", "replace"))
    if isinstance(data, Refused):
        return [data]
    told = {name: _one(value) for name, value in {**around, **data}.items()}
    fields = {name: value for name, value in told.items() if name not in _NOT_FIELDS}
    page_url = told.get("page_url")
    if isinstance(page_url, str) and page_url:
        fields["page_url"] = page_url
    address = told.get("ip_address")
    return [
        reported.lead(
            name=NAME,
            message_id=f"unbounce:{reported.fingerprint(request.body)}",
            fields=fields,
            received_at=request.received_at,
            timestamp=_submitted_at(told),
            properties={name: told[name] for name in sorted(_PAGE) if isinstance(told.get(name), str)},
            ip=address if isinstance(address, str) else None,
        )
    ]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _one(value: Any) -> Any:
    """Every value is a list, also where there is one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _submitted_at(told: dict[str, Any]) -> str | None:
    """`date_submitted` 2023-06-06 and `time_submitted` 10:57 PM UTC, the only zone there is."""
    said = f"{told.get('date_submitted')} {told.get('time_submitted')}"
    try:
        at = datetime.strptime(said.replace("UTC", "+0000"), "%Y-%m-%d %I:%M %p %z")
    except ValueError:
        return None
    return reported.moment(at.isoformat())
