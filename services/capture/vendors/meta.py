"""Meta Lead Ads: the page webhook `leadgen`, which brings ids only, and the flattened lead that connectors (Zapier, Make) send.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site): https://developers.facebook.com/docs/graph-api/webhooks/getting-started (challenge, signature,
retries for 36 hours), https://developers.facebook.com/docs/graph-api/webhooks/getting-started/webhooks-for-leadgen (the body),
https://developers.facebook.com/documentation/ads-commerce/marketing-api/guides/lead-ads/retrieving (the lead, of November 7, 2025).
`X-Hub-Signature-256: sha256=<hex>` is HMAC-SHA256 with the app secret over the raw body. No time is signed, so a repeat is known by
its leadgen id. A connector has no app secret: it sends the shared one. The Graph client that fetches leads is not here; `fetched`
reads what it got.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import (
    SHARED,
    SIGNING,
    VERIFY_TOKEN,
    Event,
    Fetch,
    Genuine,
    Hook,
    Reply,
    Request,
    Verdict,
)
from shared.contracts import Campaign, ConsentGiven

SECRETS = (SIGNING, VERIFY_TOKEN, SHARED)
ACCEPTED = Reply(200, b"EVENT_RECEIVED")
SAMPLE = "444444444444"  # the id in what the App Dashboard's Test button sends: there is no such lead to fetch
NAME = "lead"

_FIELDS = (
    "id,created_time,form_id,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,"
    "platform,is_organic,field_data,custom_disclaimer_responses"
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_LEAD_ID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_PLATFORMS = {"fb": "facebook", "facebook": "facebook", "ig": "instagram", "instagram": "instagram"}
# Meta's own names of questions that the tables of forms don't have.
_ALSO = {"work_phone_number": "phone", "whatsapp_number": "phone", "post_code": "postal_code"}
# What a lead says beside the answers. Kept as properties, all but the two that the event itself is made of.
_ABOUT = frozenset(
    [
        "leadgen_id",
        "lead_id",
        "id",
        "created_time",
        "form_id",
        "form_name",
        "page_id",
        "page_name",
        "ad_id",
        "ad_name",
        "adset_id",
        "adset_name",
        "campaign_id",
        "campaign_name",
        "platform",
        "is_organic",
    ]
)
_NOT_KEPT = frozenset({"created_time", "id"})
_LISTS = frozenset({"field_data", "custom_disclaimer_responses"})


class _Value(Struct):
    leadgen_id: str | int
    page_id: str | int | None = None
    form_id: str | int | None = None
    ad_id: str | int | None = None
    adgroup_id: str | int | None = None
    created_time: int | str | None = None


class _Change(Struct):
    field: str
    value: Raw = Raw(b"null")


class _Entry(Struct):
    changes: list[Raw] = []


class _Notice(Struct):
    entry: list[Raw] | None = None


_notice = msgspec.json.Decoder(_Notice).decode
_entry = msgspec.json.Decoder(_Entry).decode
_change = msgspec.json.Decoder(_Change).decode
_value = msgspec.json.Decoder(_Value).decode
_flat = msgspec.json.Decoder(dict[str, Any]).decode
_several = msgspec.json.Decoder(list[Raw]).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Echoes `hub.challenge` to who knows the verify token, else 403. A challenge that is no plain word is not echoed."""
    if request.method != "GET" or request.query.get("hub.mode") != "subscribe":
        return None
    token = request.query.get("hub.verify_token", "").encode("utf-8", "replace")
    challenge = request.query.get("hub.challenge", "")
    if not signature.same_secret(token, hook.secrets(VERIFY_TOKEN)):
        return Reply(403, b"The verify token is not that of this hook.")
    if not _CHALLENGE.match(challenge):
        return Reply(400, b"hub.challenge is missing, or no plain word.")
    return Reply(200, challenge.encode())


def verify(request: Request, hook: Hook) -> Verdict:
    """By the app's signature; a post without one, a connector's, by the shared secret."""
    given = request.headers.get(b"x-hub-signature-256")
    if given is None:
        return signature.shared(request, hook) if hook.secrets(SHARED) else signature.NO_SIGNATURE
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.NO_SECRET
    expected = [b"sha256=" + signature.digest(secret, request.body).hex().encode() for secret in secrets]
    return Genuine() if signature.matches(given.strip().lower(), expected) else signature.WRONG


def events(request: Request, hook: Hook) -> list[Event]:
    """One event a change of each entry, or the lead, or list of leads, of a connector."""
    if request.body.lstrip()[:1] == b"[":
        leads = reported.read(_several, request.body)
        return [leads] if isinstance(leads, Refused) else [_connected(one, request) for one in leads]
    notice = reported.read(_notice, request.body)
    if isinstance(notice, Refused):
        return [notice]
    if notice.entry is None:
        return [_connected(request.body, request)]
    found: list[Event] = []
    for raw in notice.entry:
        entry = reported.read(_entry, raw)
        if isinstance(entry, Refused):
            found.append(entry)
            continue
        found += [event for change in entry.changes if (event := _noticed(change)) is not None]
    return found


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def fetched(fetch: Fetch, body: bytes, request: Request) -> Submission | Refused:
    """The lead that `fetch` stands for, from the Graph API's answer at its path. Never raises; `request` tells when we heard of it."""
    lead = reported.read(_flat, body)
    if isinstance(lead, Refused):
        return lead
    return _lead({**fetch.properties, **lead}, fetch.message_id, request, fetch.occurred_at)


