"""One load, measured: starts a subscriber and a generator, looks at everybody's CPU before and after, waits for the drain."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from deploy.local.layout import CHECKOUT, HOST
from tests.bench import cpu, figures
from tests.bench.figures import Run
from tests.bench.generator import Load, Sent
from tests.bench.leads import Kind
from tests.bench.marks import ARRIVED, ENTERED_SQL, HANDED_AGAIN, HANDED_OVER, READY, SCORED_AGAIN, Marks
from tests.bench.stacks import NotStarted, Target
from tests.bench.subscriber import Watch

_PATIENCE_SECONDS = 20.0  # without any record before a drain is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to send. `rate` is leads a second, None for as many as the pipeline takes; `most` bounds what a flood may send a second."""

    name: str
    seconds: float
    rate: float | None = None
    batch: int = 1
    backlog: int = 6000
    connections: int = 256
    most: int = 9_000
    leads: int | None = None
    only_new: bool = False


@dataclass(slots=True)
class Story:
    """What was sent to one stack so far: numbers and people go on from step to step."""

    seed: int
    number: int = 0
    people: int = 0
    runs: list[Run] = field(default_factory=list)


def measured(target: Target, step: Step, story: Story) -> Run:
    """Runs one step and returns its figures; they are not yet among the story's runs."""
    begin_at = story.number
    expected = step.leads or int(step.seconds * (step.rate or step.most))
    capacity = int(expected * 1.05) + 2000
    with tempfile.TemporaryDirectory(prefix="leadflow-bench-") as folder:
        path = Path(folder) / "marks"
        marks = Marks(path, first=begin_at, capacity=capacity)
        # Where latencies count, the broker answers with the first byte: each answer has records in it, and is at once.
        gather = (128 * 1024, 50) if step.rate is None else (1, 50)
        watch = Watch(
            kafka=target.kafka,
            scored=target.scored,
            handover=target.handover,
            partitions=target.partitions,
            marks=str(path),
            first=begin_at,
            capacity=capacity,
            gather_bytes=gather[0],
            wait_ms=gather[1],
        )
        load = Load(
            host=HOST,
            port=target.port,
            key=target.key,
            marks=str(path),
            first=begin_at,
            capacity=capacity,
            people=story.people,
            seed=story.seed,
            seconds=step.seconds,
            rate=step.rate,
            leads=step.leads,
            batch=step.batch,
            backlog=step.backlog,
            connections=step.connections,
            ready=expected,
            only_new=step.only_new,
        )
        subscriber = _start("subscriber", watch)
        generator = _start("generator", load)
        try:
            _wait_until_both(marks, generator, subscriber)
            programs = target.programs()
            batches_before = target.batches()
            cpu_before, busy_before, clock = cpu.seconds(programs), cpu.busy_seconds(), time.monotonic()
            _stdin(generator).write("go\n")
            _stdin(generator).flush()
            sent = msgspec.convert(json.loads(_line(generator)), Sent)
            drained = _drain(marks, sent.leads)
            spent = cpu.spent(cpu_before, cpu.seconds(target.programs()))
            batches = cpu.spent(batches_before, target.batches())
            busy, lasted = cpu.busy_seconds() - busy_before, time.monotonic() - clock
            subscriber.terminate()
            spent["subscriber"] = json.loads(_line(subscriber))["cpu_seconds"]
            spent["generator"] = sent.cpu_seconds
        finally:
            for process in (generator, subscriber):
                process.kill()
                process.wait()
        story.number, story.people = sent.next_number, sent.people
        others = max(0.0, busy - sum(spent.values())) / lasted
        return _run(target, step, marks, sent, spent, others=others, batches=batches, drained=drained)


def _run(
    target: Target,
    step: Step,
    marks: Marks,
    sent: Sent,
    spent: dict[str, float],
    *,
    others: float,
    batches: dict[str, float],
    drained: bool,
) -> Run:
    due, kinds = marks.due.tolist(), marks.kind.tolist()
    scored, handed = marks.scored.tolist(), marks.handed.tolist()
    # A visit ends when its person is known, which is the load's doing: it counts, and has no latency.
    timed = [kind not in (0, Kind.VISIT) for kind in kinds]
    cells = marks.cells
    arrived = int(cells[ARRIVED])
    last = max(max(scored), max(handed))
    notes = [] if drained else [f"given up after {_PATIENCE_SECONDS:.0f} s without a record"]
    if missing_handovers := int(cells[ENTERED_SQL] - cells[HANDED_OVER]):
        notes.append(f"{missing_handovers} leads entered SQL and were not handed over")
    if sent.unanswered:
        notes.append(f"{sent.unanswered} requests had no answer")
    if sent.retries:
        notes.append(f"{sent.retries} requests sent again on a new connection")
    return Run(
        stack=target.name,
        step=step.name,
        offered=step.rate,
        seconds=(last - sent.begun_ns) / 1e9 if arrived else step.seconds,
        posts=sent.posts,
        leads=sent.leads,
        scored=arrived,
        handovers=int(cells[HANDED_OVER]),
        rate=figures.rate(arrived, begun_ns=sent.begun_ns, ended_ns=last),
        answered=figures.histogram(figures.latencies_us(due, marks.answered.tolist(), wanted=timed)),
        to_scored=figures.histogram(figures.latencies_us(due, scored, wanted=timed)),
        to_handover=figures.histogram(figures.latencies_us(due, handed, wanted=timed)),
        statuses=sent.statuses,
        cpu=figures.per_lead_us(spent, arrived),
        batches=batches,
        others_cpu=others,
        late_ms=sent.late_ms,
        missing=sent.leads - arrived,
        scored_again=int(cells[SCORED_AGAIN]),
        handed_again=int(cells[HANDED_AGAIN]),
        notes=tuple(notes),
    )


def _start(module: str, what: msgspec.Struct) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", msgspec.json.encode(what).decode()],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise NotStarted(f"{process.args!r} ended without a word; what it said is above.")
    return line


def _wait_until_both(marks: Marks, generator: subprocess.Popen[str], subscriber: subprocess.Popen[str]) -> None:
    _line(generator)
    for _ in range(600):
        if marks.cells[READY]:
            return
        if subscriber.poll() is not None:
            break
        time.sleep(0.05)
    raise NotStarted("The subscriber did not get to its topics; what it said is above.")


def _drain(marks: Marks, expected: int) -> bool:
    """Waits until everything is at the end; False when nothing moved for too long."""
    cells = marks.cells
    before, since = (-1, -1), time.monotonic()
    while cells[ARRIVED] < expected or cells[HANDED_OVER] < cells[ENTERED_SQL]:
        now = int(cells[ARRIVED]), int(cells[HANDED_OVER])
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > _PATIENCE_SECONDS:
            return False
        time.sleep(0.02)
    return True
