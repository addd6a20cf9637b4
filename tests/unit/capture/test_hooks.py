"""The route of vendors' webhooks: each vendor end to end through the door with a signed recorded body, and no body whatever is answered with a 5xx."""

from __future__ import annotations

import dataclasses
from base64 import b64decode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture import declared, store
from services.capture.limits import Limits, Rates
from services.capture.replays import MOST, Replays
from services.capture.store import StoredHook
from services.capture.vendors.table import VENDORS
from services.capture.vendors.vendor import Replay
from shared import ids, topology
from tests.unit.capture.client import Answered
from tests.unit.capture.door import NOW, Durable, Visitor, a_property, problem
from tests.unit.capture.door import SECRET as INSTALLATION
from tests.unit.capture.vendors import test_google, test_hubspot, test_linkedin
from tests.unit.capture.vendors.test_table import BODIES, SECRET, STATUS, proof

ADDRESS = "https://capture.example"
IDS_ONLY = ("linkedin", "meta")


def a_hook(vendor: str, **more: Any) -> StoredHook:
    names = ("signing", "shared", "verify-token")
    return StoredHook(property="shop", vendor=vendor, secrets=dict.fromkeys(names, (SECRET,)), **more)


def a_visitor(vendor: str, **more: Any) -> Visitor:
    return Visitor(hooks=[a_hook(vendor)], public_url=ADDRESS, **more)


async def post(visitor: Visitor, vendor: str, body: bytes, proved: bytes | None = None, **more: Any) -> Answered:
    """The body with the proof of `proved`, which is the body's own when absent."""
    path = f"/v1/hooks/{vendor}/shop"
    mark = proof(vendor, body if proved is None else proved, (ADDRESS + path).encode())
    headers = {name.decode(): value.decode() for name, value in mark.items()}
    headers["content-type"] = "application/x-www-form-urlencoded" if vendor == "unbounce" else "application/json"
    return await visitor.post(path, body, headers=headers, key=None, **more)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_signed_post_is_answered_as_the_vendor_expects_once_it_is_durable(vendor: str) -> None:
    visitor = a_visitor(vendor)
    answered = await post(visitor, vendor, BODIES[vendor])
    assert answered.status == STATUS.get(vendor, 202)
    assert answered.body == VENDORS[vendor].ACCEPTED.body
    assert not visitor.durable.dead
    if vendor in IDS_ONLY:
        told = {(one.property, one.vendor, one.kind, one.heard_at) for one in visitor.notices}
        assert told == {("shop", vendor, store.LEAD, NOW)}
        assert not visitor.durable.messages
    else:
        assert visitor.durable.captured
        assert {event["kind"] for event in visitor.durable.captured} == {"hook"}
        assert {event["property"] for event in visitor.durable.captured} == {"shop"}
        assert not visitor.notices


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_secret_is_in_nothing_that_is_kept(vendor: str) -> None:
    visitor = a_visitor(vendor)
    await post(visitor, vendor, BODIES[vendor])
    kept = [message.value for message in visitor.durable.messages] + [told.said for told in visitor.notices]
    assert kept
    assert not any(SECRET in one for one in kept)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_repeat_has_the_same_event_ids(vendor: str) -> None:
    first, again = a_visitor(vendor), a_visitor(vendor)
    await post(first, vendor, BODIES[vendor])
    await post(again, vendor, BODIES[vendor])
    assert [one["event_id"] for one in first.durable.captured] == [one["event_id"] for one in again.durable.captured]
    assert first.notices == again.notices


@pytest.mark.parametrize("vendor", ["hubspot", "calendly", "generic"])
async def test_a_replay_of_a_durable_post_is_accepted_and_kept_nowhere(vendor: str) -> None:
    visitor = a_visitor(vendor)
    await post(visitor, vendor, BODIES[vendor])
    before = len(visitor.durable.messages)
    assert (await post(visitor, vendor, BODIES[vendor])).status == STATUS.get(vendor, 202)
    assert len(visitor.durable.messages) == before


