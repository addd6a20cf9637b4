"""Moments to figures: histograms, rates, CPU per lead, medians and ratios. Pure: measures nothing and writes no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from hdrh.histogram import HdrHistogram

_HIGHEST_US = 10 * 60 * 1_000_000
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


def histogram(latencies_us: Iterable[int]) -> Any:
    """An HDR histogram of microseconds with three significant digits; what is over ten minutes counts as ten minutes."""
    made = HdrHistogram(1, _HIGHEST_US, 3)
    for latency in latencies_us:
        made.record_value(min(max(latency, 1), _HIGHEST_US))
    return made


def merged(histograms: Iterable[Any]) -> Any:
    """All values of all of them."""
    whole = HdrHistogram(1, _HIGHEST_US, 3)
    for one in histograms:
        whole.add(one)
    return whole


def percentiles_ms(of: Any) -> dict[str, float]:
    """p50, p90, p99, p99.9 and the largest value, in milliseconds; empty where nothing was recorded."""
    if not of.get_total_count():
        return {}
    found = {f"p{at:g}": of.get_value_at_percentile(at) / 1000 for at in PERCENTILES}
    return {**found, "max": of.get_max_value() / 1000}


def latencies_us(due: Sequence[int], reached: Sequence[int], *, wanted: Sequence[bool]) -> list[int]:
    """From the moment each was due to the moment it got there; both in nanoseconds, 0 where it never did."""
    return [
        (end - begin) // 1000
        for begin, end, counts in zip(due, reached, wanted, strict=True)
        if counts and begin and end
    ]


def rate(count: int, *, begun_ns: int, ended_ns: int) -> float:
    """Per second, over the load and its drain: from the first post that was due to the last record that it caused."""
    if count <= 0 or ended_ns <= begun_ns:
        return 0.0
    return count * 1e9 / (ended_ns - begun_ns)


def per_lead_us(seconds: Mapping[str, float], leads: int) -> dict[str, float]:
    """CPU seconds by process to microseconds a lead."""
    return {name: spent * 1e6 / leads for name, spent in seconds.items()} if leads else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One load that was measured. Rates are per second, times in milliseconds, CPU in microseconds a lead."""

    stack: str
    step: str
    offered: float | None  # None: as much as it takes
    seconds: float
    posts: int
    leads: int  # that should end on the last topic
    scored: int
    handovers: int
    rate: float
    answered: Any  # histograms
    to_scored: Any
    to_handover: Any
    statuses: Mapping[str, int]
    cpu: Mapping[str, float]
    others_cpu: float  # of one core, by processes that do not belong to the bench
    late_ms: float  # the generator's worst tick
    batches: Mapping[str, float] = field(default_factory=dict)  # `stage records`, `stage batches`, `stage step seconds`
    missing: int = 0
    scored_again: int = 0
    handed_again: int = 0
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def cpu_total(self) -> float:
        """CPU of everything that is measured, generator and subscriber among it."""
        return sum(self.cpu.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians of the runs of one step."""

    stack: str
    step: str
    runs: int
    rate: float
    answered: Mapping[str, float]
    to_scored: Mapping[str, float]
    to_handover: Mapping[str, float]
    cpu: Mapping[str, float]
    cpu_total: float
    others_cpu: float
    missing: int
    handed_again: int


def summary(runs: Sequence[Run]) -> Summary:
    """Of the runs of one step: the median of each figure by itself, the sum of what is missing or doubled."""
    first = runs[0]
    return Summary(
        stack=first.stack,
        step=first.step,
        runs=len(runs),
        rate=median(run.rate for run in runs),
        answered=medians([percentiles_ms(run.answered) for run in runs]),
        to_scored=medians([percentiles_ms(run.to_scored) for run in runs]),
        to_handover=medians([percentiles_ms(run.to_handover) for run in runs]),
        cpu=medians([run.cpu for run in runs]),
        cpu_total=median(run.cpu_total for run in runs),
        others_cpu=median(run.others_cpu for run in runs),
        missing=sum(run.missing for run in runs),
        handed_again=sum(run.handed_again for run in runs),
    )


def medians(of: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Name by name, over those that have it."""
    names = dict.fromkeys(name for one in of for name in one)
    return {name: median(one[name] for one in of if name in one) for name in names}


def by_step(runs: Sequence[Run]) -> list[Summary]:
    """A summary for each stack and step, in the order in which they were run."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.stack, run.step), []).append(run)
    return [summary(group) for group in groups.values()]


def batch_means(counted: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """By stage: records a batch, and milliseconds a batch for each step of it."""
    found: dict[str, dict[str, float]] = {}
    for name, count in counted.items():
        if name.endswith(" batches") and count:
            stage = name.removesuffix(" batches")
            steps = {
                key.removeprefix(f"{stage} ").removesuffix(" seconds"): 1000 * seconds / count
                for key, seconds in counted.items()
                if key.startswith(f"{stage} ") and key.endswith(" seconds")
            }
            found[stage] = {"records": counted.get(f"{stage} records", 0.0) / count, **steps}
    return found


def ratio(ours: float, theirs: float) -> float | None:
    """How many times theirs; None where there is nothing to divide by."""
    return ours / theirs if theirs else None
