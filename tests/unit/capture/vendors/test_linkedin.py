"""LinkedIn Lead Sync: the challenge, which signs UUIDs only, the signature, leads created and deleted."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
import pytest

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import linkedin
from services.capture.vendors.vendor import Fetch, Genuine, Refusal, Withdrawn
from shared.contracts import Campaign
from tests.unit.capture.vendors.posts import SECRET, a_hook, a_post, said

# Put together from the fields that learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync names; no whole sample was at hand
NOTICE: dict[str, Any] = {
    "type": "LEAD_ACTION",
    "leadGenFormResponse": "urn:li:leadGenFormResponse:aaaabbbb-0000-cccc-1111-dddd2222eeee-5",
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:522529623"},
    "associatedEntity": {"event": "urn:li:event:1"},
    "leadGenForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:3162,1)",
    "leadType": "SPONSORED",
    "leadAction": "CREATED",
    "occurredAt": 1686182358881,
}
LEAD: dict[str, Any] = {
    "id": "aaaabbbb-0000-cccc-1111-dddd2222eeee-5",
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:522529623"},
    "submittedAt": 1686182358000,
    "leadType": "SPONSORED",
    "testLead": False,
    "leadMetadataInfo": {
        "sponsoredLeadMetadataInfo": {
            "campaign": {"name": "Brand awareness - May", "id": "urn:li:sponsoredCampaign:367"}
        }
    },
    "form": {
        "name": "Demo request",
        "hiddenFields": [{"name": "utm_source", "value": "newsletter"}, {"name": "hidden_field", "value": "abc678"}],
        "content": {
            "questions": [
                {"questionId": 1, "name": "First name", "predefinedField": "FIRST_NAME"},
                {"questionId": 2, "name": "email", "predefinedField": "EMAIL"},
                {"questionId": 3, "name": "phone", "predefinedField": "WORK_PHONE_NUMBER"},
                {
                    "questionId": 4,
                    "name": "When?",
                    "questionDetails": {
                        "multipleChoiceQuestionDetails": {
                            "options": [{"id": 0, "text": {"localized": {"en_US": "This year"}}}, {"id": 1}]
                        }
                    },
                },
            ]
        },
    },
    "formResponse": {
        "answers": [
            {"questionId": 1, "answerDetails": {"textQuestionAnswer": {"answer": "Ada"}}},
            {"questionId": 2, "answerDetails": {"textQuestionAnswer": {"answer": "ada@example.com"}}},
            {"questionId": 3, "answerDetails": {"textQuestionAnswer": {"answer": "+4915112345678"}}},
            {"questionId": 4, "answerDetails": {"multipleChoiceAnswer": {"options": [0]}}},
        ],
        "consentResponses": [{"consentId": 7, "accepted": True}],
    },
}
HOOK = a_hook(signing=SECRET)
UUID = "890e4665-4dfe-4ab1-b689-ed553bceeed0"


def test_the_challenge_is_signed_with_the_client_secret() -> None:
    reply = linkedin.handshake(a_post(method="GET", query={"challengeCode": UUID, "applicationId": "1"}), HOOK)
    assert reply is not None
    assert (reply.status, reply.media_type) == (200, "application/json")
    # printf '%s' 890e4665-4dfe-4ab1-b689-ed553bceeed0 | openssl dgst -sha256 -hmac the-secret-of-the-hook
    assert msgspec.json.decode(reply.body) == {
        "challengeCode": UUID,
        "challengeResponse": "76594c7d334fdc79cd70ce524deb40baba5dee731e165f7aea60c224a2003b76",
    }


@pytest.mark.parametrize("challenge", ["", "hmacsha256={}", UUID + "\n", "hmacsha256=" + UUID, UUID.replace("-", "")])
def test_nothing_but_a_uuid_is_signed_so_that_nobody_gets_a_notice_signed(challenge: str) -> None:
    reply = linkedin.handshake(a_post(method="GET", query={"challengeCode": challenge}), HOOK)
    assert reply is not None
    assert reply.status == 400


def test_the_signature_is_over_a_prefix_and_the_raw_bytes() -> None:
    body = b'{"type":"LEAD_ACTION"}'
    # printf '%s' 'hmacsha256={"type":"LEAD_ACTION"}' | openssl dgst -sha256 -hmac the-secret-of-the-hook
    recorded = b"48b9de1f188d854685a11efa1c8be19ffcd314313bb82d5211d49b1a74251839"
    assert linkedin.verify(a_post(body, {b"x-li-signature": recorded}), HOOK) == Genuine()
    unprefixed = hmac.digest(SECRET, body, "sha256").hex().encode()
    for headers, what in (
        ({b"x-li-signature": recorded}, body + b"\n"),
        ({b"x-li-signature": unprefixed}, body),
        ({b"x-li-signature": b"\xff"}, body),
        ({}, body),
    ):
        verdict = linkedin.verify(a_post(what, headers), HOOK)
        assert isinstance(verdict, Refusal)
        assert verdict.status == 401


def test_a_created_lead_is_to_be_fetched() -> None:
    (event,) = said(linkedin, NOTICE)
    assert isinstance(event, Fetch)
    assert event.message_id == "linkedin:aaaabbbb-0000-cccc-1111-dddd2222eeee-5"
    assert event.path.startswith("leadFormResponses/aaaabbbb-0000-cccc-1111-dddd2222eeee-5?fields=")
    assert event.properties["sponsored_account"] == "urn:li:sponsoredAccount:522529623"
    assert event.occurred_at == "2023-06-07T23:59:18.881000+00:00"
    assert said(linkedin, [NOTICE, NOTICE]) == [event, event]


def test_a_deleted_lead_is_a_privacy_event_about_the_created_one() -> None:
    (event,) = said(linkedin, {**NOTICE, "leadAction": "DELETED"})
    assert isinstance(event, Withdrawn)
    assert event.lead == "linkedin:aaaabbbb-0000-cccc-1111-dddd2222eeee-5"
    assert event.message_id == "linkedin:aaaabbbb-0000-cccc-1111-dddd2222eeee-5:deleted"


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"},
        {"leadAction": "UPDATED"},
        {"leadGenFormResponse": "urn:li:leadGenFormResponse:../me"},
        {"leadGenFormResponse": 5},
    ],
)
def test_another_notice_is_refused(changed: dict[str, Any]) -> None:
    (event,) = said(linkedin, {**NOTICE, **changed})
    assert isinstance(event, Refused)


def fetched(lead: dict[str, Any]) -> Submission:
    (fetch,) = said(linkedin, NOTICE)
    assert isinstance(fetch, Fetch)
    found = linkedin.fetched(fetch, msgspec.json.encode(lead), a_post())
    assert isinstance(found, Submission), found
    return found


def test_a_fetched_lead_has_answers_hidden_fields_and_consent() -> None:
    lead = fetched(LEAD)
    assert lead.client_id == "linkedin:aaaabbbb-0000-cccc-1111-dddd2222eeee-5"
    assert lead.traits == {"firstName": "Ada", "email": "ada@example.com", "phone": "+4915112345678"}
    assert (lead.properties["When?"], lead.properties["hidden_field"]) == ("This year", "abc678")
    assert lead.campaign == Campaign(
        source="newsletter"
    )  # what the form's author says counts more than what we conclude
    assert lead.consent is not None
    assert lead.consent.purposes == {"consent:7": True}
    assert (lead.marks, lead.timestamp) == ((), "2023-06-07T23:59:18+00:00")


def test_a_test_lead_is_marked_and_an_ad_is_a_campaign() -> None:
    lead = fetched({**LEAD, "testLead": True, "form": {}})
    assert lead.marks == ("test",)
    assert lead.campaign == Campaign(source="linkedin", medium="paid_social", name="Brand awareness - May", id="367")
    assert lead.properties["question 2"] == "ada@example.com"
    assert fetched({**LEAD, "leadType": "COMPANY", "form": 7}).campaign == Campaign(source="linkedin", medium="social")
