"""The page of a backtest in a real browser: a click on a heading sorts, and it asks nobody for anything."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from services.console import backtest_page
from tests.e2e import browser
from tests.unit.console.test_backtest import found

_RULES = [
    {
        "rule": rule,
        "group": "engagement",
        "before": {"leads": leads, "points": 0.0},
        "after": {"leads": leads, "points": points},
    }
    for rule, leads, points in (("webinar", 9, -1185.5), ("magnet", 1200, 306.0), ("click", 30, 2.25))
]


def column(page: Page, name: str) -> list[str]:
    """What stands under a heading of the table of rules."""
    table = page.locator("table.sortable", has=page.locator("th", has_text="looks at"))
    names = table.locator("thead th").all_inner_texts()
    place = next(number for number, one in enumerate(names) if one.startswith(name))
    return [row.locator("td").nth(place).inner_text() for row in table.locator("tbody tr").all()]


def test_a_click_on_a_heading_sorts_numbers_by_value_and_names_by_letter_and_the_next_click_turns_it_round(
    tmp_path: Path,
) -> None:
    file = tmp_path / "backtest.html"
    file.write_text(backtest_page.page(found(rules=_RULES, never={"before": [], "after": []})), encoding="utf-8")
    asked: list[str] = []
    with browser.chromium() as (chromium, _):
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        table = page.locator("table.sortable", has=page.locator("th", has_text="looks at"))
        assert column(page, "change") == ["-1,185.5", "+306", "+2.25"]  # as it comes: the greatest change first
        for heading, texts in (
            ("change", ["+306", "+2.25", "-1,185.5"]),
            ("change", ["-1,185.5", "+2.25", "+306"]),
            ("leads after", ["1,200", "30", "9"]),
            ("leads after", ["9", "30", "1,200"]),
            ("rule", ["click", "magnet", "webinar"]),
            ("rule", ["webinar", "magnet", "click"]),
        ):
            table.locator("thead").get_by_text(heading, exact=True).click()
            assert column(page, heading) == texts
            assert table.locator("th[aria-sort]").count() == 1
        page.close()
    assert asked == [file.as_uri()]
