"""Google Ads lead forms: the key in the body, which is never kept, and the lead."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain.verdict import Refused
from services.capture.vendors import google
from services.capture.vendors.vendor import Genuine, Refusal
from shared.contracts import Campaign
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import a_hook, a_post, said, the_lead

# A recorded "Send test data" of Google Ads, seen in a public test; its key replaced
TEST_LEAD: dict[str, Any] = {
    "lead_id": "TeSter-123-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz-0123456789-AaBbCcDdEeFfGgHhIiJjKkLl",
    "user_column_data": [
        {"column_name": "Full Name", "string_value": "FirstName LastName", "column_id": "FULL_NAME"},
        {"column_name": "User Email", "string_value": "test@example.com", "column_id": "EMAIL"},
        {"column_name": "User Phone", "string_value": "+16505550123", "column_id": "PHONE_NUMBER"},
        {"column_name": "City", "string_value": "Mountain View", "column_id": "CITY"},
        {"column_name": "Postal Code", "string_value": "94043", "column_id": "POSTAL_CODE"},
        {"column_name": "Region", "string_value": "California", "column_id": "REGION"},
    ],
    "api_version": "1.0",
    "form_id": 349080077126,
    "campaign_id": 23729418209,
    "google_key": "the key of the form",
    "is_test": True,
    "gcl_id": "TeSter-123",
    "adgroup_id": 195583084496,
    "creative_id": 30000000000,
}
HOOK = a_hook(shared=b"the key of the form")


def test_the_right_key_is_genuine_also_while_another_is_live() -> None:
    assert google.verify(a_post(TEST_LEAD), HOOK) == Genuine()
    assert google.verify(a_post(TEST_LEAD), a_hook(shared=(b"new", b"the key of the form"))) == Genuine()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**TEST_LEAD, "google_key": "the key of the forn"}, 401),
        ({**TEST_LEAD, "google_key": ""}, 401),
        ({"lead_id": "1"}, 401),
        ({"google_key": 7}, 400),
        (b"google_key=the+key+of+the+form", 400),
        (b"", 400),
    ],
)
def test_a_wrong_key_or_body_gets_googles_form_of_refusal(body: Any, status: int) -> None:
    verdict = google.verify(a_post(body), HOOK)
    assert isinstance(verdict, Refusal)
    assert verdict.reply is not None
    assert (verdict.status, verdict.reply.status, verdict.reply.media_type) == (status, status, "application/json")
    assert list(msgspec.json.decode(verdict.reply.body)) == ["message"]
    assert b"the key" not in verdict.reply.body.lower().replace(b"the key is missing", b"")


def test_a_hook_without_a_key_takes_nothing() -> None:
    assert isinstance(google.verify(a_post({"google_key": ""}), a_hook()), Refusal)


def test_columns_become_traits_and_ids_properties() -> None:
    lead = the_lead(google, TEST_LEAD)
    assert lead.traits == {
        "name": "FirstName LastName",
        "email": "test@example.com",
        "phone": "+16505550123",
        "city": "Mountain View",
        "postalCode": "94043",
        "state": "California",
    }
    assert lead.properties == {
        "form_id": "349080077126",
        "campaign_id": "23729418209",
        "adgroup_id": "195583084496",
        "creative_id": "30000000000",
    }
    assert (lead.marks, lead.click_ids) == (("test",), {"gclid": "TeSter-123"})
    assert lead.campaign == Campaign(source="google", medium="cpc", name="23729418209", id="23729418209")
    assert lead.client_id == "google:" + TEST_LEAD["lead_id"]


def test_a_real_lead_has_its_time_and_no_mark() -> None:
    column = {"column_id": "what_is_your_budget?", "string_value": "5000"}
    body = {"lead_id": "1", "lead_submit_time": "2026-09-26T12:30:00Z", "user_column_data": [column], "is_test": False}
    lead = the_lead(google, body)
    assert (lead.marks, lead.timestamp) == ((), "2026-09-26T12:30:00+00:00")
    assert lead.properties == {"what_is_your_budget?": "5000"}


def test_a_lead_without_an_id_is_refused() -> None:
    (event,) = said(google, {"google_key": "k"})
    assert isinstance(event, Refused)
    assert event.reason is Reason.INVALID


@pytest.mark.parametrize(
    "body",
    [
        b'{"lead_id":"1","google_key":"the key of the form"}',
        b'{"google\\u005fkey":"the key of the form","lead_id":"1"}',
        b'{"google_key":"x","lead_id":"1","google_key":"the key of the form"}',
        b'{"lead_id":"1","google_key":"the key of the form","note":"the key of the form"}',
        b'{"google_key":"the key of the form"',
        b"the key of the form",
        b'["the key of the form"]',
    ],
)
def test_the_key_is_in_nothing_that_is_kept(body: bytes) -> None:
    kept = google.storable(a_post(body), HOOK)
    assert b"the key of the form" not in kept
    for event in said(google, body, HOOK):
        assert "the key of the form" not in repr(event)


def test_what_is_kept_is_the_lead_without_the_key() -> None:
    kept = msgspec.json.decode(google.storable(a_post(TEST_LEAD), HOOK))
    assert kept == {name: value for name, value in TEST_LEAD.items() if name != "google_key"}


@given(st.binary(max_size=60), st.sampled_from([b'{"a":%s,"google_key":"the key of the form"}', b"%s"]))
def test_the_key_is_cut_out_of_any_bytes(piece: bytes, shape: bytes) -> None:
    assert b"the key of the form" not in google.storable(a_post(shape % piece), HOOK)
