"""Form posts, bytes to submissions: whatever way fields come and are called, they end where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from services.capture.domain import form
from services.capture.domain.form import Fields
from services.capture.domain.verdict import Arrival, Submission
from tests.unit.capture.door import BROWSER, NOW

ARRIVAL = Arrival("shop", NOW, "203.0.113.7", BROWSER)


def posted(fields: Fields, **said: Any) -> Submission:
    """What a form with these fields means."""
    found = form.submission("demo", fields, said.pop("arrival", ARRIVAL), **said)
    assert isinstance(found, Submission), found
    return found


@pytest.mark.parametrize(
    ("field", "trait"),
    [
        ("email", "email"),
        ("E-Mail", "email"),
        ("your_email", "email"),
        ("phone_number", "phone"),
        ("First Name", "firstName"),
        ("lastname", "lastName"),
        ("company-name", "company"),
        ("country", "country"),
        ("jobTitle", "title"),
        ("zip", "postalCode"),
    ],
)
def test_fields_become_traits_by_any_of_their_names(field: str, trait: str) -> None:
    assert posted({field: "x"}).traits == {trait: "x"}


def test_unknown_fields_are_properties_and_empty_ones_nothing() -> None:
    found = posted({"email": "jo@acme.example", "message": "Hello", "seats": 40, "fax": "", "vat": None})
    assert found.properties == {"message": "Hello", "seats": 40}
    assert (found.kind, found.name) == ("form", "demo")


def test_of_two_fields_for_one_trait_the_second_is_kept_as_a_property() -> None:
    found = posted({"email": "a@b.example", "work_email": "c@d.example"})
    assert (found.traits, found.properties) == ({"email": "a@b.example"}, {"work_email": "c@d.example"})


def test_hidden_fields_tell_campaign_clicks_page_and_referrer() -> None:
    found = posted(
        {
            "utm_source": "search",
            "utm_campaign": "may",
            "gclid": "g",
            "page_url": "https://shop.example/demo?utm_source=other&fbclid=f",
            "referrer": "https://search.example/",
            "anonymous_id": "a1",
            "messageId": "m1",
            "locale": "de",
        },
        referer="https://elsewhere.example/?utm_source=x",
    )
    assert found.campaign is not None
    assert (found.campaign.source, found.campaign.name) == ("search", "may")
    assert found.click_ids == {"gclid": "g", "fbclid": "f"}
    assert found.page is not None
    assert found.page.url == "https://shop.example/demo?utm_source=other&fbclid=f"
    assert found.page.referrer == "https://search.example/"
    assert (found.anonymous_id, found.client_id, found.locale, found.properties) == ("a1", "m1", "de", {})


def test_without_hidden_fields_the_referer_header_tells_the_page() -> None:
    found = posted({"email": "a@b.example"}, referer="https://shop.example/demo?utm_source=news", idempotency_key="k")
    assert found.page is not None
    assert found.page.url == "https://shop.example/demo?utm_source=news"
    assert found.campaign is not None
    assert (found.campaign.source, found.client_id) == ("news", "k")


@pytest.mark.parametrize(
    ("fields", "purposes"),
    [
        ({"consent": {"mail": "on", "phone": "no"}}, {"mail": True, "phone": False}),
        ({"consent_mail": "on"}, {"mail": True}),
        ({"consent": "yes"}, {"general": True}),
        ({"consent": "I agree to everything."}, {"general": True}),
        ({"zgoda": "nie"}, {"general": False}),
        ({"consent": ["0", "1"]}, {"general": True}),  # an unticked value and a ticked box, as frameworks send them
        ({"consent": ["mail", "phone"]}, {"mail": True, "phone": True}),
        ({"consent": {"mail": ["true", "false"], "": "on"}}, {"mail": True, "general": True}),
        ({"newsletter": "on", "Datenschutz": "1"}, {"marketing_email": True, "privacy": True}),
        ({"newsletter": "nein"}, {"marketing_email": False}),
        ({"consent": "on", "consent_date": "2026-01-01"}, {"general": True}),
        ({"consent": False}, {"general": False}),
        ({"consent": "on", "consent_mail": "0"}, {"general": True, "mail": False}),
        ({"consent": {"purposes": {"mail": True}, "text": "Yes.", "version": 3}}, {"mail": True}),
    ],
)
def test_consent_is_understood_in_the_ways_forms_give_it(fields: Fields, purposes: dict[str, bool]) -> None:
    consent = posted({"consent_text": "Yes.", "consent_version": "3", **fields}).consent
    assert consent is not None
    assert (consent.purposes, consent.text, consent.version) == (purposes, "Yes.", "3")


def test_a_robot_is_marked_by_its_user_agent_and_by_the_field_that_people_do_not_see() -> None:
    crawler = Arrival("shop", NOW, None, "Mozilla/5.0 (compatible; Googlebot/2.1)")
    found = posted({"email": "a@b.example", "website_url_confirm": "http://spam.example"}, arrival=crawler)
    assert found.marks == ("bot", "honeypot")
    assert found.properties == {}
    assert posted({"email": "a@b.example", "website_url_confirm": ""}).marks == ()
