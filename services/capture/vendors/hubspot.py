"""HubSpot: arrays of CRM webhook events, and submissions in the body of its Forms API v3.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site):
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation (the v3 signature),
https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks and .../create-generic-webhook-subscriptions
(events; up to 100 a post, more than once, in any order, an `eventId` not guaranteed to be unique), and
https://developers.hubspot.com/docs/methods/forms/submit_form_v3 (the form, its legal consent).
`X-HubSpot-Signature-v3` is the base64 HMAC-SHA256, with the app's client secret, over method, address, raw body and
`X-HubSpot-Request-Timestamp` (milliseconds; 5 minutes). Forms come from the sites themselves and carry the shared secret.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import msgspec
from msgspec import Raw, Struct

from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import (
    SHARED,
    SIGNING,
    Event,
    Genuine,
    Hook,
    Reply,
    Request,
    Verdict,
    Withdrawn,
)
from shared.contracts import ConsentGiven

SECRETS = (SIGNING, SHARED)
ACCEPTED = Reply(200)
FORM = "form"

# HubSpot decodes these, and no others, before it signs the address.
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)
_CONTACT = "0-1"  # objectTypeId of contacts, in subscriptions of the form object.*
_KINDS = frozenset(
    {"creation", "propertyChange", "deletion", "merge", "restore", "associationChange", "privacyDeletion"}
)
_REDACTED = "REDACTED"  # what stands for a sensitive property's value
# HubSpot's names of properties that the tables of forms don't have.
_ALSO = {"hs_language": "language", "numemployees": "employees", "mobilephone": "phone", "address": "street"}


class _Happened(Struct, rename="camel"):
    subscription_type: str
    object_id: int | str
    event_id: int | str | None = None
    subscription_id: int | str | None = None
    portal_id: int | str | None = None
    occurred_at: int | None = None
    object_type_id: str | None = None
    property_name: str | None = None
    property_value: Any = None
    change_source: str | None = None
    change_flag: str | None = None
    primary_object_id: int | str | None = None
    merged_object_ids: list[int | str] | None = None


class _Submitted(Struct):
    name: str
    value: Any = None


class _Context(Struct, rename="camel"):
    hutk: str | None = None
    ip_address: str | None = None
    page_uri: str | None = None
    page_name: str | None = None


class _Communication(Struct, rename="camel"):
    value: bool
    subscription_type_id: int | str
    text: str | None = None


class _Consent(Struct, rename="camel"):
    consent_to_process: bool | None = None
    text: str | None = None
    communications: list[_Communication] = []


class _Interest(Struct, rename="camel"):
    value: bool
    subscription_type_id: int | str | None = None
    legal_basis: str | None = None
    text: str | None = None


class _Legal(Struct, rename="camel"):
    consent: _Consent | None = None
    legitimate_interest: _Interest | None = None


class _Form(Struct, rename="camel"):
    fields: list[_Submitted]
    submitted_at: int | str | None = None
    context: _Context | None = None
    legal_consent_options: _Legal | None = None


_happened = msgspec.json.Decoder(_Happened).decode
_several = msgspec.json.Decoder(list[Raw]).decode
_form = msgspec.json.Decoder(_Form).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """HubSpot asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the v3 signature and its time; a post without one, a form's, by the shared secret."""
    given = request.headers.get(b"x-hubspot-signature-v3")
    if given is None:
        return signature.shared(request, hook) if hook.secrets(SHARED) else signature.NO_SIGNATURE
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.NO_SECRET
    said = request.headers.get(b"x-hubspot-request-timestamp", b"")
    at = signature.timely(said, 1000, request.received_at)
    if at is None:
        return signature.LATE
    address = _ENCODED.sub(lambda found: _DECODED[found[0].upper()], request.url)
    head = f"{request.method}{address}".encode("utf-8", "replace")
    expected = [b64encode(signature.digest(secret, head, request.body, said)) for secret in secrets]
    if not signature.matches(given.strip(), expected):
        return signature.WRONG
    return Genuine(signature.replay("hubspot", at, given.strip(), said))


