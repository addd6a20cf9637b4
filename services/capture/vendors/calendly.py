"""Calendly: a booking, a cancellation, a no-show or a routing form a post.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site): https://developer.calendly.com/docs/webhooks/overview (delivery; 410 deletes the subscription,
so it is never answered), https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
(`Calendly-Webhook-Signature: t=<unix>,v1=<hex>`, HMAC-SHA256 over `<t>.` and the raw body), and
https://developer.calendly.com/docs/api-guides/see-how-webhook-payloads-change-when-invitees-reschedule-events. A reschedule comes as a
cancellation with `rescheduled` and a booking with `old_invitee`, in any order: the booking is the one activity, since it tells all.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SIGNING, Event, Genuine, Hook, Reply, Request, Verdict

SECRETS = (SIGNING,)
ACCEPTED = Reply(200)
RESCHEDULED = "invitee.rescheduled"

_LEADS = frozenset(
    {
        "invitee.created",
        "invitee.canceled",
        "invitee_no_show.created",
        "invitee_no_show.deleted",
        "routing_form_submission.created",
    }
)


class _Meeting(Struct):
    uri: str | None = None
    name: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    event_type: str | None = None


class _Cancellation(Struct):
    reason: str | None = None
    canceler_type: str | None = None


class _NoShow(Struct):
    uri: str | None = None


class _Question(Struct):
    question: str
    answer: Any = None


class _Payload(Struct):
    uri: str
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    text_reminder_number: str | None = None
    timezone: str | None = None
    rescheduled: bool = False
    old_invitee: str | None = None
    questions_and_answers: list[_Question] = []
    tracking: dict[str, Any] | None = None
    scheduled_event: _Meeting | None = None
    cancellation: _Cancellation | None = None
    no_show: _NoShow | None = None


class _Post(Struct):
    event: str
    created_at: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


_post = msgspec.json.Decoder(_Post).decode
_payload = msgspec.json.Decoder(_Payload).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Calendly asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the signature and its time."""
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.NO_SECRET
    parts = dict(
        part.strip().partition(b"=")[::2]
        for part in request.headers.get(b"calendly-webhook-signature", b"").split(b",")
    )
    said, given = parts.get(b"t", b""), parts.get(b"v1", b"").lower()
    if not said or not given:
        return signature.NO_SIGNATURE
    at = signature.timely(said, 1, request.received_at)
    if at is None:
        return signature.LATE
    expected = [signature.digest(secret, said, b".", request.body).hex().encode() for secret in secrets]
    if not signature.matches(given, expected):
        return signature.WRONG
    return Genuine(signature.replay("calendly", at, said, given))


def events(request: Request, hook: Hook) -> list[Event]:
    """What happened; nothing for the cancellation that is half of a reschedule."""
    post = reported.read(_post, request.body)
    if isinstance(post, Refused):
        return [post]
    if post.event not in _LEADS:
        return [
            reported.unknown(
                "The event tells of no invitee. Subscribe this hook to invitees and routing forms.", "/event"
            )
        ]
    payload = reported.read(_payload, post.payload)
    if isinstance(payload, Refused):
        return [Refused(payload.reason, payload.detail, "/payload" + payload.pointer)]
    name = post.event
    if payload.rescheduled and name == "invitee.canceled":
        return []
    if payload.old_invitee and name == "invitee.created":
        name = RESCHEDULED
    subject = payload.no_show.uri if payload.no_show is not None and name.startswith("invitee_no_show.") else None
    return [
        reported.lead(
            name=name,
            message_id=f"calendly:{post.event}:{subject or payload.uri}",
            fields=_fields(payload),
            received_at=request.received_at,
            timestamp=reported.moment(post.created_at),
            properties=_properties(payload),
            timezone=payload.timezone,
        )
    ]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _fields(payload: _Payload) -> dict[str, Any]:
    """Who it is, the answers by their questions, and what the link's UTM parameters said."""
    fields: dict[str, Any] = {
        "email": payload.email,
        "phone": payload.text_reminder_number,
        "name": payload.name,
        "first_name": payload.first_name,
        "last_name": payload.last_name,
    }
    for one in payload.questions_and_answers:
        fields.setdefault(one.question, one.answer)
    for name, value in (payload.tracking or {}).items():
        if name.startswith("utm_") and isinstance(value, str):
            fields[name] = value
    return fields


def _properties(payload: _Payload) -> dict[str, Any]:
    meeting, cancellation = payload.scheduled_event or _Meeting(), payload.cancellation or _Cancellation()
    return reported.present(
        meeting=meeting.name,
        start_time=meeting.start_time,
        end_time=meeting.end_time,
        event_type=meeting.event_type,
        scheduled_event=meeting.uri,
        old_invitee=payload.old_invitee,
        cancel_reason=cancellation.reason,
        canceler_type=cancellation.canceler_type,
    )
