"""Figures to a page and a table: RESULTS.md, as they are, and what the terminal shows. Measures nothing but the machine's names."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from deploy.local import kafka
from deploy.local.layout import CHECKOUT
from tests.bench import figures
from tests.bench.figures import Run, Summary

_PACKAGES = ("aiokafka", "asyncpg", "msgspec", "uvicorn", "uvloop", "fastapi", "faust-streaming", "cramjam")
_BUSY = 0.05  # of one core, by others: above it a figure is marked

# SPEC's V1 and V2 "with the main job alone": step, what, the figure's source, the bound, whether it is a least or a most.
_WANTED: tuple[tuple[str, str, str, float], ...] = (
    ("single posts", "leads/s, at least", "rate", 4000),
    ("single posts", "times the textbook stack, at least", "ratio", 20),
    ("batches of 50", "leads/s, at least", "rate", 8000),
    ("batches of 50", "times the textbook stack, at least", "ratio", 40),
    ("1,000/s", "to scored, p50 ms, under", "scored p50", 70),
    ("1,000/s", "to scored, p99 ms, under", "scored p99", 250),
    ("1,000/s", "to handover, p50 ms, under", "handover p50", 130),
    ("1,000/s", "to handover, p99 ms, under", "handover p99", 400),
    ("2,000/s", "to scored, p99 ms, under", "scored p99", 500),
    ("2,000/s", "to handover, p99 ms, under", "handover p99", 700),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A stack at rest: share of one core by program, and memory in MB."""

    stack: str
    seconds: float
    cores: Mapping[str, float]
    memory_mb: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under what the figures were taken. `yardsticks`: cpu.yardstick_us before and after."""

    command: str
    prefilled: int
    postgres: str
    began: datetime
    yardsticks: Sequence[tuple[float, float]]


def page(runs: Sequence[Run], *, idle: Sequence[Idle], under: Circumstances) -> str:
    """The whole of RESULTS.md."""
    return "\n".join(_page(runs, idle=idle, under=under)) + "\n"


def _page(runs: Sequence[Run], *, idle: Sequence[Idle], under: Circumstances) -> Iterator[str]:
    summaries = figures.by_step(runs)
    yield from (
        "# What `make bench` measured",
        "",
        "Written by `tests/bench`; as it came out, the bad ones too. Figures of a machine that is busy with other work say so (*).",
        "",
    )
    yield from _machine(under)
    yield from ("", "## Medians", "")
    yield from _medians(summaries)
    yield from ("", "## Against the targets", "")
    yield from _targets(summaries)
    if against := list(_against_bare(summaries)):
        yield from ("", "## Leadflow against bare", "", *against)
    yield from ("", "## CPU, microseconds a lead", "")
    yield from _cpu(summaries)
    if any(run.batches for run in runs):
        yield from ("", "## Batches: records in one, and milliseconds of each step of one (means)", "")
        yield from _batches(runs)
    if idle:
        yield from ("", "## At rest", "")
        yield from _idle(idle)
    yield from ("", "## Every run", "")
    yield from _raw(runs)
    yield from ("", "## How to read it", "", *_NOTES)


_NOTES = (
    "* Latency counts from the moment a post was *due*, sent or not, to the moment a subscriber has the record. Posts are evenly spaced; "
    "the generator looks at the clock every 2 ms.",
    "* Single posts and batches are a flood: the generator posts whenever fewer than a bound are on their way to the last topic. "
    "Their latency says how deep that bound is, nothing else. Rate: distinct leads on the last topic / (load + drain).",
    "* A visitor's post ends when its person is known; it counts in the rate and has no latency.",
    "* CPU is user and system time of a program, all its children, and (Postgres) all its backends, from the first post to the end of the drain, "
    "over the leads that ended; the machine's own interrupts are in nobody's account. Small batches are dear: a figure without its rate means nothing.",
    "* `others` is what processes outside of the benchmark used meanwhile, in cores; `late` the generator's worst tick.",
    "* A record again on the scored topic is legitimate (a repeat that was on its way, a history that joins); a handover again would not be.",
    "* Bare (`tests/bench/bare`) is Leadflow's own capture and delivery core (fence, cursors, inbox, outbox, one transaction a batch, handovers in "
    "Kafka transactions) with stages that think nothing, read nothing and write one small row a lead, behind Leadflow on the same Kafka and "
    "Postgres: no product on this core and this machine can be faster than it, and what it does not reach is out of the machine's reach.",
    "* The textbook stack (`tests/bench/textbook`) runs last, on the same Kafka and Postgres with empty tables of its own, which is in its favour.",
)


def table(runs: Sequence[Run]) -> str:
    """What the terminal shows: medians and ratios."""
    return "\n".join(_medians(figures.by_step(runs)))


def _machine(under: Circumstances) -> Iterator[str]:
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield f"* {under.began:%Y-%m-%d %H:%M} UTC to {datetime.now(UTC):%H:%M}, commit {_git()}; `{under.command}`"
    yield f"* {psutil.cpu_count()} x {_processor()}, {memory:.0f} GiB, {platform.system()} {platform.release()}; generator, subscriber, broker, database and services on the same cores"
    yield f"* Python {platform.python_version()}, Kafka {kafka.VERSION} (one KRaft node, {_java()}), {under.postgres}, fsync on; {versions}"
    sticks = "; ".join(f"{cpu:.1f} us of CPU, {wall:.1f} us by the clock" for cpu, wall in under.yardsticks)
    yield f"* yardstick, writing one lead in Python, before and after: {sticks} (equal on an idle machine; figures of two runs compare as far as these do)"
    yield f"* leads of 1 KB: 30 % known, 2 % joins, 2 % repeats, 1 % invalid; {under.prefilled:,} leads in the stores before; the shipped ruleset and routing document in force"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _java() -> str:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    return (done.stderr or "java ?").splitlines()[0].replace('"', "")


def _git() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "shared", "services"],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    return done.stdout.strip() + (" with changes that are not committed" if changed.stdout.strip() else "")


def _medians(summaries: Sequence[Summary]) -> Iterator[str]:
    yield "| stack | load | runs | leads/s | times textbook | accepted p50 / p99 ms | to scored p50 / p99 ms | to handover p50 / p99 ms | CPU us/lead | missing | handed again |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for one in summaries:
        times = _times(one, summaries)
        yield (
            f"| {one.stack} | {one.step}{_mark(one.others_cpu)} | {one.runs} | {one.rate:,.0f} | {f'{times:.1f}' if times else ''} | "
            f"{_two(one.answered)} | {_two(one.to_scored)} | {_two(one.to_handover)} | {one.cpu_total:,.0f} | {one.missing} | {one.handed_again} |"
        )


def _against_bare(summaries: Sequence[Summary]) -> Iterator[str]:
    """Load by load: which part of the limit's rate Leadflow reaches, and how much CPU its thinking adds."""
    found = {(one.stack, one.step): one for one in summaries}
    pairs = [
        (one, found["bare", one.step]) for one in summaries if one.stack == "Leadflow" and ("bare", one.step) in found
    ]
    if pairs:
        yield "| load | leads/s: Leadflow | bare | part of it | CPU us/lead: Leadflow | bare | times |"
        yield "|---|---|---|---|---|---|---|"
    for ours, bare in pairs:
        part, times = figures.ratio(ours.rate, bare.rate), figures.ratio(ours.cpu_total, bare.cpu_total)
        yield (
            f"| {ours.step}{_mark(max(ours.others_cpu, bare.others_cpu))} | {ours.rate:,.0f} | {bare.rate:,.0f} | "
            f"{part or 0:.0%} | {ours.cpu_total:,.0f} | {bare.cpu_total:,.0f} | {times or 0:.1f} |"
        )


