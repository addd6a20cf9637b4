"""A backtest as one page: text, tables and plots in a single file that asks nobody for anything. What it says is in domain/backtest.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.domain import backtest as words

_TEMPLATES = Path(__file__).parent / "templates"
_MOVED = 50


def page(found: Mapping[str, Any]) -> str:
    """The HTML of a backtest that is done, as the API tells it."""
    report = found["report"]
    bars = words.buckets(report)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("backtest.html").render(
        headline=words.headline(found),
        compared=words.compared(found),
        draft=words.named(found["after"]),
        pushes=words.pushes(report),
        stages=words.stages(report),
        bars=bars,
        axis=words.steps(max((max(one.before, one.after) for one in bars), default=1)),
        bucket_table=words.bucket_table(report),
        moved=words.moved_table(report, _MOVED),
        rules=words.rule_table(report),
        never=words.never(report),
        outcomes=words.outcome_table(report),
        waiting=words.waiting(report),
        resting=words.resting(report) if report["resting_on_earlier_decisions"] else "",
        number=words.number,
    )
