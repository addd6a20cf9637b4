"""Segment's rarer calls: screen, group and alias, single and in a batch, and what SDKs of RudderStack put in places of their own."""

from __future__ import annotations

import json

from services.capture.domain import segment
from services.capture.domain.segment import SdkBatch
from services.capture.domain.verdict import Refused, Submission
from tests.unit.capture.test_segment import refused, understood


def test_a_screen_is_looked_at_like_a_page() -> None:
    found = understood({"name": "Prices", "properties": {"tab": "teams"}, "userId": "u1"}, "screen")
    assert (found.kind, found.name, found.properties) == ("page", "Prices", {"tab": "teams"})
    assert understood({"userId": "u1"}, "screen").name == "screen"


def test_a_group_tells_of_the_company_and_never_of_the_person() -> None:
    body = {
        "userId": "u1",
        "groupId": 7,
        "traits": {"name": "Acme", "employees": 120, "email": "office@acme.example", "plan": "pro"},
        "context": {"traits": {"email": "jo@acme.example"}},
    }
    found = understood(body, "group")
    assert (found.kind, found.name) == ("identify", "group")
    assert found.traits == {"email": "jo@acme.example", "company": {"name": "Acme", "employees": 120}}
    assert found.properties == {"group_id": "7", "group": body["traits"]}
    assert understood({"userId": "u1", "groupId": "g"}, "group").traits == {}


def test_what_is_wrong_with_the_person_of_a_group_is_seen_too() -> None:
    assert refused({"context": {"traits": {"n": 2**63}}, "groupId": "g"}, "group").pointer == "/context/traits/n"
    assert refused({"traits": {"n": 2**63}, "groupId": "g"}, "group").pointer == "/traits/n"


def test_the_id_before_an_alias_stands_for_the_anonymous_id_where_there_is_none() -> None:
    found = understood({"userId": "u1", "previousId": "a1"}, "alias")
    assert (found.kind, found.name, found.user_id, found.anonymous_id) == ("identify", "alias", "u1", "a1")
    assert found.properties == {"previous_id": "a1"}
    found = understood({"userId": "u1", "previousId": "u0", "anonymousId": "a1"}, "alias")
    assert (found.anonymous_id, found.properties) == ("a1", {"previous_id": "u0"})


def test_every_kind_of_call_may_be_in_a_batch() -> None:
    found = segment.batch(json.dumps({"batch": [{"type": kind} for kind in sorted(segment.KINDS)]}).encode())
    assert isinstance(found, SdkBatch)
    kinds = [one[1] for index in range(7) if not isinstance(one := segment.of_batch(found, index), Refused)]
    assert kinds == ["alias", "form", "group", "identify", "page", "screen", "track"]


def test_what_a_form_was_told_may_come_in_a_batch_under_a_forms_name() -> None:
    traits = {"traits": {"email": "jo@acme.example"}}
    found = understood({"name": "demo-2", **traits}, "form")
    assert (found.kind, found.name, found.traits) == ("form", "demo-2", traits["traits"])
    for name in (None, "", "ask for a demo", "../x", "x" * 101):
        assert refused({"name": name, **traits}, "form").pointer == "/name"


def test_rudderstacks_word_for_no_referrer_is_none() -> None:
    def page(referrer: str) -> Submission:
        return understood({"context": {"page": {"url": "https://shop.example/", "referrer": referrer}}}, "page")

    assert (found := page("$direct").page) is not None
    assert (found.url, found.referrer) == ("https://shop.example/", None)
    assert (found := page("https://search.example/").page) is not None
    assert found.referrer == "https://search.example/"


def test_a_distance_from_greenwich_is_no_time_zone() -> None:
    zones = ["GMT+0200", "GMT-0330", "NA", "Europe/Berlin", None]
    found = [understood({"context": {"timezone": zone}}).timezone for zone in zones]
    assert found == [None, None, None, "Europe/Berlin", None]


def test_an_empty_campaign_hides_none_in_the_pages_address() -> None:
    page = {"url": "https://shop.example/?utm_source=news"}
    assert (found := understood({"context": {"page": page, "campaign": {}}}).campaign) is not None
    assert found.source == "news"
    assert understood({"context": {"campaign": {}}}).campaign is None
