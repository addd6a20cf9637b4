"""Calendly: the signature and its time, bookings, cancellations, and the two halves of a reschedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.capture.domain.verdict import Refused
from services.capture.vendors import calendly
from services.capture.vendors.vendor import Genuine, Refusal
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import SECRET, a_hook, a_post, said, the_lead

# After the sample of invitee.created of developer.calendly.com, with answers and a campaign added
INVITEE = "https://api.calendly.com/scheduled_events/AAAAAAAAAAAAAAAA/invitees/AAAAAAAAAAAAAAAA"
CREATED: dict[str, Any] = {
    "created_at": "2020-11-23T17:51:19.000000Z",
    "created_by": "https://api.calendly.com/users/AAAAAAAAAAAAAAAA",
    "event": "invitee.created",
    "payload": {
        "cancel_url": "https://calendly.com/cancellations/AAAAAAAAAAAAAAAA",
        "created_at": "2020-11-23T17:51:18.327602Z",
        "email": "test@example.com",
        "event": "https://api.calendly.com/scheduled_events/AAAAAAAAAAAAAAAA",
        "name": "John Doe",
        "new_invitee": None,
        "old_invitee": None,
        "questions_and_answers": [
            {"question": "Company", "answer": "Acme", "position": 0},
            {"question": "What is it about?", "answer": "Prices", "position": 1},
        ],
        "rescheduled": False,
        "status": "active",
        "text_reminder_number": "+1 650 555 0123",
        "timezone": "America/New_York",
        "tracking": {"utm_campaign": "spring", "utm_source": "mail", "utm_medium": None, "salesforce_uuid": None},
        "uri": INVITEE,
        "scheduled_event": {
            "uri": "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2",
            "name": "15 Minute Meeting",
            "start_time": "2019-08-24T14:15:22.123456Z",
            "event_memberships": [{"user_email": "user@example.com"}],
        },
    },
}
AT = datetime.fromtimestamp(1492774577, UTC)
HOOK = a_hook(signing=SECRET)


def test_the_signature_is_over_its_time_and_the_raw_bytes() -> None:
    body = b'{"event":"invitee.created"}'
    # printf '%s' '1492774577.{"event":"invitee.created"}' | openssl dgst -sha256 -hmac the-secret-of-the-hook
    signed = {
        b"calendly-webhook-signature": b"t=1492774577,v1=4c337d7bd457e819a8ddd1d9937c28e5ff6e8291ed37681d0c4600eb8f5c89cd"
    }
    verdict = calendly.verify(a_post(body, signed, at=AT), HOOK)
    assert isinstance(verdict, Genuine)
    assert verdict.replay is not None
    assert verdict.replay.until == AT + timedelta(minutes=5)
    for headers, what, at in (
        (signed, body + b" ", AT),
        (signed, body, AT + timedelta(minutes=6)),
        (signed, body, AT - timedelta(minutes=6)),
        ({b"calendly-webhook-signature": signed[b"calendly-webhook-signature"].replace(b"577", b"578")}, body, AT),
        ({b"calendly-webhook-signature": b"v1=,t=,=,,"}, body, AT),
        ({b"calendly-webhook-signature": b"t=\xb2,v1=\xff"}, body, AT),
        ({}, body, AT),
    ):
        refused = calendly.verify(a_post(what, headers, at=at), HOOK)
        assert isinstance(refused, Refusal)
        assert refused.status == 401  # 410 would end the subscription


def test_a_booking_has_the_invitee_the_answers_and_the_campaign() -> None:
    lead = the_lead(calendly, CREATED)
    assert (lead.kind, lead.name) == ("hook", "invitee.created")
    assert lead.traits == {
        "email": "test@example.com",
        "name": "John Doe",
        "phone": "+1 650 555 0123",
        "company": "Acme",
    }
    assert lead.properties == {
        "What is it about?": "Prices",
        "meeting": "15 Minute Meeting",
        "start_time": "2019-08-24T14:15:22.123456Z",
        "scheduled_event": "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2",
    }
    assert lead.campaign is not None
    assert (lead.campaign.source, lead.campaign.name) == ("mail", "spring")
    assert (lead.timezone, lead.timestamp) == ("America/New_York", "2020-11-23T17:51:19+00:00")
    assert lead.client_id == f"calendly:invitee.created:{INVITEE}"


def changed(event: str, **payload: Any) -> dict[str, Any]:
    return {**CREATED, "event": event, "payload": {**CREATED["payload"], **payload}}


def test_a_reschedules_cancellation_and_booking_are_one_activity_in_either_order() -> None:
    old, new = INVITEE, INVITEE.replace("invitees/A", "invitees/B")
    canceled = changed("invitee.canceled", uri=old, rescheduled=True, new_invitee=new)
    created = changed("invitee.created", uri=new, old_invitee=old)
    both = [*said(calendly, canceled), *said(calendly, created)]
    assert both == [*said(calendly, created), *said(calendly, canceled)]
    lead = the_lead(calendly, created)
    assert both == [lead]
    assert (lead.name, lead.properties["old_invitee"]) == ("invitee.rescheduled", old)


def test_a_mere_cancellation_is_an_activity_with_its_reason() -> None:
    cancellation = {"reason": "Meeting Conflict", "canceler_type": "invitee", "canceled_by": "John Doe"}
    lead = the_lead(calendly, changed("invitee.canceled", cancellation=cancellation))
    assert (lead.name, lead.properties["cancel_reason"]) == ("invitee.canceled", "Meeting Conflict")
    assert lead.client_id != the_lead(calendly, CREATED).client_id


def test_a_no_show_and_its_end_are_named_by_the_no_show() -> None:
    no_show = {"uri": "https://api.calendly.com/invitee_no_shows/A"}
    ids = {
        the_lead(calendly, changed(f"invitee_no_show.{what}", no_show=no_show)).client_id
        for what in ("created", "deleted")
    }
    assert len(ids) == 2
    assert all(id_ is not None and id_.endswith("invitee_no_shows/A") for id_ in ids)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"event": "event_type.created", "payload": {}}, Reason.UNKNOWN_TYPE),
        ({"event": "invitee.created"}, Reason.INVALID),
        ({"event": "invitee.created", "payload": {"uri": 5}}, Reason.INVALID),
        ({}, Reason.INVALID),
        (b"", Reason.UNDECODABLE),
    ],
)
def test_what_tells_of_no_invitee_is_refused(body: Any, reason: Reason) -> None:
    (event,) = said(calendly, body)
    assert isinstance(event, Refused)
    assert event.reason is reason
