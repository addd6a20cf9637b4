"""From a submission to its record: time, identifier, key and id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.capture.domain.captured import corrected, strongest
from services.capture.domain.verdict import Arrival, Refused, Submission
from shared import contracts, ids
from shared.message import Message
from tests.unit.capture.door import NOW, SECRET, a_scribe

ARRIVAL = Arrival("shop", NOW, "203.0.113.7", "curl/8")


def a_submission(**fields: Any) -> Submission:
    """An identify call of a visitor."""
    return Submission(**{"kind": "identify", "name": "identify", "anonymous_id": "a1", **fields})


@pytest.mark.parametrize(
    ("fields", "identifier"),
    [
        ({"traits": {"email": " Jo@Acme.Example "}, "user_id": "u"}, "email:jo@acme.example"),
        ({"traits": {"email": "none", "phone": "+49 (30) 123-45"}, "user_id": "u"}, "phone:493012345"),
        ({"traits": {"phone": 493012345}}, "phone:493012345"),
        ({"traits": {"phone": "12"}, "user_id": "u"}, "user:shop:u"),
        ({}, "anonymous:a1"),
        ({"anonymous_id": None, "traits": {"E-Mail": "jo@acme.example"}}, "email:jo@acme.example"),
        ({"anonymous_id": " ", "traits": {"email": "not an address"}}, "email:not an address"),
        ({"anonymous_id": None, "traits": {"email": 5, "phone": True}}, None),
    ],
)
def test_the_strongest_identifier_names_the_person(fields: dict[str, Any], identifier: str | None) -> None:
    assert strongest(a_submission(**fields), "shop") == identifier


def test_the_record_has_the_persons_key_and_partition_and_its_event_in_the_headers() -> None:
    message = a_scribe().captured(a_submission(client_id="m1"), ARRIVAL)
    assert isinstance(message, Message)
    key = ids.person_key(SECRET, "anonymous:a1").encode()
    assert (message.topic, message.key, message.part) == ("leads.captured.v1", key, ids.partition(key, 4))
    event = msgspec.json.decode(message.value, type=contracts.Captured)
    assert event.event_id == message.event_id == ids.submission_id("shop", "m1")
    headers = dict(message.headers)
    assert headers["ce_id"] == event.event_id.encode()
    assert headers["ce_type"] == b"lead.captured"
    assert headers["ce_source"] == b"capture"
    assert headers["ce_time"] == b"2026-11-02T09:00:00.000Z"
    assert "ce_subject" not in headers


def test_without_a_name_of_its_own_every_submission_is_new() -> None:
    scribe = a_scribe()
    first, second = (scribe.captured(a_submission(), ARRIVAL) for _ in range(2))
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({"traits": {"email": "jo@acme.example"}}, None),
        ({"traits": {"email": "Jo@MAILINATOR.com"}}, ["disposable"]),
        ({"anonymous_id": None, "traits": {"E-Mail": "jo@any.mailinator.com"}}, ["disposable"]),
        ({"traits": {"phone": "+49 30 123456"}, "marks": ("bot",)}, ["bot"]),
        ({"rendered_at": "1793610000000", "marks": ("honeypot",)}, ["honeypot", "too-fast"]),  # at NOW
        ({"rendered_at": "1793609999"}, ["too-fast"]),
        ({"rendered_at": "2026-11-02T08:59:58.001Z"}, ["too-fast"]),
        ({"rendered_at": "2026-11-02T08:59:58Z"}, None),
        ({"rendered_at": "1793609000000"}, None),
        ({"rendered_at": "1793619000000"}, None),  # a clock that is ahead
        ({"rendered_at": "1793619000000", "sent_at": "2026-11-02T11:30:01Z"}, ["too-fast"]),  # both by that clock
        ({"rendered_at": "soon"}, None),
        ({"rendered_at": "9" * 40}, None),
        ({"rendered_at": "²"}, None),
    ],
)
def test_what_is_noticed_is_a_mark_and_nothing_is_dropped(fields: dict[str, Any], marks: list[str] | None) -> None:
    message = a_scribe().captured(a_submission(**fields), ARRIVAL)
    assert isinstance(message, Message)
    assert msgspec.json.decode(message.value, type=contracts.Captured).context.marks == marks


def test_who_names_nobody_is_refused() -> None:
    found = a_scribe().captured(a_submission(anonymous_id=None), ARRIVAL)
    assert isinstance(found, Refused)
    assert found.reason == "no-identifier"


def test_a_name_longer_than_the_others_take_is_refused() -> None:
    found = a_scribe().captured(a_submission(kind="track", name="x" * 201), ARRIVAL)
    assert isinstance(found, Refused)
    assert found.pointer == "/event"


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "before_receipt"),
    [
        ("2026-11-02T08:00:00Z", None, timedelta(hours=1)),
        ("2026-11-02T09:00:00+01:00", None, timedelta(hours=1)),
        ("2026-11-02T08:00:00", None, timedelta(hours=1)),
        # A clock that is a year ahead and one that is a year late: only the time between the two counts.
        ("2027-11-02T08:00:00Z", "2027-11-02T08:00:10Z", timedelta(seconds=10)),
        ("2025-11-02T08:00:00Z", "2025-11-02T08:00:10Z", timedelta(seconds=10)),
        # Nothing happens after it was received.
        ("2027-11-02T08:00:00Z", None, timedelta(0)),
        ("2026-11-02T08:00:10Z", "2026-11-02T08:00:00Z", timedelta(0)),
    ],
)
def test_the_clients_clock_is_corrected_by_when_it_sent(
    timestamp: str, sent_at: str | None, before_receipt: timedelta
) -> None:
    assert corrected(timestamp, sent_at, NOW) == NOW - before_receipt


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "pointer"),
    [
        ("yesterday", None, "/timestamp"),
        ("1699999999", "x", "/timestamp"),
        ("2026-11-02T08:00:00Z", "now", "/sentAt"),
        ("1969-12-31T23:59:59Z", None, "/timestamp"),
        ("0001-01-01T00:00:00+14:00", None, "/timestamp"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "/timestamp"),
    ],
)
def test_a_time_that_is_none_is_refused_by_its_place(timestamp: str, sent_at: str | None, pointer: str) -> None:
    found = corrected(timestamp, sent_at, NOW)
    assert isinstance(found, Refused)
    assert found.pointer == pointer


@pytest.mark.parametrize("history", [True, False])
def test_what_is_told_of_the_past_says_so(history: bool) -> None:
    message = a_scribe().captured(a_submission(history=history), ARRIVAL)
    assert isinstance(message, Message)
    assert msgspec.json.decode(message.value).get("history") is (True if history else None)
