"""Unbounce: the form in `data.json`, and the shared secret."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
import pytest

from services.capture.domain.verdict import Refused
from services.capture.vendors import unbounce
from services.capture.vendors.vendor import Genuine, Refusal
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import a_hook, a_post, said, the_lead

# documentation.unbounce.com/hc/en-us/articles/203510044-Using-a-Webhook, with fields added; encoded like a post recorded in Snowplow's tests
DATA = {
    "email": ["test@test.com"],
    "first_name": ["Jo"],
    "topics": ["a", "b"],
    "utm_source": ["search"],
    "ip_address": ["203.0.113.9"],
    "page_uuid": ["a2838d98-4cf4-11df-a3fd-00163e372d58"],
    "variant": ["a"],
    "time_submitted": ["10:57 PM UTC"],
    "date_submitted": ["2023-06-06"],
    "page_url": ["http://my-landing-page.ca/"],
    "page_name": ["My Landing Page"],
}
POST = urlencode(
    {
        "page_url": "http://my-landing-page.ca/",
        "page_name": "My Landing Page",
        "page_id": "a2838d98-4cf4-11df-a3fd-00163e372d58",
        "variant": "a",
        "data.json": msgspec.json.encode(DATA).decode(),
        "data.xml": "<form_data/>",
    }
).encode()


def test_the_form_is_read_out_of_its_lists() -> None:
    lead = the_lead(unbounce, POST)
    assert lead.traits == {"email": "test@test.com", "firstName": "Jo"}
    assert lead.properties == {
        "topics": ["a", "b"],
        "page_id": "a2838d98-4cf4-11df-a3fd-00163e372d58",
        "page_uuid": "a2838d98-4cf4-11df-a3fd-00163e372d58",
        "page_name": "My Landing Page",
        "variant": "a",
    }
    assert lead.campaign is not None
    assert (lead.campaign.source, lead.page and lead.page.url) == ("search", "http://my-landing-page.ca/")
    assert (lead.ip, lead.timestamp) == ("203.0.113.9", "2023-06-06T22:57:00+00:00")


def test_as_json_it_is_the_same_lead() -> None:
    lead = the_lead(unbounce, DATA)
    assert lead.traits == {"email": "test@test.com", "firstName": "Jo"}
    assert lead.timestamp == "2023-06-06T22:57:00+00:00"


def test_the_same_post_has_the_same_id_and_another_minute_another() -> None:
    assert the_lead(unbounce, POST).client_id == the_lead(unbounce, POST).client_id
    assert the_lead(unbounce, POST.replace(b"10%3A57", b"10%3A58")).client_id != the_lead(unbounce, POST).client_id


@pytest.mark.parametrize(
    "when", [{"time_submitted": "soon"}, {"date_submitted": ["06/06/2023"]}, {"time_submitted": []}]
)
def test_a_time_that_is_none_loses_no_lead(when: dict[str, object]) -> None:
    assert the_lead(unbounce, {**DATA, **when}).timestamp is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"email=a", Reason.INVALID),
        (b"data.json=%7B", Reason.UNDECODABLE),
        (b"data.json=%5B%5D", Reason.INVALID),
        (b"&".join(b"f%d=1" % number for number in range(501)), Reason.UNDECODABLE),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, reason: Reason) -> None:
    (event,) = said(unbounce, body)
    assert isinstance(event, Refused)
    assert event.reason is reason


def test_the_shared_secret_comes_in_a_header_or_in_the_address() -> None:
    hook = a_hook(shared=b"between us")
    assert unbounce.verify(a_post(POST, {b"authorization": b"bearer between us"}), hook) == Genuine()
    assert unbounce.verify(a_post(POST, query={"key": "between us"}), hook) == Genuine()
    wrong = [
        a_post(POST),
        a_post(POST, query={"key": ""}),
        a_post(POST, {b"authorization": b"Basic between us"}),
        a_post(POST, {b"authorization": b"Bearer between u\xff"}),
        a_post(POST, {b"authorization": b"Bearer wrong"}, query={"key": "between us"}),
    ]
    for post in wrong:
        verdict = unbounce.verify(post, hook)
        assert isinstance(verdict, Refusal)
        assert verdict.status == 401
    assert isinstance(unbounce.verify(a_post(POST, query={"key": ""}), a_hook()), Refusal)
