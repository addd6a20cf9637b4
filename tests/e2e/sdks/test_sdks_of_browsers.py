"""The SDKs for browsers, as published, on a page of another origin than capture's: every method, all ways of sending, and nobody else is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.sdks import web
from tests.e2e.sdks.capturing import Event, Front
from tests.e2e.sdks.conftest import Visit

# Page, how it sends, and the methods: RudderStack's SDK for browsers has no `screen`.
SEGMENT = {"Prices": "page", "identify": "identify", "signed-up": "track", "Dashboard": "page", "group": "identify", "alias": "identify"}  # fmt: skip
RUDDERSTACK = {name: kind for name, kind in SEGMENT.items() if name != "Dashboard"}
WAYS = [
    ("segment", "single", SEGMENT),
    ("segment", "batch", SEGMENT),
    ("rudderstack", "single", RUDDERSTACK),
    ("rudderstack", "batch", RUDDERSTACK),
    ("rudderstack", "beacon", RUDDERSTACK),
]


def is_what_was_called(events: list[Event], methods: dict[str, str], where: str) -> None:
    """Asserts that the calls mean on the topic what they mean on the page."""
    by_name = {event["name"]: event for event in events}
    assert {name: event["kind"] for name, event in by_name.items()} == methods
    assert len({event["anonymous_id"] for event in events}) == 1
    assert by_name["identify"]["traits"]["email"] == "jo@acme.example"
    assert by_name["signed-up"]["properties"]["plan"] == "pro"
    assert by_name["group"]["traits"]["company"] == {"name": "Acme"}
    assert by_name["alias"]["user_id"] == "u2"
    for name, event in by_name.items():
        context = event["context"]
        assert context["page"]["url"].startswith(where)
        assert "referrer" not in context["page"] or context["page"]["referrer"] == ""
        assert context["campaign"] == {"source": "news", "name": "may"}
        assert context["ip"] == "127.0.0.1"
        assert "Chrome/" in context["user_agent"]
        assert "marks" not in context
        assert context["locale"] == "de-DE"
        assert name == "alias" or event.get("user_id") == (None if name == "Prices" else "u1")


@pytest.mark.parametrize(("sdk", "how", "methods"), WAYS)
def test_every_method_of_an_unchanged_sdk_arrives_from_another_origin(
    sdk: str, how: str, methods: dict[str, str], front: Front, site: str, new_visit: Callable[[], Visit]
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = visit.page()
    where = f"{site}/{sdk}.html"
    page.goto(f"{where}?host={front.url}&key={key}&how={how}&utm_source=news&utm_campaign=may")
    page.evaluate("window.called")
    events = front.arrivals.of(property_, lambda found: len(found) >= len(methods))
    visit.context.close()
    assert len(events) == len(methods)
    is_what_was_called(events, methods, where)
    assert visit.hosts() == {site, front.url}
    assert visit.complaints == []


@pytest.mark.parametrize(("sdk", "how", "methods"), [way for way in WAYS if way[1] != "beacon"])
def test_what_a_browsers_sdk_sends_again_counts_once(
    sdk: str, how: str, methods: dict[str, str], front: Front, site: str, new_visit: Callable[[], Visit]
) -> None:
    property_, key = front.new_property()
    visit = new_visit()
    with web.stumbling(front.url) as line:
        page = visit.page()
        page.goto(f"{site}/{sdk}.html?host={line}&key={key}&how={how}&utm_source=news&utm_campaign=may")
        page.evaluate("window.called")
        events = front.arrivals.of(property_, lambda found: len(found) > len(methods))
        visit.context.close()
    assert len({event["event_id"] for event in events}) == len(methods)
    assert visit.hosts() == {site, line}


def test_a_site_that_the_property_does_not_know_gets_no_settings(
    front: Front, site: str, new_visit: Callable[[], Visit]
) -> None:
    _, key = front.new_property("https://shop.example")
    visit = new_visit()
    page = visit.page()
    page.goto(f"{site}/segment.html")
    got = page.evaluate(f"fetch('{front.url}/v1/projects/{key}/settings').then(() => 'read', () => 'not read')")
    visit.context.close()
    assert got == "not read"
