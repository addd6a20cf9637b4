"""What `leads routes lint` says beside mistakes, and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.route import lint
from services.route.settings import SHIPPED_NURTURE, SHIPPED_ROUTING
from tests.unit.route.builders import REFERENCE

TEXT = """\
format: 1
id: x
owners:
  - {id: ann, name: Ann, email: ann@us.example}
  - {id: bob, name: Bob, email: bob@us.example}
pools:
  all: [ann]
rules:
  - {id: de, when: 'profile.country == "DE"', to: {owner: ann}}
"""


def said(text: str) -> list[str]:
    return [f"{one.line}:{one.column}: {one.says}" for one in lint.lint(text)[1]]


def test_what_is_never_used_or_lets_leads_wait_is_said_with_its_place() -> None:
    assert said(TEXT) == [
        "5:5: owner bob gets nothing new: no pool and no rule names them",
        "7:3: pool all gets nothing: no rule names it",
        "8:1: no rule takes every lead: what none takes waits in the queue until somebody assigns it",
    ]


def test_a_rule_behind_one_that_takes_all_is_never_reached() -> None:
    text = TEXT + "  - {id: all, when: 'true', to: {pool: all}}\n  - {id: fr, when: 'true', to: {owner: bob}}\n"
    assert said(text) == ["11:5: rule fr is never reached: all takes every lead before it"]


def test_there_is_nothing_to_say_of_what_is_shipped() -> None:
    assert [said(path.read_text()) for path in (SHIPPED_ROUTING, REFERENCE)] == [[], []]


def test_mistakes_are_shown_with_their_line_and_a_caret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(TEXT.replace("country", "contry"))
    assert lint.main([str(file)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].endswith(
        "r.yaml:9:21: rule de: when names profile.contry, and there is no such field; did you mean country?"
    )
    assert shown[2].index("^") == shown[1].index("profile")
    assert shown[3].endswith("1 mistake, so it is not taken.")
    assert lint.main([str(file), "--json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["line"], one["column"], one["kind"]) == (9, 21, "mistake")


def test_what_can_t_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main([str(tmp_path / "none.yaml")]) == 2
    assert "can't be read: No such file" in capsys.readouterr().err


def test_nurture_documents_are_looked_through_likewise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "n.yaml"
    file.write_text(SHIPPED_NURTURE.read_text().replace("exit:", "exits:", 1))
    assert lint.main([str(SHIPPED_NURTURE), "--nurture"]) == 0
    assert capsys.readouterr().out.endswith("default.yaml: nothing to say against it.\n")
    assert lint.main(["--nurture", str(file), "--json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["line"], one["column"], one["kind"]) == (46, 1, "mistake")
