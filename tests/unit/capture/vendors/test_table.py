"""All vendors alike: what is judged and in which order, and that no bytes whatever raise, or get another answer than documented."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors.table import METHOD, VENDORS, Taken, judge
from services.capture.vendors.vendor import Fetch, Hook, Refusal, Reply, Request, Withdrawn
from tests.unit.capture.vendors import test_calendly, test_google, test_hubspot, test_linkedin, test_meta, test_typeform
from tests.unit.capture.vendors.posts import NOW, a_hook, a_post
from tests.unit.capture.vendors.test_generic import REGISTERED
from tests.unit.capture.vendors.test_unbounce import POST as UNBOUNCE

SECRET = b"the key of the form"
HOOK: Hook = a_hook(signing=SECRET, shared=SECRET, verify_token=SECRET)
SECONDS, MILLISECONDS = b"%d" % NOW.timestamp(), b"%d" % (NOW.timestamp() * 1000)

BODIES: dict[str, bytes] = {
    "meta": msgspec.json.encode(test_meta.NOTICE),
    "google": msgspec.json.encode(test_google.TEST_LEAD),
    "linkedin": msgspec.json.encode(test_linkedin.NOTICE),
    "typeform": msgspec.json.encode(test_typeform.POST),
    "hubspot": msgspec.json.encode([test_hubspot.CREATED, test_hubspot.CHANGED]),
    "unbounce": UNBOUNCE,
    "calendly": msgspec.json.encode(test_calendly.CREATED),
    "generic": msgspec.json.encode(REGISTERED),
}
STATUS = {
    "meta": 200,
    "google": 200,
    "linkedin": 200,
    "typeform": 200,
    "hubspot": 200,
    "unbounce": 200,
    "calendly": 200,
}


def signed(*parts: bytes) -> bytes:
    return hmac.digest(SECRET, b"".join(parts), "sha256")


def proof(vendor: str, body: bytes, url: bytes = b"https://capture.example/v1/hooks/vendor/shop") -> dict[bytes, bytes]:
    """The headers with which the vendor would send the body to that address; Google's proof is in the body."""
    match vendor:
        case "meta":
            return {b"x-hub-signature-256": b"sha256=" + signed(body).hex().encode()}
        case "linkedin":
            return {b"x-li-signature": signed(b"hmacsha256=", body).hex().encode()}
        case "typeform":
            return {b"typeform-signature": b"sha256=" + b64encode(signed(body))}
        case "hubspot":
            mark = b64encode(signed(b"POST", url, body, MILLISECONDS))
            return {b"x-hubspot-signature-v3": mark, b"x-hubspot-request-timestamp": MILLISECONDS}
        case "calendly":
            return {
                b"calendly-webhook-signature": b"t=%s,v1=%s" % (SECONDS, signed(SECONDS, b".", body).hex().encode())
            }
        case "generic":
            mark = b"v1," + b64encode(signed(b"m1.", SECONDS, b".", body))
            return {b"webhook-id": b"m1", b"webhook-timestamp": SECONDS, b"webhook-signature": mark}
        case "unbounce":
            return {b"authorization": b"Bearer " + SECRET}
    return {}


def judged(vendor: str, request: Request, *seen: str) -> Reply | Refusal | Taken:
    return judge(VENDORS[vendor], request, HOOK, seen=lambda key: key in seen)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_genuine_post_is_taken_with_the_vendors_answer_and_its_leads(vendor: str) -> None:
    taken = judged(vendor, a_post(BODIES[vendor], proof(vendor, BODIES[vendor])))
    assert isinstance(taken, Taken)
    assert taken.reply.status == STATUS.get(vendor, 202)
    assert taken.events
    assert not any(isinstance(event, Refused) for event in taken.events)
    assert SECRET not in taken.storable


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_retry_has_the_same_ids(vendor: str) -> None:
    first, again = (judged(vendor, a_post(BODIES[vendor], proof(vendor, BODIES[vendor]))) for _ in range(2))
    assert isinstance(first, Taken)
    assert isinstance(again, Taken)
    assert first.events == again.events


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_post_without_proof_makes_no_event(vendor: str) -> None:
    body = BODIES[vendor].replace(b"the key of the form", b"a guess")
    refused = judged(vendor, a_post(body))
    assert isinstance(refused, Refusal)
    assert refused.status == 401


