"""The page of results: a target is met or not, a busy machine is told, and nothing is hidden that went wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.bench import figures, report
from tests.bench.figures import Run
from tests.bench.report import Circumstances, Idle

UNDER = Circumstances(
    command="python -m tests.bench",
    prefilled=100,
    postgres="PostgreSQL 18.4",
    began=datetime(2026, 1, 1, tzinfo=UTC),
    yardsticks=[(8.0, 8.0), (8.0, 16.0)],
)


def run(*, stack: str, rate: float, others: float = 0.0, missing: int = 0) -> Run:
    return Run(
        stack=stack,
        step="single posts",
        offered=None,
        seconds=10,
        posts=1000,
        leads=1000,
        scored=1000 - missing,
        handovers=10,
        rate=rate,
        answered=figures.histogram([900]),
        to_scored=figures.histogram([9000]),
        to_handover=figures.histogram([]),
        statuses={"202": 990, "422": 10},
        cpu={"kafka": 30.0},
        others_cpu=others,
        late_ms=0,
        missing=missing,
    )


def page(*runs: Run) -> str:
    idle = Idle(stack="Leadflow", seconds=10, cores={"kafka": 0.02}, memory_mb={"kafka": 300})
    return report.page(list(runs), idle=[idle], under=UNDER)


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is the same where Java and git are not."""
    monkeypatch.setattr(report, "_java", lambda: "openjdk 17")
    monkeypatch.setattr(report, "_git", lambda: "abc1234")


def test_ratios_are_against_the_textbook_stack_of_the_same_run() -> None:
    told = page(run(stack="Leadflow", rate=5000), run(stack="textbook", rate=200))
    assert "| single posts | leads/s, at least | 4000 | 5,000.0 | met |" in told
    assert "| single posts | times the textbook stack, at least | 20 | 25.0 | met |" in told


def test_leadflow_is_told_against_the_bare_core_of_the_same_run_and_the_core_against_the_textbook() -> None:
    told = page(run(stack="Leadflow", rate=600), run(stack="bare", rate=2400), run(stack="textbook", rate=30))
    assert "| single posts | 600 | 2,400 | 25% | 30 | 30 | 1.0 |" in told
    assert "| bare | single posts | 1 | 2,400 | 80.0 |" in told
    assert "against bare" not in page(run(stack="Leadflow", rate=600))


def test_a_target_that_is_missed_is_said_and_one_that_was_not_measured_too() -> None:
    told = page(run(stack="Leadflow", rate=3999))
    assert "| single posts | leads/s, at least | 4000 | 3,999.0 | **not met** |" in told
    assert "| batches of 50 | leads/s, at least | 8000 | not measured |  |" in told


def test_a_busy_machine_is_marked() -> None:
    assert "| Leadflow | single posts (*) | 1 |" in page(run(stack="Leadflow", rate=5000, others=0.5))
    assert "| Leadflow | single posts | 1 |" in page(run(stack="Leadflow", rate=5000, others=0.01))


def test_missing_leads_are_told() -> None:
    row = next(
        line
        for line in page(run(stack="Leadflow", rate=5000, missing=7)).splitlines()
        if "| single posts | 1 |" in line
    )
    assert row.endswith("| 7 | 0 |")