def events(request: Request, hook: Hook) -> list[Event]:
    """Each event of the array on its own, or the form."""
    if request.body.lstrip()[:1] != b"[":
        return [_submitted(request)]
    several = reported.read(_several, request.body)
    return [several] if isinstance(several, Refused) else [_changed(one, request) for one in several]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _changed(raw: Raw, request: Request) -> Event:
    """A change in the CRM. The contact is known by its id, which is the same in all events of an account."""
    happened = reported.read(_happened, raw)
    if isinstance(happened, Refused):
        return happened
    about, _, kind = happened.subscription_type.partition(".")
    if about == "object" and happened.object_type_id == _CONTACT:
        about = "contact"
    if about != "contact" or kind not in _KINDS:
        return reported.unknown(
            "The event is not about a contact. Subscribe this hook to contacts only.", "/subscriptionType"
        )
    merged = kind == "merge" and happened.primary_object_id
    contact = f"hubspot:{reported.named(merged or happened.object_id)}"
    occurred_at = reported.since_1970(happened.occurred_at, 1000)
    # Neither is the event's id unique nor the attempt's number the same: what names an event is all that a retry repeats.
    parts = (happened.portal_id, happened.subscription_id, happened.event_id, happened.object_id, happened.occurred_at)
    message_id = "hubspot:" + ":".join(reported.named(part) or "" for part in (*parts, happened.property_name))
    if kind == "privacyDeletion":
        return Withdrawn(vendor="hubspot", message_id=message_id, user_id=contact, occurred_at=occurred_at)
    fields: dict[str, Any] = {}
    if happened.property_name and happened.property_value not in (None, "", _REDACTED):
        fields[_ALSO.get(happened.property_name, happened.property_name)] = happened.property_value
    properties: dict[str, Any] = reported.present(
        portal_id=happened.portal_id,
        changed=happened.property_name,
        change_source=happened.change_source,
        change_flag=happened.change_flag,
    )
    if happened.merged_object_ids:
        properties["merged"] = [str(one) for one in happened.merged_object_ids[:100]]
    return reported.lead(
        name=f"contact.{kind}",
        message_id=message_id,
        fields=fields,
        received_at=request.received_at,
        timestamp=occurred_at,
        properties=properties,
        user_id=contact,
    )


def _submitted(request: Request) -> Event:
    """A form. It has no id of its own: the sender's Idempotency-Key is one, else the same body is the same submission."""
    form = reported.read(_form, request.body)
    if isinstance(form, Refused):
        return form
    fields: dict[str, Any] = {}
    for field in form.fields:
        fields.setdefault(_ALSO.get(field.name, field.name), field.value)
    context = form.context or _Context()
    key = request.headers.get(b"idempotency-key")
    if context.page_uri:
        fields.setdefault("page_url", context.page_uri)
    if context.page_name:
        fields.setdefault("page_title", context.page_name)
    return reported.lead(
        name=FORM,
        message_id=f"hubspot:form:{reported.fingerprint(key) if key else reported.fingerprint(b'', request.body)}",
        fields=fields,
        received_at=request.received_at,
        timestamp=reported.since_1970(form.submitted_at, 1000) or reported.moment(form.submitted_at),
        consent=_consent(form.legal_consent_options),
        anonymous_id=context.hutk,
        ip=context.ip_address,
    )


def _consent(legal: _Legal | None) -> ConsentGiven | None:
    """Legal consent as given: `processing`, and `subscription:<id>` for each kind of mail. HubSpot's ids stay as they are: which
    purpose of ours one means, only the owner knows."""
    if legal is None:
        return None
    purposes: dict[str, bool] = {}
    texts: list[str | None] = []
    basis = None
    if legal.consent is not None:
        basis = "consent"
        texts.append(legal.consent.text)
        if legal.consent.consent_to_process is not None:
            purposes["processing"] = legal.consent.consent_to_process
        for one in legal.consent.communications:
            purposes[f"subscription:{reported.named(one.subscription_type_id)}"] = one.value
            texts.append(one.text)
    elif (interest := legal.legitimate_interest) is not None:
        basis = f"legitimate-interest:{interest.legal_basis}"[:100] if interest.legal_basis else "legitimate-interest"
        purposes[f"subscription:{reported.named(interest.subscription_type_id) or ''}"] = interest.value
        texts.append(interest.text)
    text = "\n".join(text for text in texts if text)
    return ConsentGiven(purposes=purposes, text=text or None, basis=basis) if purposes else None
