"""`python -m tests.bench`: runs the loads in order, prints a table, writes RESULTS.md. `--quick` takes minutes, without it half an hour and more."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from deploy.local import installation
from deploy.local.layout import Layout, SetupError
from tests import stack
from tests.bench import cpu, report, stacks
from tests.bench.figures import Run, percentiles_ms
from tests.bench.stacks import NotStarted, Target
from tests.bench.step import Step, Story, measured

RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how often: `flood_runs` of a load without a rate, `runs` of one with a rate."""

    seconds: float
    flood_runs: int
    runs: int
    warm_up: float
    prefill: int
    textbook_seconds: float
    textbook_runs: int
    settle_seconds: float  # before a stack at rest is looked at: Postgres vacuums what the load left behind
    idle_seconds: float


QUICK = Plan(
    seconds=15,
    flood_runs=1,
    runs=1,
    warm_up=30,
    prefill=10_000,
    textbook_seconds=20,
    textbook_runs=1,
    settle_seconds=5,
    idle_seconds=10,
)
FULL = Plan(
    seconds=60,
    flood_runs=2,
    runs=5,
    warm_up=60,
    prefill=100_000,
    textbook_seconds=45,
    textbook_runs=2,
    settle_seconds=150,
    idle_seconds=30,
)


def main() -> None:
    """Parses the command line and measures."""
    wanted = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends with us
    plan = QUICK if wanted.quick else FULL
    plan = replace(
        plan,
        seconds=wanted.seconds or plan.seconds,
        flood_runs=min(wanted.runs or plan.flood_runs, plan.flood_runs),
        runs=wanted.runs or plan.runs,
        warm_up=plan.warm_up if wanted.warm_up is None else wanted.warm_up,
        prefill=plan.prefill if wanted.prefill is None else wanted.prefill,
        textbook_seconds=wanted.seconds or plan.textbook_seconds,
        textbook_runs=min(wanted.runs or plan.textbook_runs, plan.textbook_runs),
    )
    began = datetime.now(UTC)
    runs: list[Run] = []
    idle: list[report.Idle] = []
    postgres = ""
    yardsticks = [cpu.yardstick_us()]
    try:
        with stack.local(services=wanted.only != "textbook") as home:
            postgres = asyncio.run(_postgres(home))
            try:
                if wanted.only in (None, "leadflow"):
                    _leadflow(stacks.ours(home), plan, wanted.seed, only=wanted.steps, runs=runs, idle=idle)
                if wanted.only in (None, "bare"):
                    home = stacks.end_services(home, but=("capture",))
                    _bare(home, plan, wanted.seed, only=wanted.steps, runs=runs)
                if wanted.only in (None, "textbook"):
                    home = stacks.end_services(home)
                    _textbook(home, plan, wanted.seed, only=wanted.steps, runs=runs, idle=idle)
            finally:
                if wanted.logs:
                    _keep_logs(home, wanted.logs)
    except (NotStarted, SetupError) as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        if runs:
            print()
            print(report.table(runs))
            command = f"python -m tests.bench {shlex.join(sys.argv[1:])}".strip()
            under = report.Circumstances(
                command=command,
                prefilled=plan.prefill,
                postgres=postgres,
                began=began,
                yardsticks=[*yardsticks, cpu.yardstick_us()],
            )
            page = report.page(runs, idle=idle, under=under)
            wanted.out.write_text(page)
            print(f"\nWritten to {wanted.out}.")


def _leadflow(
    target: Target, plan: Plan, seed: int, *, only: Sequence[str], runs: list[Run], idle: list[report.Idle]
) -> None:
    story = Story(seed)
    if plan.prefill:
        fill = Step(
            name="prefill", seconds=3600, leads=plan.prefill, batch=50, backlog=10_000, connections=16, only_new=True
        )
        _say(measured(target, fill, story), plan)
    if plan.warm_up:
        _say(measured(target, Step(name="warm-up", seconds=plan.warm_up, most=6000), story), plan)
    _measure(target, plan, _steps(plan.seconds, textbook=False), story, only=only, runs=runs)
    idle.append(_at_rest(target, plan))


def _bare(home: Layout, plan: Plan, seed: int, *, only: Sequence[str], runs: list[Run]) -> None:
    story = Story(seed + 2)
    with stacks.bare_stack(home) as target:
        _say(measured(target, Step(name="warm-up", seconds=min(plan.warm_up, 20) or 5, most=6000), story), plan)
        _measure(
            target, replace(plan, flood_runs=1), _steps(plan.seconds, textbook=False)[:2], story, only=only, runs=runs
        )


