"""A real Chromium for tests. What they do in it is theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

_CHROMIUM = "/usr/bin/chromium"
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


@contextlib.contextmanager
def chromium() -> Iterator[tuple[Browser, str]]:
    """The browser, and the user agent for its contexts: one without a window says so in its own, and is taken for a robot; this says what
    a person's would. Where there is no Chromium the test is skipped, which in CI is a failure (tests/conftest.py)."""
    if not Path(_CHROMIUM).exists():
        pytest.skip(f"there is no {_CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
        yield browser, browser.new_page().evaluate("navigator.userAgent").replace("Headless", "")
        browser.close()
