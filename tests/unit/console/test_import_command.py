"""`leads import` at the command line: what a dry run says, and what is told when something is missing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from services.console import screen
from services.console.cli import app
from services.console.commands import import_
from services.console.importing import rows
from services.console.importing.progress import Progress


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LEADFLOW_CAPTURE_URL", "LEADFLOW_TOKEN", "LEADFLOW_WRITE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "home"))
    (tmp_path / "leads.csv").write_text("mail;at\njo@acme.example;2025-03-01\nal@acme.example;soon\n")
    (tmp_path / "map.yaml").write_text('occurred_at: {from: at, format: "%Y-%m-%d"}\ntraits: {email: mail}\n')
    return tmp_path


def leads(home: Path, *more: str) -> Result:
    arguments = ["import", str(home / "leads.csv"), "--property", "shop", "--map", str(home / "map.yaml"), *more]
    return CliRunner().invoke(app, arguments)


def test_a_dry_run_says_how_the_rows_are_understood_and_needs_no_stack(home: Path) -> None:
    said = leads(home, "--dry-run", "--as-history", "--json")
    assert said.exit_code == 0, said.stderr
    found = json.loads(said.stdout)
    assert (found["encoding"], found["delimiter"], found["rows"], found["not_understood"]) == ("utf-8", ";", 2, 1)
    assert found["first"][0]["line"] == 2
    assert found["first"][0]["event"]["timestamp"] == "2025-03-01T00:00:00+00:00"
    assert found["first"][0]["event"]["history"] is True
    assert [one["line"] for one in found["first_mistakes"]] == [3]
    assert not list(home.glob("*.progress.json"))


def test_a_dry_run_for_people_ends_by_saying_that_nothing_was_sent(home: Path) -> None:
    said = leads(home, "--dry-run")
    assert "2 rows, 1 of them" in said.stdout
    assert "line 3: occurred_at:" in said.stdout
    assert said.stdout.endswith("Nothing was sent.\n")


def test_a_map_that_names_other_columns_is_told_with_all_its_mistakes(home: Path) -> None:
    (home / "map.yaml").write_text("name: what\ntraits: {email: e-mail}\n")
    said = leads(home, "--dry-run")
    assert said.exit_code == 1
    assert "'what'" in said.stderr
    assert "'e-mail'" in said.stderr
    assert "columns: mail, at" in said.stderr


def test_without_a_key_it_is_told_how_to_give_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_CAPTURE_URL", "http://127.0.0.1:9")
    said = leads(home)
    assert (said.exit_code, "--key-file" in said.stderr) == (1, True)
    (home / "key").write_text("wk_secret\n")
    said = leads(home, "--key-file", str(home / "key"))
    assert said.exit_code == 1
    assert "wk_secret" not in said.stderr


def test_on_a_terminal_a_bar_tells_how_far_it_is_and_why_it_waits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen_ = io.StringIO()
    monkeypatch.setattr(screen, "errors", Console(file=screen_, force_terminal=True, width=100))
    table = rows.look(home / "leads.csv")
    with import_._bar(table, Progress(what=""), False) as (told, waits):
        told(Progress(what="", line=2, rejected=1))
        waits("capture says 503; again in 5 s")
    assert "2/3" in screen_.getvalue()
    assert "again in 5 s" in screen_.getvalue()
    screen_.truncate(0)
    with import_._bar(table, Progress(what=""), True) as (told, _):
        told(Progress(what="", line=2))
    assert "2/3" not in screen_.getvalue()