def _textbook(
    home: Layout, plan: Plan, seed: int, *, only: Sequence[str], runs: list[Run], idle: list[report.Idle]
) -> None:
    stacks.make_textbook(home)
    story = Story(seed + 1)
    for _ in range(4):
        with stacks.textbook_stack(home) as target:
            # Faust workers take a while to get their partitions: the first posts wait for them.
            first = measured(target, Step(name="warm-up", seconds=max(15.0, plan.warm_up / 2), rate=50), story)
            _say(first, plan)
            if not first.scored:
                print("textbook: its workers run and take nothing; they are started again", flush=True)
                continue
            often = replace(plan, flood_runs=plan.textbook_runs, runs=plan.textbook_runs)
            _measure(target, often, _steps(plan.textbook_seconds, textbook=True), story, only=only, runs=runs)
            idle.append(_at_rest(target, plan))
            return
    said = {stage: (home.log / f"textbook-{stage}.log").read_text()[-600:] for stage in ("enrich", "score", "route")}
    raise NotStarted(f"The textbook stack's workers took nothing in four attempts. What they said last: {said}")


def _steps(seconds: float, *, textbook: bool) -> list[Step]:
    if textbook:
        return [
            Step(name="single posts", seconds=seconds, backlog=2000, connections=64, most=2000),
            Step(name="batches of 50", seconds=seconds, backlog=2000, batch=50, connections=16, most=2000),
            Step(name="100/s", seconds=seconds, rate=100),
        ]
    return [
        Step(name="single posts", seconds=seconds),
        Step(name="batches of 50", seconds=seconds, backlog=10_000, batch=50, connections=16, most=15_000),
        Step(name="400/s", seconds=seconds, rate=400),
        Step(name="1,000/s", seconds=seconds, rate=1000),
        Step(name="2,000/s", seconds=seconds, rate=2000),
    ]


def _measure(
    target: Target, plan: Plan, steps: Sequence[Step], story: Story, *, only: Sequence[str], runs: list[Run]
) -> None:
    for step in steps:
        if only and step.name not in only:
            continue
        for _ in range(plan.flood_runs if step.rate is None else plan.runs):
            run = measured(target, step, story)
            runs.append(run)
            _say(run, None)


def _at_rest(target: Target, plan: Plan) -> report.Idle:
    time.sleep(plan.settle_seconds)
    programs = target.programs()
    before, clock = cpu.seconds(programs), time.monotonic()
    time.sleep(plan.idle_seconds)
    spent, lasted = cpu.spent(before, cpu.seconds(programs)), time.monotonic() - clock
    cores = {name: used / lasted for name, used in spent.items()}
    return report.Idle(stack=target.name, seconds=lasted, cores=cores, memory_mb=cpu.memory_mb(programs))


def _say(run: Run, plan: Plan | None) -> None:
    found = percentiles_ms(run.to_scored)
    latency = f", to scored p50 {found['p50']:.0f} p99 {found['p99']:.0f} ms" if found else ""
    counted = "" if plan is None else " (not counted)"
    notes = f" [{'; '.join(run.notes)}]" if run.notes else ""
    print(
        f"{run.stack}: {run.step}{counted}: {run.rate:,.0f}/s{latency}, {run.cpu_total:,.0f} us CPU a lead, {run.missing} missing{notes}",
        flush=True,
    )


async def _postgres(home: Layout) -> str:
    facts = installation.load_or_make(home, {})
    connection = await asyncpg.connect(facts.store(home, "postgres"))
    try:
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    finally:
        await connection.close()


def _keep_logs(home: Layout, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in home.log.iterdir():
        if log.is_file():
            (folder / log.name).write_bytes(log.read_bytes())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes in all: one run of 15 s for each load")
    parser.add_argument("--seconds", type=float, help="of one run")
    parser.add_argument("--runs", type=int, help="of each load; medians are reported")
    parser.add_argument("--warm-up", type=float, help="seconds before anything is measured")
    parser.add_argument("--prefill", type=int, help="leads that are in the stores before, sent through the door")
    parser.add_argument("--only", choices=("leadflow", "bare", "textbook"), help="one stack alone, without ratios")
    parser.add_argument("--steps", nargs="*", default=(), help='some loads only, such as "single posts" "1,000/s"')
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures are written")
    parser.add_argument("--logs", type=Path, help="a folder to keep the stack's logs in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