def _times(one: Summary, summaries: Sequence[Summary]) -> float | None:
    """A flood's rate over the textbook's in the same step, or where that was not run, in single posts."""
    if one.stack == "textbook" or not one.step.startswith(("single", "batches")):
        return None
    theirs = {other.step: other.rate for other in summaries if other.stack == "textbook"}
    return figures.ratio(one.rate, theirs.get(one.step) or theirs.get("single posts", 0.0))


def _targets(summaries: Sequence[Summary]) -> Iterator[str]:
    measured = {one.step: one for one in summaries if one.stack == "Leadflow"}
    yield "| load | what | wanted | measured | |"
    yield "|---|---|---|---|---|"
    for step, what, source, bound in _WANTED:
        one = measured.get(step)
        value = _value(one, source, summaries) if one else None
        met = "" if value is None else "met" if (value >= bound) == what.endswith("at least") else "**not met**"
        yield f"| {step} | {what} | {bound:g} | {'not measured' if value is None else f'{value:,.1f}'} | {met} |"


def _value(one: Summary, source: str, summaries: Sequence[Summary]) -> float | None:
    match source.split():
        case ["rate"]:
            return one.rate
        case ["ratio"]:
            return _times(one, summaries)
        case ["scored", name]:
            return one.to_scored.get(name)
        case ["handover", name]:
            return one.to_handover.get(name)
    raise ValueError(source)