@pytest.mark.parametrize("vendor", VENDORS)
async def test_what_can_not_be_kept_is_to_come_again_and_is_no_replay_then(vendor: str) -> None:
    visitor = a_visitor(vendor, durable=Durable(works=False))
    answered = await post(visitor, vendor, BODIES[vendor])
    assert problem(answered) == (503, "unavailable")
    assert "retry-after" in answered.headers
    visitor.durable.works = True
    assert (await post(visitor, vendor, BODIES[vendor])).status == STATUS.get(vendor, 202)
    assert visitor.durable.messages or visitor.notices


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_post_that_is_not_proved_is_a_4xx_and_kept_nowhere(vendor: str) -> None:
    visitor = a_visitor(vendor)
    if vendor == "unbounce":  # its secret is in a header, whatever the body is
        answered = await visitor.post("/v1/hooks/unbounce/shop", BODIES[vendor], key="a guess")
    else:
        answered = await post(visitor, vendor, BODIES[vendor].replace(SECRET, b"a guess of a key"), b"something else")
    assert answered.status == 401
    assert not visitor.durable.messages
    assert not visitor.notices


@pytest.mark.parametrize("vendor", ["meta", "hubspot", "linkedin", "generic"])
async def test_a_genuine_post_that_tells_nothing_is_accepted_and_becomes_one_dead_letter(vendor: str) -> None:
    visitor = a_visitor(vendor)
    body = b'{"entry":[{"changes":[{"field":"feed"},{"field":"feed"}]}]}' if vendor == "meta" else b'{"a":1}'
    assert (await post(visitor, vendor, body)).status == STATUS.get(vendor, 202)
    [dead] = visitor.durable.dead
    assert b64decode(dead["value"]) == body
    assert not visitor.durable.captured


async def test_googles_key_is_cut_out_of_a_dead_letter() -> None:
    visitor = a_visitor("google")
    body = msgspec.json.encode({"google_key": SECRET.decode(), "user_column_data": []})
    assert (await post(visitor, "google", body)).status == 200
    [dead] = visitor.durable.dead
    assert SECRET not in b64decode(dead["value"])


async def test_a_vendors_test_lead_is_marked() -> None:
    visitor = a_visitor("google")
    await post(visitor, "google", msgspec.json.encode({**test_google.TEST_LEAD, "is_test": True}))
    [event] = visitor.durable.captured
    assert event["context"]["marks"] == ["test"]


async def test_handshakes_are_answered() -> None:
    query = f"hub.mode=subscribe&hub.verify_token={SECRET.decode().replace(' ', '+')}&hub.challenge=1158201444"
    answered = await a_visitor("meta").post("/v1/hooks/meta/shop", b"", method="GET", query=query, key=None)
    assert (answered.status, answered.body) == (200, b"1158201444")
    challenge = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    answered = await a_visitor("linkedin").post(
        "/v1/hooks/linkedin/shop", b"", method="GET", query=f"challengeCode={challenge}", key=None
    )
    assert answered.status == 200
    assert answered.json["challengeCode"] == challenge
    refused = await a_visitor("meta").post(
        "/v1/hooks/meta/shop", b"", method="GET", query="hub.mode=subscribe", key=None
    )
    assert refused.status == 403


async def test_a_deleted_lead_is_kept_until_it_is_known_whose_it_is() -> None:
    visitor = a_visitor("linkedin")
    body = msgspec.json.encode({**test_linkedin.NOTICE, "leadAction": "DELETED"})
    assert (await post(visitor, "linkedin", body)).status == 200
    [told] = visitor.notices
    assert told.kind == store.WITHDRAWAL


async def test_a_privacy_deletion_names_the_person_by_their_key() -> None:
    visitor = a_visitor("hubspot")
    body = msgspec.json.encode([{**test_hubspot.CREATED, "subscriptionType": "contact.privacyDeletion"}])
    assert (await post(visitor, "hubspot", body)).status == 200
    [asked] = visitor.durable.on(topology.PRIVACY)
    person = f"user:shop:hubspot:{test_hubspot.CREATED['objectId']}"
    assert (asked["kind"], asked["subject"]) == ("erase", ids.person_key(INSTALLATION, person))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("meta/blog", 404), ("fax/shop", 404), ("meta", 404), ("meta/shop/x", 404), ("", 404), ("google/shop", 404)],
)
async def test_a_hook_that_nobody_set_up_is_not_there(path: str, expected: int) -> None:
    answered = await a_visitor("meta").post(f"/v1/hooks/{path}", BODIES["meta"])
    assert problem(answered) == (expected, "unknown-hook")


