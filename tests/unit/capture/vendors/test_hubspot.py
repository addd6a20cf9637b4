"""HubSpot: the v3 signature and its time, events of the CRM, forms with legal consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import hubspot
from services.capture.vendors.vendor import Genuine, Refusal, Request, Withdrawn
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import SECRET, a_hook, a_post, said, the_lead

# The vector of HubSpot's Python SDK (test_get_signature__v3), seen in a copy of its tests
CLIENT_SECRET = b"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
BODY = b"{'example_field':'example_value'}"
SIGNED = {
    b"x-hubspot-signature-v3": b"K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
    b"x-hubspot-request-timestamp": b"1693657560000",
}
AT = datetime.fromtimestamp(1693657560, UTC)
URL = "https://www.example.com/webhook_uri"
HOOK = a_hook(signing=CLIENT_SECRET)

# developers.hubspot.com/docs/faq/v1-request-validation, and .../legacy/crm/properties/sensitive-data
CREATED: dict[str, Any] = {
    "eventId": 1,
    "subscriptionId": 12345,
    "portalId": 62515,
    "occurredAt": 1564113600000,
    "subscriptionType": "contact.creation",
    "attemptNumber": 0,
    "objectId": 123,
    "changeSource": "CRM",
    "changeFlag": "NEW",
    "appId": 54321,
}
CHANGED: dict[str, Any] = {
    **CREATED,
    "eventId": 2,
    "subscriptionType": "contact.propertyChange",
    "propertyName": "email",
    "propertyValue": "jo@acme.example",
}
# The fields of developers.hubspot.com/docs/methods/forms/submit_form_v3, the values ours
FORM: dict[str, Any] = {
    "submittedAt": "1517927174000",
    "fields": [
        {"objectTypeId": "0-1", "name": "email", "value": "example@example.com"},
        {"objectTypeId": "0-1", "name": "firstname", "value": "Jeff"},
        {"objectTypeId": "0-2", "name": "favourite_colour", "value": "red"},
    ],
    "context": {
        "hutk": "6f453d92607b8108998dc213178ad214",
        "pageUri": "https://www.example.com/page?utm_source=news&gclid=g1",
        "pageName": "Example page",
        "ipAddress": "203.0.113.9",
    },
    "legalConsentOptions": {
        "consent": {
            "consentToProcess": True,
            "text": "I agree to allow Example Company to store and process my personal data.",
            "communications": [
                {"value": True, "subscriptionTypeId": 999, "text": "I agree to receive marketing communications."},
                {"value": False, "subscriptionTypeId": 7, "text": "Surveys."},
            ],
        }
    },
}


def a_signed(**changed: Any) -> Request:
    return a_post(BODY, changed.pop("headers", SIGNED), **{"at": AT, "url": URL, **changed})


def test_hubspots_own_vector_is_genuine_and_remembered_as_long_as_its_time_counts() -> None:
    verdict = hubspot.verify(a_signed(), HOOK)
    assert isinstance(verdict, Genuine)
    assert verdict.replay is not None
    assert verdict.replay.until == AT + timedelta(minutes=5)
    assert hubspot.verify(a_signed(at=AT + timedelta(minutes=4)), HOOK) == verdict


@pytest.mark.parametrize(
    "changed",
    [
        {"at": AT + timedelta(minutes=5, seconds=1)},
        {"at": AT - timedelta(minutes=5, seconds=1)},
        {"url": URL + "/"},
        {"url": URL.replace("https", "http")},
        {"method": "PUT"},
        {"headers": {**SIGNED, b"x-hubspot-request-timestamp": b"1693657560001"}},
        {"headers": {**SIGNED, b"x-hubspot-request-timestamp": b"now"}},
        {"headers": {**SIGNED, b"x-hubspot-request-timestamp": b"9" * 40}},
        {"headers": {b"x-hubspot-signature-v3": SIGNED[b"x-hubspot-signature-v3"]}},
        {"headers": {}},
    ],
)
def test_anything_else_in_it_is_refused(changed: dict[str, Any]) -> None:
    verdict = hubspot.verify(a_signed(**changed), HOOK)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_hubspots_encoded_characters_of_the_address_are_decoded_and_no_others() -> None:
    # printf '%s' 'POSThttps://x.example/h?a=b@c:d%20[]1693657560000' | openssl dgst -sha256 -hmac ... -binary | base64
    headers = {**SIGNED, b"x-hubspot-signature-v3": b"m3ZRFGqQ+T5YvFM/tlkATx0j74Gn8cVQIcRK12ioVu8="}
    post = a_post(b"[]", headers, at=AT, url="https://x.example/h?a=b%40c%3ad%20")
    assert isinstance(hubspot.verify(post, a_hook(signing=SECRET)), Genuine)


def test_a_form_proves_itself_by_the_shared_secret() -> None:
    hook = a_hook(signing=SECRET, shared=b"between us")
    assert hubspot.verify(a_post(FORM, {b"authorization": b"Bearer between us"}), hook) == Genuine()
    assert hubspot.verify(a_post(FORM, query={"key": "between us"}), hook) == Genuine()
    assert isinstance(hubspot.verify(a_post(FORM, query={"key": "between them"}), hook), Refusal)


def test_each_event_of_an_array_is_a_lead_known_by_the_contacts_id() -> None:
    created, changed = said(hubspot, [CREATED, CHANGED])
    assert isinstance(created, Submission)
    assert isinstance(changed, Submission)
    assert (created.name, created.user_id, created.traits) == ("contact.creation", "hubspot:123", {})
    assert created.timestamp == "2019-07-26T04:00:00+00:00"
    assert (changed.name, changed.traits) == ("contact.propertyChange", {"email": "jo@acme.example"})
    assert changed.properties["changed"] == "email"


def test_a_retry_has_the_same_id_and_another_event_with_the_same_event_id_has_not() -> None:
    first = the_lead(hubspot, [CREATED]).client_id
    assert the_lead(hubspot, [{**CREATED, "attemptNumber": 3}]).client_id == first
    assert the_lead(hubspot, [{**CREATED, "objectId": 124}]).client_id != first


def test_the_newer_form_of_subscriptions_is_the_same() -> None:
    newer = {**CREATED, "subscriptionType": "object.creation", "objectTypeId": "0-1"}
    assert the_lead(hubspot, [newer]) == the_lead(hubspot, [CREATED])


def test_a_sensitive_value_is_not_taken_for_one() -> None:
    lead = the_lead(hubspot, [{**CHANGED, "propertyName": "passport", "propertyValue": "REDACTED"}])
    assert (lead.traits, lead.properties.get("passport")) == ({}, None)


def test_a_merge_is_the_primary_contacts() -> None:
    merge = {**CREATED, "subscriptionType": "contact.merge", "primaryObjectId": 9, "mergedObjectIds": [123, 124]}
    lead = the_lead(hubspot, [merge])
    assert (lead.user_id, lead.properties["merged"]) == ("hubspot:9", ["123", "124"])


def test_a_privacy_deletion_is_a_privacy_event() -> None:
    (event,) = said(hubspot, [{**CREATED, "subscriptionType": "contact.privacyDeletion"}])
    assert isinstance(event, Withdrawn)
    assert event.user_id == "hubspot:123"


def test_events_about_others_and_broken_ones_are_refused_each_on_its_own() -> None:
    deal = {**CREATED, "subscriptionType": "deal.creation"}
    events = said(hubspot, [deal, {"subscriptionType": "contact.creation"}, 5, CREATED])
    assert [event.reason if isinstance(event, Refused) else event.name for event in events[:3]] == [  # type: ignore[union-attr]
        Reason.UNKNOWN_TYPE,
        Reason.INVALID,
        Reason.INVALID,
    ]
    assert isinstance(events[3], Submission)


def test_a_form_has_its_page_its_visitor_and_its_legal_consent() -> None:
    lead = the_lead(hubspot, FORM)
    assert (lead.kind, lead.name, lead.traits) == (
        "hook",
        "form",
        {"email": "example@example.com", "firstName": "Jeff"},
    )
    assert lead.properties == {"favourite_colour": "red"}
    assert lead.page is not None
    assert (lead.page.title, lead.campaign and lead.campaign.source) == ("Example page", "news")
    assert lead.click_ids == {"gclid": "g1"}
    assert (lead.anonymous_id, lead.ip) == ("6f453d92607b8108998dc213178ad214", "203.0.113.9")
    assert lead.timestamp == "2018-02-06T14:26:14+00:00"
    assert lead.consent is not None
    assert lead.consent.purposes == {"processing": True, "subscription:999": True, "subscription:7": False}
    assert lead.consent.basis == "consent"
    assert "marketing communications" in (lead.consent.text or "")


def test_a_legitimate_interest_is_a_basis_of_its_own() -> None:
    interest = {"value": True, "subscriptionTypeId": 999, "legalBasis": "CUSTOMER", "text": "We may write to you."}
    consent = the_lead(hubspot, {**FORM, "legalConsentOptions": {"legitimateInterest": interest}}).consent
    assert consent is not None
    assert (consent.purposes, consent.basis) == ({"subscription:999": True}, "legitimate-interest:CUSTOMER")


def test_the_same_form_sent_again_has_the_same_id() -> None:
    first = the_lead(hubspot, FORM)
    assert the_lead(hubspot, FORM).client_id == first.client_id
    assert the_lead(hubspot, {**FORM, "submittedAt": 1517927174001}).client_id != first.client_id
    keyed = the_lead(hubspot, FORM, headers={b"idempotency-key": b"k1"})
    assert (
        keyed.client_id
        == the_lead(hubspot, {**FORM, "skipValidation": True}, headers={b"idempotency-key": b"k1"}).client_id
    )
