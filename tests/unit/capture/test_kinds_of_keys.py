"""What a browser key, a server key and a key for both may do, and what becomes of the keys of a property that takes nothing."""

from __future__ import annotations

import dataclasses

import pytest

from services.capture.store import Property
from tests.unit.capture.door import BROWSER, NOW, Visitor, a_property, problem

SHOP = "https://shop.example"
EARLIER = "2026-11-01T08:00:00.000Z"
SAID = {"context": {"ip": "198.51.100.9", "userAgent": "Phone/1"}, "timestamp": EARLIER, "event": "x", "userId": "u"}


def of_kind(kind: str, *origins: str, **more: object) -> Property:
    return dataclasses.replace(a_property(origins=origins), kinds=(kind,), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("origin", [SHOP, "HTTPS://SHOP.example"])
async def test_a_browser_key_is_taken_from_its_propertys_pages(origin: str) -> None:
    answered = await Visitor(of_kind("browser", SHOP)).post("/v1/track", SAID, origin=origin)
    assert answered.status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example", ""])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/forms/contact"])
async def test_a_browser_key_from_another_page_is_refused_and_nothing_is_kept(origin: str, path: str) -> None:
    visitor = Visitor(of_kind("browser", SHOP))
    body = {"batch": [{"type": "track", **SAID}]} if path == "/v1/batch" else {**SAID, "email": "jo@acme.example"}
    assert problem(await visitor.post(path, body, origin=origin)) == (403, "wrong-origin")
    assert not visitor.durable.messages


@pytest.mark.parametrize("kind", ["any", "server"])
async def test_other_keys_are_not_bound_to_origins(kind: str) -> None:
    assert (await Visitor(of_kind(kind, SHOP)).post("/v1/track", SAID, origin="https://x.example")).status == 200


async def test_with_any_origin_allowed_a_browser_key_is_taken_from_all() -> None:
    assert (await Visitor(of_kind("browser", "*")).post("/v1/track", SAID, origin="https://x.example")).status == 200


async def test_a_server_key_says_when_it_was_and_for_whom_it_speaks() -> None:
    visitor = Visitor(of_kind("server"))
    await visitor.post("/v1/track", SAID)
    [event] = visitor.durable.captured
    assert (event["context"]["ip"], event["context"]["user_agent"]) == ("198.51.100.9", "Phone/1")
    assert event["occurred_at"].startswith("2026-11-01T08:00:00")


@pytest.mark.parametrize(("kind", "speaks"), [("server", True), ("any", False), ("browser", False)])
async def test_in_a_form_too_only_a_server_key_speaks_for_others(kind: str, speaks: bool) -> None:
    visitor = Visitor(of_kind(kind, SHOP))
    fields = {"email": "jo@acme.example", "ip": "198.51.100.9", "userAgent": "Phone/1", "timestamp": EARLIER}
    await visitor.post("/v1/forms/contact", fields)
    [event] = visitor.durable.captured
    assert (event["context"]["ip"], event["context"]["user_agent"]) == (
        ("198.51.100.9", "Phone/1") if speaks else ("203.0.113.7", BROWSER)
    )
    assert ("ip" in event["properties"]) is not speaks
    assert event["occurred_at"].startswith("2026-11-02" if kind == "browser" else "2026-11-01")


async def test_what_a_server_says_that_is_no_address_stays_a_property() -> None:
    visitor = Visitor(of_kind("server"))
    await visitor.post("/v1/forms/contact", {"email": "jo@acme.example", "ip": "unknown"})
    [event] = visitor.durable.captured
    assert (event["context"]["ip"], event["properties"]["ip"]) == ("203.0.113.7", "unknown")


@pytest.mark.parametrize("agent", [BROWSER, "analytics-python/2.3.4"])
async def test_with_a_browser_key_time_address_and_agent_are_the_connections(agent: str) -> None:
    visitor = Visitor(of_kind("browser", SHOP))
    await visitor.post("/v1/track", SAID, user_agent=agent)
    [event] = visitor.durable.captured
    assert (event["context"]["ip"], event["context"]["user_agent"]) == ("203.0.113.7", agent)
    assert event["occurred_at"].startswith(NOW.strftime("%Y-%m-%dT%H:%M:%S"))


async def test_a_pages_time_counts_where_it_says_what_its_clock_shows() -> None:
    visitor = Visitor(of_kind("browser", SHOP))
    await visitor.post("/v1/track", {**SAID, "sentAt": "2026-11-01T09:00:00.000Z"})
    [event] = visitor.durable.captured
    assert event["occurred_at"].startswith("2026-11-02T08:00:00")


@pytest.mark.parametrize("state", ["paused", "deleted"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/forms/contact"])
async def test_keys_of_a_property_that_takes_nothing_are_told_so(state: str, path: str) -> None:
    visitor = Visitor(dataclasses.replace(a_property(), state=state))
    answered = await visitor.post(path, {"email": "jo@acme.example", **SAID, "batch": []})
    assert problem(answered) == (403, f"property-{state}")
    assert answered.headers.get("access-control-allow-origin") is None
    assert not visitor.durable.messages


async def test_the_propertys_country_travels_with_its_events() -> None:
    visitor = Visitor(dataclasses.replace(a_property(), country="DE"))
    await visitor.post("/v1/track", SAID)
    assert visitor.durable.captured[0]["property_country"] == "DE"
