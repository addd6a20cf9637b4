"""What people are told of the names of fields: the page is fresh, the route says the same as the table."""

from __future__ import annotations

import sys

import httpx
import pytest

from services.capture import generate
from services.capture.domain import aliases
from services.capture.main import fastapi_app
from shared.health import Health


def test_the_page_is_fresh_and_a_stale_one_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    assert generate.main() == 0
    monkeypatch.setattr(generate, "PAGE", generate.PAGE.with_name("NOT_THERE.md"))
    assert generate.main() == 1
    assert "Run: python -m services.capture.generate" in capsys.readouterr().err


async def test_whoever_makes_a_form_can_ask_for_the_names_without_a_key() -> None:
    app = fastapi_app(Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://capture") as http:
        told = (await http.get("/v1/forms")).json()
    assert "Nachname" in told["traits"]["lastName"]["de"]
    assert "gclid" in told["click_ids"]
    assert "password" in told["never_kept"]
    for name, spoken in told["traits"].items():
        for spellings in spoken.values():
            assert {aliases.PLACES[one] for one in spellings} == {("trait", name)}


def test_every_name_on_the_page_is_what_the_page_says() -> None:
    places = {"utm", "surrounding", "consent", "honeypot", "trait"}
    for line in aliases.lines():
        if line.kind in places:
            for one in line.spellings:
                assert aliases.PLACES[one] == (line.kind, line.name), one
        elif line.kind in ("secret", "secret-within"):
            assert {aliases.PLACES[one][0] for one in line.spellings} == {"secret"}, line
