"""Moments to figures: histograms that merge, rates over load and drain, medians, ratios."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import figures
from tests.bench.cpu import spent
from tests.bench.figures import Run
from tests.bench.stacks import batch_counts

MICROSECONDS = st.lists(st.integers(min_value=1, max_value=500_000_000), max_size=200)


def run(
    *, stack: str = "Leadflow", step: str = "single posts", rate: float = 100.0, cpu: Mapping[str, float] | None = None
) -> Run:
    return Run(
        stack=stack,
        step=step,
        offered=None,
        seconds=1,
        posts=100,
        leads=100,
        scored=100,
        handovers=0,
        rate=rate,
        answered=figures.histogram([1000]),
        to_scored=figures.histogram([round(rate * 1000)]),
        to_handover=figures.histogram([]),
        statuses={"202": 100},
        cpu=cpu or {"capture-0": 60.0},
        others_cpu=0,
        late_ms=0,
        missing=1,
    )


@given(st.lists(MICROSECONDS, max_size=5))
def test_merged_histograms_say_what_one_of_all_values_says(parts: list[list[int]]) -> None:
    whole = figures.histogram([value for part in parts for value in part])
    merged = figures.merged(figures.histogram(part) for part in parts)
    assert merged.get_total_count() == whole.get_total_count()
    assert figures.percentiles_ms(merged) == figures.percentiles_ms(whole)


@given(st.lists(st.integers(min_value=1, max_value=500_000_000), min_size=1, max_size=200))
def test_percentiles_are_true_to_three_digits(values: list[int]) -> None:
    found = figures.percentiles_ms(figures.histogram(values))
    assert found["max"] * 1000 == pytest.approx(max(values), rel=0.001, abs=1)
    assert found["p50"] <= found["p90"] <= found["p99"] <= found["p99.9"] <= found["max"]


def test_nothing_recorded_has_no_percentiles() -> None:
    assert figures.percentiles_ms(figures.histogram([])) == {}


def test_a_latency_beyond_ten_minutes_counts_as_ten_minutes() -> None:
    found = figures.percentiles_ms(figures.histogram([10**10]))
    assert found["max"] == pytest.approx(600_000, rel=0.001)


def test_latency_counts_from_when_a_post_was_due_and_only_of_those_that_got_there() -> None:
    due = [1_000_000, 2_000_000, 3_000_000, 4_000_000]
    reached = [1_500_000, 0, 9_000_000, 5_000_000]
    wanted = [True, True, True, False]
    assert figures.latencies_us(due, reached, wanted=wanted) == [500, 6000]


def test_the_rate_is_over_the_load_and_its_drain() -> None:
    assert figures.rate(3000, begun_ns=10**9, ended_ns=4 * 10**9) == 1000


def test_a_load_of_which_nothing_arrived_has_no_rate() -> None:
    assert figures.rate(0, begun_ns=5, ended_ns=0) == 0


def test_cpu_is_told_by_lead() -> None:
    assert figures.per_lead_us({"kafka": 0.5}, 10_000) == {"kafka": 50.0}
    assert figures.per_lead_us({"kafka": 0.5}, 0) == {}


def test_a_summary_has_the_median_of_each_figure_by_itself_and_the_sum_of_what_is_missing() -> None:
    runs = [run(rate=rate, cpu={"capture-0": cpu}) for rate, cpu in ((100, 9.0), (300, 7.0), (200, 5.0))]
    found = figures.summary(runs)
    assert (found.rate, found.cpu["capture-0"], found.missing) == (200, 7.0, 3)
    assert found.to_scored["p50"] == pytest.approx(200, rel=0.001)
    assert found.to_handover == {}


def test_steps_are_summed_up_in_the_order_in_which_they_ran() -> None:
    runs = [run(step="b"), run(step="a"), run(step="b"), run(stack="textbook", step="b")]
    found = [(one.stack, one.step, one.runs) for one in figures.by_step(runs)]
    assert found == [("Leadflow", "b", 2), ("Leadflow", "a", 1), ("textbook", "b", 1)]


def test_there_is_no_ratio_to_nothing() -> None:
    assert figures.ratio(4000, 200) == 20
    assert figures.ratio(4000, 0) is None


def test_a_program_that_was_restarted_counts_from_its_start() -> None:
    assert spent({"route-0": 10.0, "kafka": 5.0}, {"route-0": 0.5, "kafka": 6.0}) == {"route-0": 0.5, "kafka": 1.0}


def test_batches_are_told_by_stage() -> None:
    counted = batch_counts(
        'leadflow_batch_records_count{stage="score"} 4.0\nleadflow_batch_records_sum{stage="score"} 1000.0\n'
        'leadflow_batch_step_seconds_sum{stage="score",step="load"} 0.02\nleadflow_batch_step_seconds_count{stage="score",step="load"} 4.0\n'
    )
    assert figures.batch_means(counted) == {"score": {"records": 250.0, "load": pytest.approx(5.0)}}
