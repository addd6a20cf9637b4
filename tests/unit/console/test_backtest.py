"""What `leads rules backtest` says of a backtest, in the terminal and on its page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.console import backtest_page, cli
from services.console.domain import backtest as words
from services.console.where import Where

ID = "11111111-2222-4333-8444-555555555555"


def rates(sql: int, right: int, leads: int) -> dict[str, Any]:
    return {"sql": sql, "judged": right, "right": right, "precision": right / sql, "recall": right / leads, "lift": 2.5}


def found(**report: Any) -> dict[str, Any]:
    return {
        "backtest_id": ID,
        "status": "done",
        "at": "2026-11-27T20:15:00.000Z",
        "before": {"version": "0" * 12, "id": "live"},
        "after": {"version": "f" * 12, "id": "draft"},
        "leads": 1500,
        "done": 1500,
        "report": {
            "leads": 1500,
            "average": {"before": 40.0, "after": 42.25},
            "stages": [
                {"before": "IQL", "after": "IQL", "leads": 1300},
                {"before": "IQL", "after": "SQL", "leads": 150},
                {"before": "SQL", "after": "disqualified", "leads": 50},
            ],
            "entering_sql": 150,
            "leaving_sql": 50,
            "resting_on_earlier_decisions": 3,
            "buckets": [
                {"below": -40.0, "before": 1, "after": 0},
                {"from": -40.0, "below": -30.0, "before": 1499, "after": 1500},
            ],
            "moved": [
                {
                    "lead_id": "ld_1",
                    "before": {"total": 10.0, "stage": "IQL"},
                    "after": {"total": 100.5, "stage": "SQL"},
                    "rules": [{"rule": "magnet (<b>guide</b>)", "before": 0.0, "after": 90.5}],
                }
            ],
            "rules": [
                {
                    "rule": "magnet",
                    "group": "engagement",
                    "before": {"leads": 1, "points": 0.0},
                    "after": {"leads": 2, "points": 90.5},
                },
                {"rule": "jobs", "group": "engagement", "after": {"leads": 0, "points": 0.0}},
            ],
            "never": {"before": [], "after": ["jobs"]},
            "outcomes": {
                "judged": 30,
                "accepted": {"leads": 20, "before": rates(100, 10, 20), "after": rates(200, 20, 20)},
                "won": {"leads": 4, "before": rates(100, 2, 4), "after": rates(200, 4, 4)},
            },
            **report,
        },
    }


def test_the_first_sentences_say_how_many_leads_change_and_who_becomes_ready_for_sales() -> None:
    assert words.headline(found()) == [
        "200 leads would change their stage (13.3 %): 150 would become ready for sales, 50 would no longer be.",
        "The average lead goes from 40 to 42.25 points.",
    ]
    assert words.headline(found(stages=[]))[0] == "No lead would change its stage."


def test_who_is_disqualified_falls_and_only_stages_with_leads_are_shown() -> None:
    cells = words.stages(found()["report"])
    assert list(cells) == ["IQL", "SQL", "disqualified"]
    assert (cells["IQL"]["SQL"].kind, cells["SQL"]["disqualified"].kind, cells["IQL"]["IQL"].kind) == (
        "up",
        "down",
        "same",
    )


@pytest.mark.parametrize(("most", "top"), [(0, 4), (1, 4), (7, 8), (196, 200), (1_000_000, 2_000_000)])
def test_an_axis_has_round_steps_up_to_a_little_over_the_most(most: int, top: int) -> None:
    assert words.steps(most)[-1] == top


class _Asks(HTMLParser):
    """Everything that a page would fetch from somewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]


def test_the_page_asks_nobody_for_anything_and_shows_names_from_outside_as_text() -> None:
    page = backtest_page.page(found())
    assert _Asks(page).found == ["data:,"]
    assert not re.search(r"url\(|@import|fetch\(", page)
    assert "<b>guide</b>" not in page
    assert "&lt;b&gt;guide&lt;/b&gt;" in page
    for said in ("precision", "recall", "lift", "150 would become ready for sales", "jobs", "a new rule"):
        assert said in page


@pytest.mark.parametrize("empty", [{"moved": [], "rules": [], "never": {"before": [], "after": []}}, {"stages": []}])
def test_the_page_of_a_draft_that_changes_nothing_is_a_page(empty: dict[str, Any]) -> None:
    assert "What the draft would change" in backtest_page.page(found(**empty))


def served(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        asked = json.loads(request.content)
        assert asked == {"text": "id: draft", "at": "2026-11-01"}
        return httpx.Response(202, json={"backtest_id": ID})
    if request.url.path.endswith("/leads"):
        rows = (
            {
                "lead_id": "ld_1",
                "before": {"total": 1.5, "stage": "SQL", "afresh": "MQL"},
                "after": {"total": 2, "stage": "MQL"},
            },
            {"lead_id": "ld_2", "before": {"total": 0, "stage": "raw"}, "after": {"total": 0, "stage": "raw"}},
        )
        return httpx.Response(200, text="".join(json.dumps(row) + "\n" for row in rows))
    return httpx.Response(200, json=found())


def test_json_lists_every_lead_with_total_and_stage_and_apart_those_that_rest_on_earlier_decisions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    where = Where("t" * 20, "", {"score": "http://score"}, {}, 4, "var")
    monkeypatch.setattr("services.console.commands.backtest.where.find", lambda: where)
    real = httpx.Client
    monkeypatch.setattr(
        "services.console.ask.httpx.Client",
        lambda **_: real(transport=httpx.MockTransport(served), base_url="http://score"),
    )
    draft = tmp_path / "draft.yaml"
    draft.write_text("id: draft")
    page = tmp_path / "page.html"
    arguments = ["rules", "backtest", str(draft), "--at", "2026-11-01", "--json", "--html", str(page)]
    answer = CliRunner().invoke(cli.app, arguments)
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["leads"] == [
        {"lead_id": "ld_1", "before": {"total": 1.5, "stage": "SQL"}, "after": {"total": 2, "stage": "MQL"}},
        {"lead_id": "ld_2", "before": {"total": 0, "stage": "raw"}, "after": {"total": 0, "stage": "raw"}},
    ]
    assert told["resting_on_earlier_decisions"] == [{"lead_id": "ld_1", "afresh": {"before": "MQL"}}]
    assert told["report"]["entering_sql"] == 150
    assert "<!doctype html>" in page.read_text()
    shown = CliRunner().invoke(cli.app, arguments[:5])
    assert "150 would become ready for sales" in shown.stdout
    assert "jobs (a new rule)" in shown.stdout