@pytest.mark.parametrize("vendor", ["hubspot", "calendly", "generic"])
def test_a_replayed_post_is_taken_again_and_holds_nothing(vendor: str) -> None:
    post = a_post(BODIES[vendor], proof(vendor, BODIES[vendor]))
    first = judged(vendor, post)
    assert isinstance(first, Taken)
    assert first.replay is not None
    again = judged(vendor, post, first.replay.key)
    assert again == Taken(first.reply)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(vendor: str, method: str) -> None:
    assert judged(vendor, a_post(BODIES[vendor], proof(vendor, BODIES[vendor]), method=method)) == METHOD


def test_the_same_mistake_many_times_is_one_dead_letter() -> None:
    body = msgspec.json.encode([{"subscriptionType": "deal.creation", "objectId": 1}] * 90 + [test_hubspot.CREATED])
    taken = judged("hubspot", a_post(body, proof("hubspot", body)))
    assert isinstance(taken, Taken)
    assert [type(event) for event in taken.events] == [Refused, Submission]


_EVENTS = Submission | Fetch | Withdrawn | Refused


@settings(deadline=None)
@given(st.sampled_from(sorted(VENDORS)), st.binary(max_size=80), st.data())
def test_mutated_bodies_raise_nothing_and_get_the_documented_status(vendor: str, piece: bytes, data: Any) -> None:
    body = BODIES[vendor]
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, min(len(body), begin + 40)))
    mutated = body[:begin] + piece + body[end:]
    stale = judged(vendor, a_post(mutated, proof(vendor, body)))
    if vendor not in ("google", "unbounce") and mutated != body:
        assert isinstance(stale, Refusal)
        assert stale.status == 401
    fresh = judged(vendor, a_post(mutated, proof(vendor, mutated)))
    if isinstance(fresh, Refusal):
        assert vendor == "google"
        assert fresh.status in (400, 401)
    else:
        assert isinstance(fresh, Taken)
        assert all(isinstance(event, _EVENTS) for event in fresh.events)
        assert SECRET not in fresh.storable


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, one in inner for place in _places(one, (*path, step)))]


@settings(deadline=None)
@given(st.sampled_from(sorted(VENDORS.keys() - {"unbounce"})), _JSON, st.data())
def test_any_value_in_any_place_of_a_signed_post_is_an_event_or_a_refusal(vendor: str, value: Any, data: Any) -> None:
    document = msgspec.json.decode(BODIES[vendor])
    place = data.draw(st.sampled_from(_places(document)))
    if place:
        parent = document
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] = value
    else:
        document = value
    try:
        body = msgspec.json.encode(document)
    except (OverflowError, msgspec.MsgspecError):  # what JSON has and msgspec does not write
        return
    request = a_post(body, proof(vendor, body))
    taken = judged(vendor, request)
    assert isinstance(taken, Taken) or vendor == "google"
    assert all(isinstance(event, _EVENTS) for event in VENDORS[vendor].events(request, HOOK))


@given(
    st.sampled_from(sorted(VENDORS)),
    st.dictionaries(
        st.sampled_from(
            sorted(
                {
                    *proof("meta", b""),
                    *proof("hubspot", b""),
                    *proof("linkedin", b""),
                    *proof("typeform", b""),
                    *proof("calendly", b""),
                    *proof("generic", b""),
                    b"authorization",
                }
            )
        ),
        st.binary(max_size=30),
    ),
    st.text(max_size=10),
)
def test_no_headers_raise_or_prove_anything(vendor: str, headers: dict[bytes, bytes], key: str) -> None:
    refused = judged(vendor, a_post(b"{}", headers, query={"key": key, "hub.mode": key, "challengeCode": key}))
    assert isinstance(refused, Refusal)
    assert refused.status == 401
