"""Any other sender: a field map says what its body means; without a map fields are understood as those of a form.

Signed posts are those of Standard Webhooks 1.0 (looked up November 27, 2026, in excerpts and copies):
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. `webhook-signature` holds `v1,<base64>`, one
or several with blanks between, each HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<raw body>`; the secret is `whsec_` and base64.
A hook that has a signing secret takes nothing unsigned; one that has none wants the shared secret with each post.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from services.capture.domain import form
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SHARED, SIGNING, Event, Genuine, Hook, Reply, Request, Verdict
from shared import fieldmap
from shared.contracts import ConsentGiven
from shared.fieldmap import FieldMap
from shared.outcome import Reason

SECRETS = (SHARED, SIGNING)
ACCEPTED = Reply(202, b'{"success":true}', "application/json")
NAME = "hook"

_MOST_LEADS = 500
_MOST_SIGNATURES = 10
_FORM_TYPE = b"application/x-www-form-urlencoded"

_anything = msgspec.json.Decoder(Any).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Standard Webhooks asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the signature and its time where the hook has a signing secret, else by the shared secret."""
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.shared(request, hook)
    headers = request.headers
    named, said = headers.get(b"webhook-id", b""), headers.get(b"webhook-timestamp", b"")
    given = headers.get(b"webhook-signature", b"").split()[:_MOST_SIGNATURES]
    if not named or not said or not given:
        return signature.NO_SIGNATURE
    at = signature.timely(said, 1, request.received_at)
    if at is None:
        return signature.LATE
    expected = [
        b"v1," + b64encode(signature.digest(key, named, b".", said, b".", request.body))
        for secret in secrets
        for key in _keys(secret)
    ]
    # Not `any`, which would stop at the first that matches.
    if not sum(signature.matches(one, expected) for one in given):
        return signature.WRONG
    return Genuine(signature.replay("generic", at, named, said))


def events(request: Request, hook: Hook) -> list[Event]:
    """The lead, or each of the list at the map's `each`."""
    body = _body(request)
    if isinstance(body, Refused):
        return [body]
    field_map = hook.field_map
    if field_map is None or field_map.each is None:
        return [_event(body, request, field_map, None)]
    each = fieldmap.at(body, field_map.each)
    if not isinstance(each, list):
        return [reported.invalid("There is no list at the place that the field map names in `each`.")]
    if len(each) > _MOST_LEADS:
        return [Refused(Reason.TOO_LARGE, f"A post takes at most {_MOST_LEADS} leads. Send several.")]
    return [_event(one, request, field_map, index) for index, one in enumerate(each)]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _keys(secret: bytes) -> tuple[bytes, ...]:
    """The keys that a secret can stand for: what its base64 says, and, where it does not begin with whsec_, the text itself."""
    try:
        decoded = b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        return (secret,)
    if not decoded:
        return (secret,)
    return (decoded,) if secret.startswith(b"whsec_") else (decoded, secret)


def _body(request: Request) -> Any:
    media_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        return reported.read(_anything, request.body)
    try:
        return form.of_urlencoded(request.body)
    except Broken as broken:
        return Refused(Reason.UNDECODABLE, str(broken))


def _event(body: Any, request: Request, field_map: FieldMap | None, index: int | None) -> Event:
    if not isinstance(body, dict):
        return reported.invalid(
            "A lead is a JSON object or a form. The field map's `each` says where a list of them is."
        )
    if field_map is None:
        message_id = f"generic:{_named(request, index)}"[:300]
        return reported.lead(name=NAME, message_id=message_id, fields=body, received_at=request.received_at)
    said = field_map.find(body)
    found = reported.lead(
        name=said.name or NAME,
        message_id=f"generic:{said.id or _named(request, index)}"[:300],
        fields={},
        received_at=request.received_at,
        timestamp=said.occurred_at,
        consent=ConsentGiven(purposes=said.consent) if said.consent else None,
        user_id=said.user_id,
        anonymous_id=said.anonymous_id,
        test=said.test,
    )
    # Traits are what the map says they are, also where a form's table would know better.
    return reported.with_fields(found, said.traits, said.properties)


def _named(request: Request, index: int | None) -> str:
    """What names a lead without an id: the sender's name of the post, else its bytes; and the lead's place in it."""
    for header in (b"webhook-id", b"idempotency-key"):
        if given := request.headers.get(header):
            named = given.decode("utf-8", "replace")[:200]
            break
    else:
        named = reported.fingerprint(request.body)
    return named if index is None else f"{named}/{index}"
