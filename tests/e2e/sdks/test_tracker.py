"""leads.js in a real browser, on a page of another origin: consent first, what it tells, what it never tells, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.sdks import web
from tests.e2e.sdks.capturing import Event, Front
from tests.e2e.sdks.conftest import Visit

NewVisit = Callable[..., Visit]
CAME = "&utm_source=news&utm_campaign=may&gclid=g1"


def opened(visit: Visit, site: str, host: str, key: str, said: str = "") -> Page:
    """The page with the tracker, which is loaded."""
    page = visit.page()
    page.goto(f"{site}/tracker.html?host={host}&key={key}{said}")
    page.wait_for_function("window.leads && !window.leads.q")
    return page


def kept(page: Page) -> dict[str, str]:
    """What the browser keeps of us."""
    found: dict[str, str] = page.evaluate("Object.fromEntries(Object.entries(localStorage))")
    return found


def names(events: list[Event]) -> list[str]:
    return sorted({event["event_id"]: event["name"] for event in events}.values())


def test_nothing_is_kept_or_sent_before_consent_and_everything_after_it(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = opened(visit, site, front.url, key, CAME)
    page.evaluate("leads.identify('u1', {email: 'jo@acme.example'})")
    page.wait_for_timeout(500)
    assert kept(page) == {}
    assert page.context.cookies() == []
    assert [url for url in visit.requests if "/v1/" in url] == []

    page.evaluate("leads.consent({purposes: {analytics: true}, version: '3'})")
    events = front.arrivals.of(property_, lambda found: len(found) == 4)
    assert names(events) == ["early", "identify", "identify", "page"]
    assert len({event["anonymous_id"] for event in events}) == 1
    by_name = {event["name"]: event for event in events}
    assert by_name["early"]["properties"] == {"before": "leads.js"}
    context = by_name["page"]["context"]
    assert context["campaign"] == {"source": "news", "name": "may"}
    assert context["click_ids"] == {"gclid": "g1"}
    assert (context["page"]["title"], context["locale"], context["timezone"]) == ("Prices", "de-DE", "Europe/Berlin")
    told, agreed = sorted((event for event in events if event["name"] == "identify"), key=lambda one: "consent" in one)
    assert (told["user_id"], told["traits"]) == ("u1", {"email": "jo@acme.example"})
    assert agreed["consent"] == {"purposes": {"analytics": True}, "version": "3"}
    assert visit.hosts() == {site, front.url}
    assert visit.complaints == []

    page.evaluate("leads.consent(false)")
    assert kept(page) == {"leads.consent": "no"}
    page.evaluate("leads.track('after')")
    page.reload()
    page.wait_for_timeout(500)
    assert kept(page) == {"leads.consent": "no"}
    assert len(front.arrivals.now(property_)) == 4
    visit.context.close()


@pytest.mark.parametrize("objection", ["globalPrivacyControl', {get: () => true}", "doNotTrack', {get: () => '1'}"])
def test_a_browser_that_objects_is_left_alone_whatever_the_page_says(
    objection: str, front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit(f"Object.defineProperty(Navigator.prototype, '{objection})")
    page = opened(visit, site, front.url, key, "&consent=granted")
    page.evaluate("leads.consent(); leads.track('x'); leads.form('demo', {email: 'jo@acme.example'})")
    page.wait_for_timeout(500)
    assert kept(page) == {}
    assert [url for url in visit.requests if "/v1/" in url] == []
    assert front.arrivals.now(property_) == []
    visit.context.close()


def test_how_somebody_came_first_is_kept_and_told_with_who_they_are(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = opened(visit, site, front.url, key, CAME + "&consent=granted")
    page.goto(f"{site}/tracker.html?utm_source=other")
    page.wait_for_function("window.leads && !window.leads.q")
    page.evaluate("leads.identify({email: 'jo@acme.example'})")
    events = front.arrivals.of(property_, lambda found: len(names(found)) == 5)
    told = next(event for event in events if event["name"] == "identify")
    first = told["properties"]["first_touch"]
    assert first["campaign"] == {"source": "news", "name": "may"}
    assert first["click_ids"] == {"gclid": "g1"}
    assert told["context"]["campaign"] == {"source": "other"}
    assert len({event["anonymous_id"] for event in events}) == 1

    page.evaluate("leads.reset(); leads.track('somebody-else')")
    events = front.arrivals.of(property_, lambda found: "somebody-else" in names(found))
    assert len({event["anonymous_id"] for event in events}) == 2
    visit.context.close()


def test_pages_of_a_one_page_application_are_page_views_and_a_changed_fragment_is_none(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = opened(visit, site, front.url, key, "&consent=granted")
    for change in (
        "history.pushState({}, '', '/features'); document.title = 'Features'",
        "history.replaceState({}, '', '/features?tab=2')",
        "history.replaceState({}, '', '/features?tab=2#more')",
        "history.back()",
    ):
        page.evaluate(change)
        page.wait_for_timeout(100)
    events = front.arrivals.of(property_, lambda found: names(found).count("page") == 4)
    pages = [
        event["context"]["page"]
        for event in sorted(events, key=lambda one: str(one["occurred_at"]))
        if event["name"] == "page"
    ]
    start = f"{site}/tracker.html?host"
    assert [one["url"].partition("=")[0].removeprefix(site) for one in pages] == [
        "/tracker.html?host",
        "/features",
        "/features?tab",
        "/tracker.html?host",
    ]
    assert pages[1]["title"] == "Features"
    assert pages[1]["referrer"].startswith(start)
    visit.context.close()


def test_a_form_tells_what_it_lists_and_never_passwords_cards_or_what_it_hides(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = opened(visit, site, front.url, key, "&consent=granted")
    fields = {
        "email": "jo@acme.example",
        "name": "Jo Fields",
        "password": "hunter2",
        "card": "1234",
        "notes": "4111 1111 1111 1111",
        "secret": "hidden",
        "unlisted": "quiet",
    }
    for name, value in fields.items():
        page.locator(f"form[data-leads-form] [name={name}]").fill(value)
    page.get_by_label("Scoring").check()
    page.get_by_label("Routing").check()
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/thanks.html")
    events = front.arrivals.of(property_, lambda found: "demo" in names(found))
    form = next(event for event in events if event["name"] == "demo")
    assert form["kind"] == "form"
    assert form["traits"] == {"email": "jo@acme.example", "name": "Jo Fields", "country": "DE"}
    assert form["properties"].keys() == {"topics", "first_touch"}
    assert form["properties"]["topics"] == ["scoring", "routing"]
    assert form["context"]["page"]["title"] == "Prices"
    for never in ("hunter2", "1234", "4111", "hidden", "quiet"):
        assert never not in str(events).replace(key, "")

    page = opened(visit, site, front.url, key, "&consent=granted")
    page.locator("#other [name=email]").fill("not@told.example")
    page.get_by_role("button", name="Other").click()
    page.wait_for_url("**/thanks.html")
    page.wait_for_timeout(500)
    assert "not@told.example" not in str(front.arrivals.now(property_))
    visit.context.close()


def test_what_could_not_be_delivered_goes_with_the_next_page_and_counts_once(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    visit.context.route("**/v1/**", lambda route: route.abort())
    page = opened(visit, site, front.url, key, "&consent=granted")
    page.evaluate("leads.track('offline', {n: 1}); leads.form('demo', {email: 'jo@acme.example'})")
    page.wait_for_timeout(500)
    waiting = {name for name in kept(page) if name.startswith("leads.q.")}
    assert len(waiting) == 4
    page.goto(f"{site}/thanks.html")
    visit.context.unroute("**/v1/**")
    page = opened(visit, site, front.url, key, "&consent=granted&pages=off")
    events = front.arrivals.of(property_, lambda found: len(names(found)) == 5)
    page.wait_for_function("!Object.keys(localStorage).some((name) => name.startsWith('leads.q.'))")
    assert names(events) == ["demo", "early", "early", "offline", "page"]
    visit.context.close()


def test_what_is_sent_again_after_a_lost_answer_counts_once(front: Front, site: str, new_visit: NewVisit) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    with web.stumbling(front.url) as line:
        page = opened(visit, site, line, key, "&consent=granted")
        events = front.arrivals.of(property_, lambda found: len(found) == 4)
        page.wait_for_function("!Object.keys(localStorage).some((name) => name.startsWith('leads.q.'))")
    assert names(events) == ["early", "page"]
    visit.context.close()


def test_the_last_words_of_a_page_arrive(front: Front, site: str, new_visit: NewVisit) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    page = opened(visit, site, front.url, key, "&consent=granted")
    page.evaluate("addEventListener('pagehide', () => leads.track('left'), {capture: true})")
    page.goto(f"{site}/thanks.html")
    events = front.arrivals.of(property_, lambda found: "left" in names(found))
    assert names(events) == ["early", "left", "page"]
    visit.context.close()


def test_many_events_go_in_batches_under_sixty_kilobytes_and_the_oldest_give_way(
    front: Front, site: str, new_visit: NewVisit
) -> None:
    property_, key = front.new_property(site)
    visit = new_visit()
    sizes: list[int] = []

    def noted(request: Any) -> None:
        if "/v1/batch" in request.url and request.post_data is not None:
            sizes.append(len(request.post_data.encode()))

    visit.context.on("request", noted)
    page = opened(visit, site, front.url, key)
    page.evaluate("leads.consent(); for (let n = 0; n < 150; n++) leads.track('many', {n, text: 'x'.repeat(2000)})")
    events = front.arrivals.of(property_, lambda found: len(found) >= 100)
    page.wait_for_function("!Object.keys(localStorage).some((name) => name.startsWith('leads.q.'))")
    numbers = sorted({event["properties"]["n"] for event in events if event["name"] == "many"})
    assert numbers == list(range(50, 150))
    assert len(sizes) > 3
    assert max(sizes) <= 61_000
    visit.context.close()


def test_a_page_that_debugs_is_told_what_happens(front: Front, site: str, new_visit: NewVisit) -> None:
    _, key = front.new_property(site)
    visit = new_visit()
    told: list[str] = []
    page = opened(visit, site, front.url, key)
    page.on("console", lambda message: told.append(message.text))
    page.evaluate("leads.debug(); leads.track('x'); leads.consent(false); leads.track('y')")
    page.wait_for_timeout(100)
    assert any("everything is forgotten" in text for text in told)
    assert any("not kept and not sent" in text for text in told)
    visit.context.close()
