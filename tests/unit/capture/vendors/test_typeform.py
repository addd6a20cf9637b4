"""Typeform: the signature, all types of answers, hidden fields, consent."""

from __future__ import annotations

from typing import Any

import pytest

from services.capture.domain.verdict import Refused
from services.capture.vendors import typeform
from services.capture.vendors.vendor import Genuine, Refusal
from shared.contracts import Campaign
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import SECRET, a_hook, a_post, said, the_lead


def a_field(id_: str, type_: str, title: str, ref: str) -> dict[str, Any]:
    return {"id": id_, "type": type_, "title": title, "ref": ref, "allow_other_choice": False}


def an_answer(type_: str, value: Any, id_: str, field_type: str, ref: str | None = None) -> dict[str, Any]:
    return {"type": type_, type_: value, "field": {"id": id_, "type": field_type, "ref": ref}}


# After www.typeform.com/developers/webhooks/example-payload/: questions shortened, and types of answers added that it does not show
RESPONSE: dict[str, Any] = {
    "form_id": "lT4Z3j",
    "token": "a3a12ec67a1365927098a606107fac15",
    "submitted_at": "2018-01-18T18:17:02Z",
    "landed_at": "2018-01-18T18:07:02Z",
    "calculated": {"score": 9},
    "variables": [{"key": "score", "type": "number", "number": 4}, {"key": "name", "type": "text", "text": "typeform"}],
    "hidden": {"user_id": "abc123456", "utm_source": "newsletter", "utm_campaign": "may", "gclid": "g1"},
    "definition": {
        "id": "lT4Z3j",
        "title": "Webhooks example",
        "fields": [
            a_field("DlXFaesGBpoF", "long_text", "What's it like where you live?", "readable_ref_long_text"),
            a_field("SMEUb7VJz92Q", "email", "Please give us your email address.", "readable_ref_email"),
            a_field("JwWggjAKtOkA", "short_text", "First name", "5d2f8c3e-7a0c-4c7a-9a51-0d9f7b1b1f10"),
            a_field("KoJxDM3c6x8h", "date", "When did you move?", "readable_ref_date"),
            a_field("PNe8ZKBK8C2Q", "picture_choice", "Which pictures do you like?", "readable_ref_picture_choice"),
            a_field("Q7M2XAwY04dW", "number", "What rating?", "readable_ref_number1"),
            a_field("gFFf3xAkJKsr", "legal", "You accept that we share your answers.", "readable_ref_legal"),
            a_field("k6TP9oLGgHjl", "multiple_choice", "Which city?", "readable_ref_multiple_choice"),
            {
                "id": "group",
                "type": "contact_info",
                "title": "You",
                "properties": {"fields": [{"id": "inner", "title": "Company"}]},
            },
        ],
    },
    "answers": [
        an_answer("text", "It's cold right now!", "DlXFaesGBpoF", "long_text", "readable_ref_long_text"),
        an_answer("email", "laura@example.com", "SMEUb7VJz92Q", "email", "readable_ref_email"),
        an_answer("text", "Laura", "JwWggjAKtOkA", "short_text", "5d2f8c3e-7a0c-4c7a-9a51-0d9f7b1b1f10"),
        an_answer("date", "2005-10-15", "KoJxDM3c6x8h", "date", "readable_ref_date"),
        an_answer(
            "choices", {"labels": ["London", "Sydney"], "other": "Rome"}, "PNe8ZKBK8C2Q", "picture_choice", "pics"
        ),
        an_answer("number", 5, "Q7M2XAwY04dW", "number", "readable_ref_number1"),
        an_answer("boolean", True, "gFFf3xAkJKsr", "legal", "readable_ref_legal"),
        an_answer("choice", {"label": "London"}, "k6TP9oLGgHjl", "multiple_choice", "readable_ref_multiple_choice"),
        an_answer("boolean", False, "RUqkXSeXBXSd", "yes_no", "readable_ref_yes_no"),
        an_answer("phone_number", "+4915112345678", "p1", "phone_number"),
        an_answer("url", "https://acme.example", "u1", "website", "homepage"),
        an_answer("file_url", "https://api.typeform.com/responses/files/1", "f1", "file_upload", "cv"),
        an_answer("payment", {"amount": "5", "last4": "1234", "name": "L", "success": True}, "pay", "payment", "fee"),
        an_answer("text", "Acme", "inner", "short_text", None),
        an_answer("hologram", {"x": 1}, "h1", "hologram", "new"),
    ],
}
POST: dict[str, Any] = {"event_id": "LtWXD3crgy", "event_type": "form_response", "form_response": RESPONSE}
HOOK = a_hook(signing=SECRET)