def _noticed(raw: Raw) -> Event | None:
    change = reported.read(_change, raw)
    if isinstance(change, Refused):
        return change
    if change.field != "leadgen":
        return reported.unknown("The change is none of the page's field leadgen. Subscribe this hook to leadgen only.")
    value = reported.read(_value, change.value)
    if isinstance(value, Refused):
        return value
    lead_id = str(value.leadgen_id)
    if lead_id == SAMPLE:
        return None
    if not _LEAD_ID.match(lead_id):
        return reported.invalid("The leadgen id is no id.", "/entry/changes/value/leadgen_id")
    return Fetch(
        vendor="meta",
        lead_id=lead_id,
        path=f"{lead_id}?fields={_FIELDS}",
        message_id=f"meta:{lead_id}",
        occurred_at=reported.since_1970(value.created_time, 1),
        properties=reported.present(
            page_id=value.page_id, form_id=value.form_id, ad_id=value.ad_id or value.adgroup_id
        ),
    )


def _connected(raw: bytes | Raw, request: Request) -> Event:
    lead = reported.read(_flat, raw)
    if isinstance(lead, Refused):
        return lead
    lead_id = next(
        (lead[name] for name in ("leadgen_id", "lead_id", "id") if isinstance(lead.get(name), str | int)), ""
    )
    lead_id = str(lead_id)[:200].removeprefix("l:")  # as exports of the Ads Manager write it
    message_id = f"meta:{lead_id}" if lead_id else f"meta:{reported.fingerprint(bytes(raw))}"
    return _lead(lead, message_id, request, None)


def _lead(lead: dict[str, Any], message_id: str, request: Request, occurred_at: str | None) -> Submission | Refused:
    """Answers as `field_data` (the Graph API, some connectors) or as fields of their own (the others)."""
    answers = {name: value for name, value in lead.items() if name not in _ABOUT and name not in _LISTS}
    answers.update(_answers(lead.get("field_data")))
    about = {name: value for name, value in lead.items() if name in _ABOUT and name not in _NOT_KEPT}
    created = lead.get("created_time")
    return reported.lead(
        name=NAME,
        message_id=message_id,
        fields={_ALSO.get(name, name): value for name, value in answers.items()},
        received_at=request.received_at,
        timestamp=reported.moment(created) or reported.since_1970(created, 1) or occurred_at,
        properties={name: _text(value) for name, value in about.items() if isinstance(value, str | int)},
        campaign=_campaign(lead),
        consent=_consent(lead.get("custom_disclaimer_responses")),
        test=_is_test(answers),
    )


def _text(value: str | int) -> str | bool:
    """An id as text, however it came, so that a fetched lead and a connector's look alike."""
    return value if isinstance(value, str | bool) else str(value)


def _answers(field_data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for answer in field_data if isinstance(field_data, list) else []:
        if not isinstance(answer, dict) or not isinstance(name := answer.get("name"), str):
            continue
        values = answer.get("values")
        if isinstance(values, list) and values:
            found[name] = values[0] if len(values) == 1 else values
    return found


def _campaign(lead: dict[str, Any]) -> Campaign:
    """An ad on Meta as UTM parameters would say it, so that reports find it among the others."""
    texts = {name: value for name, value in lead.items() if isinstance(value, str) and value}
    source = _PLATFORMS.get(texts.get("platform", "").lower(), "facebook")
    if str(lead.get("is_organic")).lower() == "true":
        return Campaign(source=source, medium="social")
    return Campaign(
        source=source,
        medium="paid_social",
        name=texts.get("campaign_name") or texts.get("campaign_id"),
        id=texts.get("campaign_id"),
        term=texts.get("adset_name"),
        content=texts.get("ad_name"),
    )


def _consent(responses: Any) -> ConsentGiven | None:
    """The boxes of a form's custom disclaimer, by their keys."""
    purposes = {
        box["checkbox_key"]: str(box.get("is_checked")).lower() in ("1", "true")
        for box in (responses if isinstance(responses, list) else [])
        if isinstance(box, dict) and isinstance(box.get("checkbox_key"), str)
    }
    return ConsentGiven(purposes=purposes) if purposes else None


def _is_test(answers: dict[str, Any]) -> bool:
    """Meta's Lead Ads Testing Tool fills in `<test lead: dummy data for ...>` and test@meta.com (or test@fb.com)."""
    return any(
        isinstance(value, str) and (value.startswith("<test lead:") or value in ("test@meta.com", "test@fb.com"))
        for value in answers.values()
    )
