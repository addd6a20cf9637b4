"""Capture and the SDKs for all tests of this folder, and a browser for each file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests import stack
from tests.e2e import browser
from tests.e2e.sdks import capturing, clients, web
from tests.e2e.sdks.capturing import Front


@pytest.fixture(scope="module")  # no longer: its thread draws random numbers, which disturbs hypothesis
def front(infrastructure: stack.Infrastructure) -> Iterator[Front]:
    """Capture, running."""
    with capturing.front(infrastructure) as running:
        yield running


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm packages."""
    return clients.node_modules()


@pytest.fixture(scope="session")
def python() -> Path:
    """A Python with the PyPI packages."""
    return clients.python()


@pytest.fixture(scope="session")
def site(node_modules: Path) -> Iterator[str]:
    """The origin of a site that is not capture's."""
    with web.site(node_modules) as origin:
        yield origin


@dataclass(slots=True)
class Visit:
    """A person's browser: a context of its own, and which requests left it."""

    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def hosts(self) -> set[str]:
        """The origins that were asked for anything."""
        return {"/".join(url.split("/")[:3]) for url in self.requests if url.startswith("http")}


@pytest.fixture(scope="module")  # no longer: where Playwright runs, no other test can run a loop of its own
def new_visit() -> Iterator[Callable[..., Visit]]:
    """Begins a visit in the one Chromium that the tests of a file share; `script` runs before each page's own."""
    with browser.chromium() as (chromium, agent):

        def begin(script: str | None = None) -> Visit:
            context = chromium.new_context(user_agent=agent, locale="de-DE", timezone_id="Europe/Berlin")
            if script is not None:
                context.add_init_script(script)
            visit = Visit(context)
            context.on("request", lambda request: visit.requests.append(request.url))
            return visit

        yield begin
