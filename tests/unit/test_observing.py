"""Boards, rules and runbook fit each other and the metrics: nothing is asked that nobody shows, nothing is shown that nobody looks at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.generate import BOARDS, ROOT
from shared.generate.metrics import described

RULES = ROOT / "deploy/prometheus"
_NAME = re.compile(r"\bleadflow_[a-z0-9_]+")
_SERIES = re.compile(r"_(bucket|sum|count)$")
# Metrics that are on no board and in no rule, and why.
ELSEWHERE: dict[str, str] = {}


def rules(file: str) -> list[dict[str, Any]]:
    document = yaml.safe_load((RULES / file).read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def asked() -> Iterator[tuple[str, str]]:
    """Every expression, with the place where it stands."""
    for board in BOARDS:
        for _, panels in board.rows:
            yield from ((f"{board.title}/{panel.title}", ask) for panel in panels for ask, _ in panel.asks)
    for file in ("recording.yml", "alerts.yml"):
        yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in rules(file))


def known() -> set[str]:
    return {one.name for _, one in described()}


def names(expression: str) -> set[str]:
    found = set(_NAME.findall(expression))
    shown = known()
    return {name if name in shown else _SERIES.sub("", name) for name in found}


def test_nothing_is_asked_that_no_process_shows() -> None:
    assert {(place, name) for place, ask in asked() for name in names(ask) - known()} == set()


def test_every_metric_is_on_a_board_or_in_a_rule_or_has_a_reason_not_to_be() -> None:
    seen = {name for _, ask in asked() for name in names(ask)}
    assert known() - seen == ELSEWHERE.keys()


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules("recording.yml")}
    wanted = {name for _, ask in asked() for name in re.findall(r"leadflow:[a-z0-9_:]+", ask)}
    assert wanted == recorded


def test_every_alert_says_what_it_means_and_has_its_section_in_the_runbook() -> None:
    runbook = (ROOT / "deploy/RUNBOOK.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", runbook, re.DOTALL | re.MULTILINE))
    for rule in rules("alerts.yml"):
        told = rule["annotations"]
        assert told.keys() == {"summary", "impact", "runbook"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert told["runbook"] == f"deploy/RUNBOOK.md#{rule['alert'].lower()}"
        assert all(f"* **{part}.** " in sections[rule["alert"]] for part in ("Symptom", "Look", "Do")), rule["alert"]
    assert sections.keys() == {rule["alert"] for rule in rules("alerts.yml")}


def test_every_alert_has_a_case_of_its_own_in_the_rules_test() -> None:
    cases = [one["name"] for one in yaml.safe_load((RULES / "alerts_test.yml").read_text())["tests"]]
    assert cases == ["all is well", *(rule["alert"] for rule in rules("alerts.yml"))]


@pytest.mark.parametrize("board", [board.uid for board in BOARDS])
def test_a_board_has_units_descriptions_and_its_datasource_as_a_variable(board: str) -> None:
    path = Path(ROOT / "deploy/grafana/boards" / f"{board.removeprefix('leadflow-')}.json")
    document = json.loads(path.read_text())
    assert [one["type"] for one in document["templating"]["list"]] == ["datasource"]
    panels = [one for one in document["panels"] if one["type"] != "row"]
    assert panels
    for panel in panels:
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert len({one["id"] for one in document["panels"]}) == len(document["panels"])