def _cpu(summaries: Sequence[Summary]) -> Iterator[str]:
    names = list(dict.fromkeys(name for one in summaries for name in one.cpu))
    yield f"| stack | load | {' | '.join(names)} | all |"
    yield "|---|---|" + "---|" * (len(names) + 1)
    for one in summaries:
        cells = " | ".join(f"{one.cpu[name]:,.0f}" if name in one.cpu else "" for name in names)
        yield f"| {one.stack} | {one.step}{_mark(one.others_cpu)} | {cells} | {one.cpu_total:,.0f} |"


def _batches(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        for stage, means in figures.batch_means(run.batches).items():
            steps = ", ".join(f"{name} {value:.1f}" for name, value in means.items() if name != "records")
            yield f"* {run.step}, {stage}: {means['records']:.0f} records; {steps}"


def _idle(idle: Sequence[Idle]) -> Iterator[str]:
    names = list(dict.fromkeys(name for one in idle for name in one.cores))
    yield f"| stack | | {' | '.join(names)} | all |"
    yield "|---|---|" + "---|" * (len(names) + 1)
    for one in idle:
        cores = " | ".join(f"{one.cores[name]:.1%}" if name in one.cores else "" for name in names)
        memory = " | ".join(f"{one.memory_mb[name]:.0f}" if name in one.memory_mb else "" for name in names)
        yield f"| {one.stack} | share of a core over {one.seconds:.0f} s | {cores} | {sum(one.cores.values()):.1%} |"
        yield f"| {one.stack} | memory, MB | {memory} | {sum(one.memory_mb.values()):.0f} |"


def _raw(runs: Sequence[Run]) -> Iterator[str]:
    yield (
        "| stack | load | s | posts | leads | scored | again | handed over | again | leads/s | answers | accepted p50/p99/p99.9/max ms | "
        "to scored p50/p90/p99/p99.9/max ms | to handover p50/p90/p99/p99.9/max ms | CPU us/lead | others | late ms | notes |"
    )
    yield "|" + "---|" * 18
    for run in runs:
        answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(run.statuses.items()))
        yield (
            f"| {run.stack} | {run.step} | {run.seconds:.1f} | {run.posts:,} | {run.leads:,} | {run.scored:,} | {run.scored_again:,} | "
            f"{run.handovers:,} | {run.handed_again} | {run.rate:,.0f} | {answers} | {_all(run.answered, without='p90')} | {_all(run.to_scored)} | "
            f"{_all(run.to_handover)} | {run.cpu_total:,.0f} | {run.others_cpu:.2f} | {run.late_ms:.0f} | {'; '.join(run.notes)} |"
        )


def _all(of: object, *, without: str = "") -> str:
    return " / ".join(f"{value:.0f}" for name, value in figures.percentiles_ms(of).items() if name != without)


def _two(found: Mapping[str, float]) -> str:
    return f"{found['p50']:,.0f} / {found['p99']:,.0f}" if found else ""


def _mark(others_cpu: float) -> str:
    return " (*)" if others_cpu > _BUSY else ""
