"""Typeform: one response a post, all types of answers, hidden fields.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site): https://www.typeform.com/developers/webhooks/example-payload/ (the body) and
https://www.typeform.com/developers/webhooks/secure-your-webhooks/ (`Typeform-Signature: sha256=<base64>`, HMAC-SHA256 with the
webhook's secret over the raw body). Typeform wants a 2xx within 30 s and gives a webhook up at once after a 404 or 410. No time is
signed, so a repeat is known by the response's `token`. Of a payment only the amount and its success are read, nothing of the card.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import msgspec
from msgspec import Struct

from services.capture.domain import aliases
from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SIGNING, Event, Genuine, Hook, Reply, Request, Verdict
from shared.contracts import ConsentGiven

SECRETS = (SIGNING,)
ACCEPTED = Reply(200)
NAME = "form_response"

# What Typeform makes up as `ref` where the form's author gave none.
_MADE_UP = re.compile(r"(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26})\Z", re.IGNORECASE)
_BY_TYPE = {"email": "email", "phone_number": "phone"}


class _Field(Struct):
    id: str | None = None
    ref: str | None = None
    type: str | None = None
    title: str | None = None
    properties: dict[str, Any] | None = None


class _Definition(Struct):
    title: str | None = None
    fields: list[_Field] = []


class _Answer(Struct):
    type: str
    field: _Field = msgspec.field(default_factory=_Field)
    text: str | None = None
    email: str | None = None
    phone_number: str | None = None
    date: str | None = None
    url: str | None = None
    file_url: str | None = None
    number: float | int | None = None
    boolean: bool | None = None
    choice: dict[str, Any] | None = None
    choices: dict[str, Any] | None = None
    payment: dict[str, Any] | None = None


class _Calculated(Struct):
    score: float | int | None = None


class _Response(Struct):
    token: str
    form_id: str | None = None
    submitted_at: str | None = None
    hidden: dict[str, Any] | None = None
    calculated: _Calculated | None = None
    variables: list[dict[str, Any]] | None = None
    definition: _Definition | None = None
    answers: list[_Answer] | None = None


class _Post(Struct):
    event_type: str
    form_response: _Response | None = None


_post = msgspec.json.Decoder(_Post).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Typeform asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the signature."""
    given = request.headers.get(b"typeform-signature")
    if given is None:
        return signature.NO_SIGNATURE
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.NO_SECRET
    expected = [b"sha256=" + b64encode(signature.digest(secret, request.body)) for secret in secrets]
    return Genuine() if signature.matches(given.strip(), expected) else signature.WRONG


def events(request: Request, hook: Hook) -> list[Event]:
    """The response. One that was not submitted (form_response_partial) is none."""
    post = reported.read(_post, request.body)
    if isinstance(post, Refused):
        return [post]
    response = post.form_response
    if post.event_type != "form_response" or response is None:
        return [reported.unknown("The event is no submitted response (form_response).", "/event_type")]
    if not response.token:
        return [reported.invalid("The response has no token.", "/form_response/token")]
    definition = response.definition or _Definition()
    titles = _titles(definition.fields)
    fields: dict[str, Any] = {}
    legal: dict[str, bool] = {}
    texts: list[str] = []
    for answer in response.answers or []:
        title = titles.get(answer.field.id or "", "")
        name = _name(answer, title)
        if answer.field.type == "legal" and answer.boolean is not None:
            legal[name] = answer.boolean
            texts += [title] if title else []
        elif (value := _value(answer)) is not None:
            fields.setdefault(name if name not in fields else f"{name} ({answer.field.id})", value)
    for name, value in (response.hidden or {}).items():
        fields.setdefault(name, value)
    properties: dict[str, Any] = reported.present(form_id=response.form_id, form_name=definition.title)
    if response.calculated is not None and response.calculated.score is not None:
        properties["score"] = response.calculated.score
    if variables := _variables(response.variables or []):
        properties["variables"] = variables
    return [
        reported.lead(
            name=NAME,
            message_id=f"typeform:{response.token}",
            fields=fields,
            received_at=request.received_at,
            timestamp=reported.moment(response.submitted_at),
            properties=properties,
            consent=ConsentGiven(purposes=legal, text="\n".join(texts) or None) if legal else None,
        )
    ]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _titles(fields: list[_Field]) -> dict[str, str]:
    """Titles of questions by id, those inside of groups too."""
    found = {field.id: field.title for field in fields if field.id and field.title}
    for field in fields:
        inner = (field.properties or {}).get("fields")
        for one in inner if isinstance(inner, list) else []:
            if isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("title"), str):
                found[one["id"]] = one["title"]
    return found


def _name(answer: _Answer, title: str) -> str:
    """What the answer is called: a trait where its `ref` or title is one, or its type says so; else its `ref`, title or id."""
    field = answer.field
    ref = field.ref if field.ref and not _MADE_UP.match(field.ref) else ""
    for name in (ref, title):
        if name and aliases.trait(name) is not None:
            return name
    return _BY_TYPE.get(answer.type) or ref or title or field.id or answer.type


def _value(answer: _Answer) -> Any:
    """The answer's value. A type that is not known here has none."""
    match answer.type:
        case "choice":
            chosen = answer.choice or {}
            return chosen.get("label") or chosen.get("other")
        case "choices":
            chosen = answer.choices or {}
            labels = chosen.get("labels")
            found = list(labels) if isinstance(labels, list) else []
            return found + ([chosen["other"]] if chosen.get("other") else []) or None
        case "payment":
            paid = answer.payment or {}
            return {name: paid[name] for name in ("amount", "success") if name in paid} or None
        case "text" | "email" | "phone_number" | "date" | "url" | "file_url" | "number" | "boolean":
            return getattr(answer, answer.type)
    return None


def _variables(variables: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in variables:
        key, kind = one.get("key"), one.get("type")
        if isinstance(key, str) and isinstance(kind, str) and key != "score" and kind in one:
            found[key] = one[kind]
    return found