@pytest.mark.parametrize("state", ["paused", "deleted"])
async def test_a_hook_of_a_property_that_takes_nothing_is_told_so(state: str) -> None:
    owner = dataclasses.replace(a_property(), state=state)
    visitor = Visitor(owner, hooks=[a_hook("typeform")])
    assert problem(await post(visitor, "typeform", BODIES["typeform"])) == (403, f"property-{state}")
    assert not visitor.durable.messages


async def test_without_a_setting_the_host_header_and_a_trusted_proxy_tell_the_address_that_is_signed() -> None:
    visitor = Visitor(hooks=[a_hook("hubspot")], proxies=["203.0.113.0/24"])
    headers: dict[str, Any] = {"host": "capture.example", "x_forwarded_proto": "https"}
    assert (await post(visitor, "hubspot", BODIES["hubspot"], **headers)).status == 200
    assert (await post(visitor, "hubspot", BODIES["hubspot"], peer="198.51.100.1", **headers)).status == 401


async def test_other_methods_and_compressed_bodies_are_refused() -> None:
    visitor = a_visitor("typeform")
    assert problem(await post(visitor, "typeform", b"", method="PUT")) == (405, "method")
    assert problem(await post(visitor, "typeform", b"", method="GET")) == (405, "method")
    assert problem(await post(visitor, "typeform", b"x", content_encoding="gzip")) == (415, "content-encoding")


async def test_past_a_limit_the_answer_is_one_that_no_vendor_takes_for_its_last_word_and_strangers_use_none_up() -> (
    None
):
    visitor = Visitor(hooks=[a_hook("google")], limits=Limits(Rates(key_events=1), clock=lambda: 0.0))
    stranger = BODIES["google"].replace(SECRET, b"a guess of a key")
    for _ in range(50):
        assert (await post(visitor, "google", stranger)).status == 401
    answers = [await post(visitor, "google", BODIES["google"]) for _ in range(20)]
    assert answers[0].status == 200
    assert problem(answers[-1]) == (503, "too-many")
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_an_event_past_the_limit_is_a_dead_letter_and_the_vendor_has_its_answer() -> None:
    visitor = Visitor(hooks=[StoredHook(property="shop", vendor="generic", secrets={"shared": (SECRET,)})])
    body = msgspec.json.encode({"email": "jo@acme.example", "texts": ["x" * 10_000] * 4})
    answered = await visitor.post("/v1/hooks/generic/shop", body, key=SECRET.decode(), content_type="application/json")
    assert answered.status == 202
    assert [one["reason"] for one in visitor.durable.dead] == ["too-large"]


@given(vendor=st.sampled_from(sorted(VENDORS)), piece=st.binary(max_size=60), data=st.data())
async def test_mutated_bodies_get_a_documented_status_and_never_a_5xx(vendor: str, piece: bytes, data: Any) -> None:
    body = BODIES[vendor]
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, min(len(body), begin + 40)))
    mutated = body[:begin] + piece + body[end:]
    visitor = a_visitor(vendor)
    answered = await post(visitor, vendor, mutated)
    assert answered.status in {STATUS.get(vendor, 202), *((400, 401) if vendor == "google" else ())}
    declared_for = declared.paths()[0]["/v1/hooks/{vendor}/{property}"]["post"]["responses"]
    assert str(answered.status) in declared_for
    if answered.status >= 400:
        assert not visitor.durable.messages
    stale = await post(a_visitor(vendor), vendor, mutated, body)
    assert stale.status in {STATUS.get(vendor, 202), 400, 401}


def test_the_memory_of_replays_is_bounded_and_forgets_the_first() -> None:
    replays = Replays()
    for number in range(MOST + 10):
        replays.remember(Replay(str(number), NOW))
    assert not replays.seen("9", NOW)
    assert replays.seen("10", NOW)
    assert replays.seen(str(MOST + 9), NOW)
