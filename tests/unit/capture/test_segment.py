"""Segment's bodies, bytes to submissions: what SDKs send is understood, and what can't be held is cleaned or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain import clean, segment
from services.capture.domain.reading import Broken
from services.capture.domain.segment import SdkBatch, SdkEvent
from services.capture.domain.verdict import Arrival, Refused, Submission
from tests.unit.capture.door import BROWSER, NOW

BROWSER_ARRIVAL = Arrival("shop", NOW, "203.0.113.7", BROWSER)


def sent(body: dict[str, Any] | bytes, kind: str = "track", arrival: Arrival = BROWSER_ARRIVAL) -> Submission | Refused:
    """What comes of one call."""
    if isinstance(body, dict):
        body = json.dumps({"event": "x", **body}).encode()
    event = segment.event(body)
    return event if isinstance(event, Refused) else segment.submission(event, kind, arrival)


def understood(body: dict[str, Any] | bytes, kind: str = "track", arrival: Arrival = BROWSER_ARRIVAL) -> Submission:
    found = sent(body, kind, arrival)
    assert isinstance(found, Submission), found
    return found


def refused(body: dict[str, Any] | bytes, kind: str = "track") -> Refused:
    found = sent(body, kind)
    assert isinstance(found, Refused)
    return found


def test_a_call_of_a_browser_sdk_is_understood_whole() -> None:
    found = understood(
        {
            "event": "webinar-attended",
            "messageId": "m1",
            "userId": "u1",
            "anonymousId": "a1",
            "timestamp": "2026-11-02T08:59:00Z",
            "sentAt": "2026-11-02T08:59:01Z",
            "properties": {"webinar": "spring"},
            "integrations": {"All": True},
            "context": {
                "page": {"url": "https://shop.example/w?gclid=g1", "title": "Webinar", "search": "?gclid=g1"},
                "campaign": {"source": "search", "medium": "cpc", "name": "spring", "id": 7},
                "locale": "de-DE",
                "timezone": "Europe/Berlin",
                "traits": {"email": "jo@acme.example"},
                "library": {"name": "analytics.js", "version": "4"},
                "consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}},
            },
        }
    )
    assert (found.name, found.client_id, found.user_id, found.anonymous_id) == ("webinar-attended", "m1", "u1", "a1")
    assert (found.traits, found.properties) == ({"email": "jo@acme.example"}, {"webinar": "spring"})
    assert found.page is not None
    assert found.page.title == "Webinar"
    assert found.campaign is not None
    assert (found.campaign.source, found.campaign.name) == ("search", "spring")
    assert found.click_ids == {"gclid": "g1"}
    assert found.consent is not None
    assert found.consent.purposes == {"Analytics": True, "Advertising": False}


def test_rudderstacks_time_and_place_of_traits_are_known() -> None:
    body = {"originalTimestamp": "2026-11-02T08:59:00Z", "context": {"traits": {"email": "jo@acme.example"}}}
    found = understood(body, "identify")
    assert (found.timestamp, found.traits) == ("2026-11-02T08:59:00Z", {"email": "jo@acme.example"})


def test_utm_parameters_of_the_page_are_the_campaign_where_none_is_given() -> None:
    url = "https://shop.example/?utm_source=news&utm_campaign=may%20sale&fbclid=f#top"
    found = understood({"context": {"page": {"url": url}}})
    assert found.campaign is not None
    assert (found.campaign.source, found.campaign.name, found.click_ids) == ("news", "may sale", {"fbclid": "f"})


def test_a_page_call_may_describe_the_page_in_its_properties() -> None:
    found = understood({"properties": {"url": "https://shop.example/", "title": 5}, "category": "Docs"}, "page")
    assert found.page is not None
    assert (found.page.url, found.page.title) == ("https://shop.example/", None)
    assert found.properties["category"] == "Docs"
    assert found.name == "page"


def test_consent_travels_with_its_text_version_and_basis() -> None:
    consent = {"purposes": {"mail": True}, "text": "Yes, write to me.", "version": "3", "basis": "consent"}
    found = understood({"consent": consent})
    assert found.consent is not None
    assert (found.consent.text, found.consent.version, found.consent.basis) == ("Yes, write to me.", "3", "consent")


def test_a_client_cannot_say_that_it_is_somebody_else() -> None:
    found = understood({"context": {"ip": "8.8.8.8", "userAgent": "liar"}})
    assert (found.ip, found.user_agent) == ("203.0.113.7", BROWSER)


def test_a_server_side_library_speaks_for_somebody_else() -> None:
    arrival = Arrival("shop", NOW, "203.0.113.7", "analytics-python/2.3.2")
    found = understood({"context": {"ip": "198.51.100.9", "userAgent": "Googlebot/2.1"}}, arrival=arrival)
    assert (found.ip, found.user_agent, found.marks) == ("198.51.100.9", "Googlebot/2.1", ("bot",))
    assert understood({"context": {"ip": "nowhere"}}, arrival=arrival).ip == "203.0.113.7"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"event": None}, "/event"),
        ({"traits": "jo"}, "/traits"),
        ({"context": {"page": {"url": 7}}}, "/context/page/url"),
        ({"userId": True}, "/userId"),
        ({"consent": {"purposes": {"mail": "yes"}}}, "/consent/purposes"),
        ({"properties": {"a": {"b": 2**63}}}, "/properties/a/b"),
        ({"properties": {"a": [1, -(2**80)]}}, "/properties/a/1"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(body: dict[str, Any], pointer: str) -> None:
    assert refused(body).pointer == pointer


def test_twenty_levels_are_taken_and_one_more_is_not() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"a": nested(levels - 1)} if levels > 1 else {"a": 1}

    understood({"properties": nested(19)})
    assert "20 levels" in refused({"properties": nested(20)}).detail
    lists: Any = 1
    for _ in range(20):
        lists = [lists]
    assert "20 levels" in refused({"properties": {"a": lists}}).detail
    assert "20 levels" in refused(b'{"properties":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001).detail
    assert "20 levels" in refused(b'{"x":' + b"[" * 50_000).detail


def test_numbers_that_nobody_can_hold_are_refused() -> None:
    assert refused(b'{"event":"x","properties":{"n":1e999}}').pointer == "/properties"
    assert refused(b'{"event":"x","properties":{"n":' + b"9" * 5000 + b"}}").pointer == "/properties"


def test_pythons_nan_becomes_null_and_the_word_stays() -> None:
    found = understood(b'{"event":"x","properties":{"n":NaN,"i":-Infinity,"w":"NaN, \\"Infinity","l":[NaN]}}')
    assert found.properties == {"n": None, "i": None, "w": 'NaN, "Infinity', "l": [None]}


def test_nul_goes_and_lone_surrogates_become_the_replacement_character() -> None:
    body = rb'{"event":"x","traits":{"a\u0000":"b\u0000\u0000c","d":"\ud800e\uDC00","f":"\ud83d\ude00","g":"\\u0000\\\u0000"}}'
    assert understood(body).traits == {"a": "bc", "d": "�e�", "f": "😀", "g": "\\u0000\\"}


def test_of_two_equal_keys_the_last_counts() -> None:
    assert understood(b'{"event":"x","traits":{"a":1,"a":2},"userId":"u","userId":"v"}').traits == {"a": 2}


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    assert refused(b'{"event":"\xff"}').reason == "undecodable"


@settings(deadline=None)
@given(st.text())
def test_cleaned_json_holds_nothing_that_postgres_or_utf_8_refuses(text: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps({"a": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        found = segment.event(b'{"event":"x","traits":' + body + b"}")
        if isinstance(found, SdkEvent):
            value = (found.traits or {})["a"]
            assert "\0" not in value
            value.encode()
            if "\0" not in text and text.isascii():
                assert value == text


@given(st.binary())
def test_any_bytes_are_an_event_a_refusal_or_broken(body: bytes) -> None:
    try:
        assert isinstance(segment.event(body), SdkEvent | Refused)
        found = segment.batch(body)
        assert isinstance(found, SdkBatch | Refused)
    except Broken:
        pass


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_events_of_a_batch_are_judged_whatever_they_are(events: list[bytes]) -> None:
    try:
        found = segment.batch(b'{"batch":[' + b",".join(events) + b"]}")
    except Broken:
        return
    if isinstance(found, SdkBatch):
        for index in range(len(found.batch)):
            one = segment.of_batch(found, index)
            assert isinstance(one, Refused)
            assert one.pointer.startswith(f"/batch/{index}")


def test_a_batch_gives_its_context_and_time_to_events_without() -> None:
    body = {"batch": [{"type": "page", "userId": "u"}, {"type": "page", "context": {"locale": "fr"}, "sentAt": "s"}]}
    found = segment.batch(json.dumps({**body, "sentAt": "t", "context": {"locale": "de"}}).encode())
    assert isinstance(found, SdkBatch)
    events = [one[0] for index in (0, 1) if not isinstance(one := segment.of_batch(found, index), Refused)]
    assert [(one.sent_at, one.context and one.context.locale) for one in events] == [("t", "de"), ("s", "fr")]


def test_pointers_escape_and_shorten_names() -> None:
    assert clean.step("/a", "b/c~" + "x" * 99) == "/a/b~1c~0" + "x" * 36


def test_only_a_plain_yes_makes_an_event_one_of_the_past() -> None:
    assert understood({"userId": "u1", "history": True}).history
    assert not understood({"userId": "u1"}).history
    assert not understood({"userId": "u1", "history": None}).history