def test_the_signature_is_base64_over_the_raw_bytes() -> None:
    body = b'{"event_type":"form_response"}\n'
    # printf '{"event_type":"form_response"}\n' | openssl dgst -sha256 -hmac the-secret-of-the-hook -binary | base64
    recorded = b"sha256=SXlUfYfQPatDS1LYUmPiXMU4s9Eszk4i5LeE3vJiN68="
    assert typeform.verify(a_post(body, {b"typeform-signature": recorded}), HOOK) == Genuine()
    for headers, what in (
        ({b"typeform-signature": recorded}, body.strip()),
        ({b"typeform-signature": recorded.removeprefix(b"sha256=")}, body),
        ({}, body),
    ):
        verdict = typeform.verify(a_post(what, headers), HOOK)
        assert isinstance(verdict, Refusal)
        assert verdict.status == 401


def test_answers_become_traits_by_type_ref_or_title() -> None:
    assert the_lead(typeform, POST).traits == {
        "email": "laura@example.com",
        "firstName": "Laura",
        "phone": "+4915112345678",
        "website": "https://acme.example",
        "company": "Acme",
    }


def test_other_answers_of_all_types_are_properties() -> None:
    lead = the_lead(typeform, POST)
    assert lead.properties == {
        "form_id": "lT4Z3j",
        "form_name": "Webhooks example",
        "score": 9,
        "variables": {"name": "typeform"},
        "readable_ref_long_text": "It's cold right now!",
        "readable_ref_date": "2005-10-15",
        "pics": ["London", "Sydney", "Rome"],
        "readable_ref_number1": 5,
        "readable_ref_multiple_choice": "London",
        "readable_ref_yes_no": False,
        "cv": "https://api.typeform.com/responses/files/1",
        "fee": {"amount": "5", "success": True},
    }


def test_hidden_fields_carry_the_campaign_and_the_user() -> None:
    lead = the_lead(typeform, POST)
    assert lead.campaign == Campaign(source="newsletter", name="may")
    assert (lead.click_ids, lead.user_id) == ({"gclid": "g1"}, "abc123456")
    assert (lead.client_id, lead.timestamp) == (
        "typeform:a3a12ec67a1365927098a606107fac15",
        "2018-01-18T18:17:02+00:00",
    )


def test_a_legal_question_is_consent_with_its_text() -> None:
    consent = the_lead(typeform, POST).consent
    assert consent is not None
    assert consent.purposes == {"readable_ref_legal": True}
    assert consent.text == "You accept that we share your answers."


def test_two_answers_of_one_name_are_both_kept() -> None:
    answers = [an_answer("email", "a@b.example", "e1", "email"), an_answer("email", "c@d.example", "e2", "email")]
    lead = the_lead(typeform, {**POST, "form_response": {"token": "t", "answers": answers}})
    assert lead.traits == {"email": "a@b.example"}
    assert lead.properties == {"email (e2)": "c@d.example"}


@pytest.mark.parametrize(
    ("post", "reason"),
    [
        ({"event_type": "form_response_partial", "form_response": RESPONSE}, Reason.UNKNOWN_TYPE),
        ({"event_type": "form_response"}, Reason.UNKNOWN_TYPE),
        ({"event_type": "form_response", "form_response": {"token": ""}}, Reason.INVALID),
        ({"event_type": "form_response", "form_response": {"token": "t", "answers": "none"}}, Reason.INVALID),
    ],
)
def test_what_was_not_submitted_is_no_lead(post: dict[str, Any], reason: Reason) -> None:
    (event,) = said(typeform, post)
    assert isinstance(event, Refused)
    assert event.reason is reason
