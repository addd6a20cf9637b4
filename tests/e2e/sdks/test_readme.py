"""What the README says under "Send events" is done as it stands there, but for the address and the keys."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.layout import CHECKOUT
from tests.e2e.sdks import web
from tests.e2e.sdks.capturing import Front
from tests.e2e.sdks.conftest import Visit
from tests.integration.capture import TOKEN

README = (CHECKOUT / "README.md").read_text()
CAPTURE = "http://127.0.0.1:8010"
SECRET = "a secret of the vendor's"


def block(says: str, front: Front, **instead: str) -> str:
    """The block of code of "Send events" that says this, for this capture."""
    section = README.split("## Send events")[1].split("## Receive handovers")[0]
    (found,) = [one for one in re.findall(r"```\w*\n(.*?)```", section, re.DOTALL) if says in one]
    for old, new in {CAPTURE: front.url, **instead}.items():
        assert old in found
        found = found.replace(old, new)
    return str(found)


def run(script: str, **environment: str) -> str:
    """What the shell prints."""
    done = subprocess.run(
        ["bash", "-euc", script], env=os.environ | environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class _Fields(HTMLParser):
    """The fields of a form as a browser sends them: text as a person fills it in, boxes ticked, traps left empty."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.action = self.method = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action, self.method = given["action"] or "", given["method"] or ""
        elif tag == "input":
            name, kind = given["name"] or "", given.get("type")
            if kind == "hidden":
                self.sent[name] = given["value"] or ""
            elif kind == "checkbox":
                self.sent[name] = "on"
            elif "hidden" in given:
                self.sent[name] = ""
            else:
                self.sent[name] = "jo@acme.example" if kind == "email" else "Jo"


def test_curl_posts_a_form(front: Front) -> None:
    property_, key = front.new_property()
    said = run(block("forms/demo", front), WRITE_KEY=key)
    assert '"accepted"' in said
    (event,) = front.arrivals.of(property_, lambda found: len(found) == 1)
    assert event["traits"]["email"] == "jo@acme.example"


def test_python_tells_what_people_do(front: Front) -> None:
    property_, key = front.new_property()
    scope: dict[str, Any] = {"write_key": key}
    exec(block("import httpx", front), scope)
    assert scope["answer"].status_code == 200
    (event,) = front.arrivals.of(property_, lambda found: len(found) == 1)
    assert event["name"] == "webinar-attended"


def test_a_browser_posts_the_form_without_a_script(front: Front) -> None:
    property_, key = front.new_property(thank_you_url="https://www.acme.example/thanks")
    form = _Fields(block("<form", front, **{"wk_...": key}))
    assert form.method == "post"
    answer = httpx.post(form.action, data=form.sent, headers={"Accept": "text/html"}, timeout=20)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "https://www.acme.example/thanks"
    (event,) = front.arrivals.of(property_, lambda found: len(found) == 1)
    assert event["traits"]["email"] == "jo@acme.example"
    assert event["traits"]["firstName"] == "Jo"
    assert event["consent"]["text"] == "Write to me"
    assert event["consent"]["purposes"] == {"marketing_email": True}


def test_a_vendor_posts_to_its_hook(front: Front) -> None:
    property_, _ = front.new_property()
    made = httpx.put(
        f"{front.url}/v1/properties/{property_}/hooks/typeform",
        json={"secrets": SECRET},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=20,
    )
    assert made.status_code in (200, 201), made.text
    run(
        block(
            "Typeform-Signature",
            front,
            **{"acme-website": property_, "curl ": "curl --fail --silent --retry 5 --retry-all-errors "},
        ),
        SECRET=SECRET,
    )
    (event,) = front.arrivals.of(property_, lambda found: len(found) == 1)
    assert event["traits"]["email"] == "jo@acme.example"
    assert event["context"]["campaign"]["source"] == "news"


@pytest.mark.timeout(120)
def test_a_page_with_the_tracker_tells_what_its_visitor_does(
    front: Front, new_visit: Callable[..., Visit], tmp_path: Path
) -> None:
    with web.site(tmp_path, tmp_path) as origin:
        property_, key = front.new_property(origin)
        html = "<!doctype html><title>Shop</title>" + block("window.leads", front, **{"bk_...": key})
        (tmp_path / "index.html").write_text(html)
        new_visit().page().goto(origin)
        events = front.arrivals.of(property_, lambda found: len({one["name"] for one in found}) >= 3)
    assert {"page", "identify", "pricing-compared"} <= {event["name"] for event in events}


def test_the_pixel_tells_of_a_look(front: Front) -> None:
    property_, key = front.new_property()
    (address,) = re.findall(r'<img src="(http[^"]*pixel\.gif[^"]*)"', README)
    answer = httpx.get(address.replace(CAPTURE, front.url).replace("wk_...", key), timeout=20)
    assert answer.status_code == 200
    (event,) = front.arrivals.of(property_, lambda found: len(found) == 1)
    assert (event["kind"], event["name"]) == ("pixel", "opened")
