"""Any other sender: the signature of Standard Webhooks, the shared secret, leads by a field map or without one."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import generic
from services.capture.vendors.vendor import Genuine, Hook, Refusal, Request
from shared import fieldmap
from shared.contracts import Campaign
from shared.fieldmap import FieldMap
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import a_hook, a_post, said, the_lead

# A vector known from the Standard Webhooks libraries, quoted from memory; the HMAC, computed apart, agrees
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNED = {
    b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
    b"webhook-timestamp": b"1614265330",
    b"webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
AT = datetime.fromtimestamp(1614265330, UTC)
HOOK = a_hook(signing=SECRET)


def a_signed(body: bytes = BODY, *, at: datetime = AT, **headers: bytes) -> Request:
    return a_post(
        body, {**SIGNED, **{name.replace("_", "-").encode(): value for name, value in headers.items()}}, at=at
    )


def mapped(said: dict[str, Any]) -> Hook:
    field_map = fieldmap.read(said)
    assert isinstance(field_map, FieldMap), field_map
    return a_hook(field_map)


def test_the_vector_of_standard_webhooks_is_genuine() -> None:
    verdict = generic.verify(a_signed(), HOOK)
    assert isinstance(verdict, Genuine)
    assert verdict.replay is not None
    assert verdict.replay.until == AT + timedelta(minutes=5)


def test_one_of_several_signatures_and_secrets_is_enough() -> None:
    several = b"v1,bm9uc2Vuc2U= v2,abc " + SIGNED[b"webhook-signature"]
    assert isinstance(generic.verify(a_signed(webhook_signature=several), HOOK), Genuine)
    assert isinstance(generic.verify(a_signed(), a_hook(signing=(b"whsec_bmV3", SECRET))), Genuine)
    assert isinstance(generic.verify(a_signed(), a_hook(signing=SECRET.removeprefix(b"whsec_"))), Genuine)


@pytest.mark.parametrize("secret", [b"a plain text", b"c2VjcmV0", b"whsec_="])
def test_a_secret_without_the_prefix_may_be_its_own_key(secret: bytes) -> None:
    mark = b64encode(hmac.digest(secret, b"m1.1614265330." + BODY, "sha256"))
    assert isinstance(
        generic.verify(a_signed(webhook_id=b"m1", webhook_signature=b"v1," + mark), a_hook(signing=secret)), Genuine
    )
    empty = b64encode(hmac.digest(b"", b"m1.1614265330." + BODY, "sha256"))
    assert isinstance(
        generic.verify(a_signed(webhook_id=b"m1", webhook_signature=b"v1," + empty), a_hook(signing=secret)), Refusal
    )


@pytest.mark.parametrize(
    "post",
    [
        a_signed(b'{"test":2432232314}'),
        a_signed(at=AT + timedelta(minutes=6)),
        a_signed(at=AT - timedelta(minutes=6)),
        a_signed(webhook_timestamp=b"1614265331"),
        a_signed(webhook_timestamp=b"-1"),
        a_signed(webhook_id=b"msg_other"),
        a_signed(webhook_signature=b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        a_signed(webhook_signature=b""),
        a_post(BODY, at=AT),
        a_post(BODY, {b"authorization": b"Bearer " + SECRET}, at=AT),
    ],
)
def test_anything_else_is_refused(post: Request) -> None:
    verdict = generic.verify(post, HOOK)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_without_a_signing_secret_the_shared_one_is_wanted() -> None:
    hook = a_hook(shared=b"between us")
    assert generic.verify(a_post(BODY, {b"authorization": b"Bearer between us"}), hook) == Genuine()
    assert isinstance(generic.verify(a_post(BODY), hook), Refusal)
    assert isinstance(generic.verify(a_post(BODY), a_hook()), Refusal)


def test_without_a_map_fields_are_those_of_a_form() -> None:
    body = {"E-Mail": "jo@acme.example", "utm_source": "mail", "seats": 40}
    lead = the_lead(generic, body)
    assert (lead.kind, lead.name, lead.traits) == ("hook", "hook", {"email": "jo@acme.example"})
    assert (lead.properties, lead.campaign) == ({"seats": 40}, Campaign(source="mail"))
    form = {b"content-type": b"application/x-www-form-urlencoded; charset=utf-8"}
    assert the_lead(generic, b"e-mail=jo%40acme.example&seats=40", headers=form).traits == lead.traits


MAP = {
    "name": "/event",
    "id": "/registration/id",
    "occurred_at": {"from": "/registration/at", "format": "unix_ms"},
    "traits": {"email": "/person/e~1mail", "company": "firm", "firstName": {"from": "/person/names/0"}},
    "properties": {
        "partner": {"value": "acme"},
        "starts": {"from": "/starts", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
        "ends": {"from": "/ends", "format": "%d.%m.%Y"},
        "utm_source": {"value": "partner"},
        "gclid": "/click",
        "nothing": "/no/where",
    },
    "consent": {"marketing_email": "/optin", "ads": "/ads"},
    "user_id": "/person/number",
    "test": "/is_test",
}
REGISTERED = {
    "event": "webinar registered",
    "registration": {"id": 17, "at": 1614265330000},
    "person": {"e/mail": "jo@acme.example", "names": ["Jo", "Doe"], "number": 5},
    "firm": "Acme",
    "starts": "24.12.2026 18:00",
    "ends": "soon",
    "click": "g1",
    "optin": "yes",
    "is_test": False,
}


def test_a_map_says_what_is_what() -> None:
    lead = the_lead(generic, REGISTERED, mapped(MAP))
    assert (lead.name, lead.client_id, lead.user_id) == ("webinar registered", "generic:17", "5")
    assert lead.timestamp == "2021-02-25T15:02:10+00:00"
    assert lead.traits == {"email": "jo@acme.example", "company": "Acme", "firstName": "Jo"}
    assert lead.properties == {"partner": "acme", "starts": "2026-12-24T17:00:00+00:00", "ends": "soon"}
    assert (lead.campaign, lead.click_ids) == (Campaign(source="partner"), {"gclid": "g1"})
    assert lead.consent is not None
    assert (lead.consent.purposes, lead.marks) == ({"marketing_email": True}, ())


def test_a_test_lead_is_marked() -> None:
    assert the_lead(generic, {**REGISTERED, "is_test": "true"}, mapped(MAP)).marks == ("test",)


def test_several_leads_of_a_post_are_each_judged_on_their_own() -> None:
    hook = mapped({"each": "/leads", "id": "/id", "traits": {"email": "/mail"}})
    events = said(generic, {"leads": [{"id": "a", "mail": "a@b.example"}, 5, {"mail": "c@d.example"}]}, hook)
    first, second, third = events
    assert isinstance(first, Submission)
    assert isinstance(second, Refused)
    assert isinstance(third, Submission)
    assert (first.client_id, third.traits) == ("generic:a", {"email": "c@d.example"})
    assert third.client_id is not None
    assert third.client_id.endswith("/2")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, Reason.INVALID),
        ({"leads": {}}, Reason.INVALID),
        ({"leads": [{}] * 501}, Reason.TOO_LARGE),
        (b"{", Reason.UNDECODABLE),
        (b"[" * 5000, Reason.INVALID),
    ],
)
def test_a_post_without_the_list_is_refused(body: Any, reason: Reason) -> None:
    (event,) = said(generic, body, mapped({"each": "/leads", "traits": {"email": "/mail"}}))
    assert isinstance(event, Refused)
    assert event.reason is reason


def test_a_lead_without_an_id_is_named_by_the_senders_name_of_the_post_else_by_its_bytes() -> None:
    hook = mapped({"traits": {"email": "/mail"}})
    body = {"mail": "a@b.example"}
    assert the_lead(generic, body, hook, headers={b"webhook-id": b"m1"}).client_id == "generic:m1"
    assert the_lead(generic, body, hook).client_id == the_lead(generic, body, hook).client_id
    assert the_lead(generic, {**body, "x": 1}, hook).client_id != the_lead(generic, body, hook).client_id


def test_what_no_service_can_hold_is_refused_in_traits_and_properties() -> None:
    hook = mapped({"traits": {"email": "/mail"}, "properties": {"n": "/n"}})
    for body in (b'{"mail":%d}' % 2**64, b'{"n":%d}' % 2**64):
        (event,) = said(generic, body, hook)
        assert isinstance(event, Refused)
