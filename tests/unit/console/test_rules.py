"""What `leads rules publish` says before it asks, and what it does not take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.console.cli import app
from services.console.commands.rules import summary

FOUND = {"leads": 900, "enter_sql": 120, "leave_sql": 4, "stages": [], "most_moved": []}
VERSION, BEFORE = "0123456789ab", "ba9876543210"


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """A score that answers; what it was told."""
    found: list[tuple[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            found.append((path, json.loads(request.content)))
        if path.endswith("/preview"):
            lines = [{"done": 50, "of": 900}, {"done": 900, "of": 900}, {"result": FOUND}]
            return httpx.Response(200, text="\n".join(map(json.dumps, lines)))
        if path.endswith("/status"):
            in_force = [{"version": BEFORE, "numbers": [0, 1], "since": None}]
            return httpx.Response(200, json={"in_force": in_force, "before": None, "rescore": None})
        if "/commands/" in path:
            return httpx.Response(200, json={"status": "done", "result": VERSION, "reason": None})
        return httpx.Response(202, json={"command_id": "c1", "version": VERSION})

    def client(**_: Any) -> httpx.Client:
        return real(transport=httpx.MockTransport(answer))

    real = httpx.Client
    monkeypatch.setattr("services.console.ask.httpx.Client", client)
    return found


def run(tmp_path: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    file = tmp_path / "rules.yaml"
    file.write_text("id: new")
    told = {"LEADFLOW_TOKEN": "t", "LEADFLOW_SCORE_URL": "http://score", "NO_COLOR": "1", "COLUMNS": "200"}
    result = CliRunner().invoke(app, ["rules", "publish", str(file), *arguments], env=told, input=typed)
    return result.exit_code, result.output


def test_it_says_how_many_would_enter_sql_and_publishes_when_the_answer_is_yes(
    tmp_path: Path, posted: list[tuple[str, Any]]
) -> None:
    code, said = run(tmp_path, "--by", "Ada", "--note", "why", typed="y\n")
    assert code == 0, said
    assert "Of 900 leads 120 would enter SQL and 4 would leave it. Each who enters it is handed over." in said
    assert f"{VERSION} is in force." in said
    told = {"text": "id: new", "by": "Ada", "note": "why", "options": {}, "instead_of": BEFORE}
    assert posted[-1] == ("/v1/rulesets/publish", told)


@pytest.mark.parametrize(("arguments", "typed"), [((), "n\n"), (("--json",), "")])
def test_without_a_yes_nothing_is_published(
    arguments: tuple[str, ...], typed: str, tmp_path: Path, posted: list[tuple[str, Any]]
) -> None:
    code, said = run(tmp_path, *arguments, typed=typed)
    assert code == 1
    assert "Nothing was published." in said
    assert [path for path, _ in posted] == ["/v1/rulesets/preview"]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [(("--no-handover",), {"handover": False}), (("--rate", "50/h"), {"rate_per_hour": 50, "expected": 120})],
)
def test_handovers_can_be_held_or_spread(
    arguments: tuple[str, ...], options: dict[str, Any], tmp_path: Path, posted: list[tuple[str, Any]]
) -> None:
    code, said = run(tmp_path, *arguments, "--yes")
    assert code == 0, said
    assert posted[-1][1]["options"] == options


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--rate", "fast"), "is no rate. Example: --rate 50/h"), (("--rate", "5/h", "--no-handover"), "Either")],
)
def test_a_rate_that_is_none_is_told_with_an_example(
    arguments: tuple[str, ...], says: str, tmp_path: Path, posted: list[tuple[str, Any]]
) -> None:
    code, said = run(tmp_path, *arguments, "--yes")
    assert code == 1
    assert says in said
    assert not any(path.endswith("/publish") for path, _ in posted)


def test_what_is_held_or_spread_is_said_in_words() -> None:
    assert summary(FOUND, {"rate_per_hour": 50, "expected": 120}).endswith("do so at 50 an hour, in 2.4 hours.")
    assert "the next thing they do" in summary(FOUND, {"handover": False})
    assert summary({**FOUND, "enter_sql": 0}, {}) == "Of 900 leads 0 would enter SQL and 4 would leave it."
