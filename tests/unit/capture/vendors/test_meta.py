"""Meta Lead Ads: the challenge, the signature, ids to be fetched, fetched leads and those of connectors."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
import pytest

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import meta
from services.capture.vendors.vendor import Fetch, Genuine, Refusal
from shared.contracts import Campaign
from shared.outcome import Reason
from tests.unit.capture.vendors.posts import SECRET, a_hook, a_post, said, the_lead

# The fields of developers.facebook.com/docs/graph-api/webhooks/getting-started/webhooks-for-leadgen, in two changes, the values ours
NOTICE: dict[str, Any] = {
    "object": "page",
    "entry": [
        {
            "id": "153125381133",
            "time": 1438292065,
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": 123123123123,
                        "page_id": 123123123,
                        "form_id": 12312312312,
                        "adgroup_id": 12312312312,
                        "ad_id": 12312312312,
                        "created_time": 1440120384,
                    },
                },
                {"field": "leadgen", "value": {"leadgen_id": "123123123124", "page_id": "123123123"}},
            ],
        }
    ],
}
# After developers.facebook.com/documentation/ads-commerce/marketing-api/guides/lead-ads/retrieving
GRAPH: dict[str, Any] = {
    "created_time": "2015-02-28T08:49:14+0000",
    "id": "123123123123",
    "ad_id": "6012",
    "form_id": "12312312312",
    "campaign_name": "Autumn",
    "campaign_id": "60",
    "platform": "ig",
    "field_data": [
        {"name": "car_make", "values": ["Honda"]},
        {"name": "full_name", "values": ["Joe Example"]},
        {"name": "email", "values": ["joe@example.com"]},
        {"name": "work_phone_number", "values": ["+4915112345678"]},
        {"name": "colours", "values": ["red", "blue"]},
    ],
    "custom_disclaimer_responses": [{"checkbox_key": "newsletter", "is_checked": "1"}],
}
HOOK = a_hook(signing=SECRET, verify_token=b"meatyhamhock")


def test_the_challenge_is_echoed_to_who_knows_the_token() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meatyhamhock"}
    reply = meta.handshake(a_post(method="GET", query=query), HOOK)
    assert reply is not None
    assert (reply.status, reply.body, reply.media_type) == (200, b"1158201444", "text/plain")


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"hub.verify_token": "guess"}, 403), ({"hub.verify_token": ""}, 403), ({"hub.challenge": "<script>"}, 400)],
)
def test_a_wrong_token_or_challenge_is_not_echoed(changed: dict[str, str], status: int) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meatyhamhock", **changed}
    reply = meta.handshake(a_post(method="GET", query=query), HOOK)
    assert reply is not None
    assert reply.status == status
    assert b"script" not in reply.body


def test_a_hook_without_a_token_takes_no_empty_one() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": ""}
    reply = meta.handshake(a_post(method="GET", query=query), a_hook(signing=SECRET))
    assert reply is not None
    assert reply.status == 403


def test_the_signature_is_that_of_the_raw_bytes() -> None:
    # printf '%s' '{"object":"page","entry":[]}' | openssl dgst -sha256 -hmac the-secret-of-the-hook
    body = b'{"object":"page","entry":[]}'
    recorded = b"sha256=b8d4e0abed631296743d2ebca4a3383851d6b5d6c7bf996d960b709aeb5d41ba"
    assert meta.verify(a_post(body, {b"x-hub-signature-256": recorded}), HOOK) == Genuine()
    for wrong in (b'{"object":"page", "entry":[]}', body + b" "):
        verdict = meta.verify(a_post(wrong, {b"x-hub-signature-256": recorded}), HOOK)
        assert isinstance(verdict, Refusal)
        assert verdict.status == 401


def test_both_live_secrets_prove_a_post() -> None:
    hook = a_hook(signing=(b"new", b"old"))
    for secret in (b"new", b"old"):
        mark = b"sha256=" + hmac.digest(secret, b"{}", "sha256").hex().encode()
        assert meta.verify(a_post(b"{}", {b"x-hub-signature-256": mark}), hook) == Genuine()


def test_a_connector_proves_itself_by_the_shared_secret_only_where_there_is_one() -> None:
    post = a_post(b"{}", {b"authorization": b"Bearer between us"})
    assert meta.verify(post, a_hook(signing=SECRET, shared=b"between us")) == Genuine()
    assert isinstance(meta.verify(post, a_hook(signing=SECRET, shared=b"another")), Refusal)
    assert isinstance(meta.verify(post, HOOK), Refusal)


def test_each_change_is_a_lead_to_fetch() -> None:
    first, second = said(meta, NOTICE)
    assert isinstance(first, Fetch)
    assert isinstance(second, Fetch)
    assert (first.lead_id, first.message_id, first.occurred_at) == (
        "123123123123",
        "meta:123123123123",
        "2015-08-21T01:26:24+00:00",
    )
    assert first.path.startswith("123123123123?fields=id,created_time,")
    assert first.properties == {"page_id": "123123123", "form_id": "12312312312", "ad_id": "12312312312"}
    assert second.message_id == "meta:123123123124"


def test_one_bad_change_spoils_no_other() -> None:
    changes = [
        {"field": "leadgen", "value": {"leadgen_id": "../me"}},
        {"field": "leadgen", "value": {}},
        {"field": "feed", "value": {"item": "post"}},
        {"field": "leadgen", "value": {"leadgen_id": "444444444444"}},  # what the dashboard's Test button sends
        *NOTICE["entry"][0]["changes"],
    ]
    events = said(meta, {"object": "page", "entry": ["nonsense", {"changes": changes}]})
    assert [event.reason for event in events if isinstance(event, Refused)] == [
        Reason.INVALID,
        Reason.INVALID,
        Reason.INVALID,
        Reason.UNKNOWN_TYPE,
    ]
    assert [event.lead_id for event in events if isinstance(event, Fetch)] == ["123123123123", "123123123124"]


def test_a_fetched_lead_has_the_notices_id_and_the_answers() -> None:
    fetch = said(meta, NOTICE)[0]
    assert isinstance(fetch, Fetch)
    lead = meta.fetched(fetch, msgspec.json.encode(GRAPH), a_post())
    assert isinstance(lead, Submission)
    assert (lead.kind, lead.name, lead.client_id) == ("hook", "lead", "meta:123123123123")
    assert lead.traits == {"name": "Joe Example", "email": "joe@example.com", "phone": "+4915112345678"}
    assert lead.properties["car_make"] == "Honda"
    assert lead.properties["colours"] == ["red", "blue"]
    assert lead.properties["page_id"] == "123123123"
    assert lead.timestamp == "2015-02-28T08:49:14+00:00"
    assert lead.campaign == Campaign(source="instagram", medium="paid_social", name="Autumn", id="60")
    assert lead.consent is not None
    assert lead.consent.purposes == {"newsletter": True}
    assert (lead.marks, lead.ip, lead.user_agent) == ((), None, None)


def test_a_connectors_lead_has_the_same_id_as_the_fetched_one() -> None:
    flat = {"leadgen_id": 123123123123, "email": "joe@example.com", "created_time": 1440120384, "form_name": "Demo"}
    lead = the_lead(meta, flat)
    assert (lead.client_id, lead.timestamp) == ("meta:123123123123", "2015-08-21T01:26:24+00:00")
    assert lead.traits == {"email": "joe@example.com"}
    assert lead.properties == {"leadgen_id": "123123123123", "form_name": "Demo"}
    assert [event.client_id for event in said(meta, [flat, flat]) if isinstance(event, Submission)] == [
        lead.client_id
    ] * 2
    assert the_lead(meta, {"email": "a@b.example"}).client_id == the_lead(meta, {"email": "a@b.example"}).client_id


def test_a_lead_of_the_testing_tool_is_marked() -> None:
    dummy = {"id": "1", "full_name": "<test lead: dummy data for full_name>", "email": "test@meta.com"}
    assert the_lead(meta, dummy).marks == ("test",)
