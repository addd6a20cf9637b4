"""The summary of a run for people: in the terminal, and as a section of RESULTS.md."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from shared.crash import POINTS
from tests.chaos import health
from tests.chaos.checker import Finding
from tests.chaos.replay import LEFT_OUT
from tests.chaos.rig import STAGED
from tests.chaos.run import Run

RESULTS = Path(__file__).with_name("RESULTS.md")
_SHOWN = 8
_HEAD = """# What the chaos showed

Written by `make chaos ... WRITE=1` (tests/chaos). The newest run comes first. What the words mean is in tests/chaos/checker.py; which columns
the replay of Q4 leaves out, and why, in tests/chaos/replay.py.
"""


def text(run: Run, *, home: Path) -> str:
    """What an operator reads at the end."""
    judged, found = run.judgement, run.evidence
    counted, good = health.accepted_share(run.ledger)
    lines = [
        "",
        f"acked {judged.acked}   lost {judged.lost}   recovered {judged.recovered}   unexpected {judged.unexpected}   "
        f"duplicated {judged.duplicated}",
        f"{good} of {counted} requests accepted outside of full outages ({good / max(1, counted):.2%}); well again after "
        f"{found.recovery_seconds:.1f} s; {sum(found.hits.values())} crashes at named points, {sum(run.ledger.done.values())} other faults",
        "",
        *(line for finding in judged.findings for line in _told(finding)),
        "",
        f"All promises were kept. {run.seconds / 60:.1f} minutes."
        if judged.holds
        else f"NOT all promises were kept. Ledger, logs and orders of this run: {home}",
    ]
    return "\n".join(lines)


def _told(finding: Finding) -> Iterator[str]:
    state = "ok  " if finding.holds else "FAIL"
    yield f"{state}  {finding.promise:<6} {finding.says}"
    for breach in finding.breaches[:_SHOWN]:
        yield f"          {breach[:400]}"
    if len(finding.breaches) > _SHOWN:
        yield f"          and {len(finding.breaches) - _SHOWN} more"
    if finding.breaches and finding.where:
        yield f"          where to look: {finding.where}"


def write(run: Run, *, command: str, title: str) -> None:
    """Puts the run's section in front of the earlier ones."""
    earlier = RESULTS.read_text().removeprefix(_HEAD) if RESULTS.exists() else ""
    RESULTS.write_text(_HEAD + "\n" + section(run, command=command, title=title) + earlier)


def section(run: Run, *, command: str, title: str) -> str:
    """The run as Markdown."""
    judged, found, said = run.judgement, run.evidence, run.ledger
    counted, good = health.accepted_share(said)
    before, after = sum(found.memory_before.values()), sum(found.memory_after.values())
    facts = [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("commit", _commit()),
        (
            "machine",
            f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        ),
        ("command", f"`{command}`"),
        ("acked", judged.acked),
        ("**lost**", judged.lost),
        ("recovered", judged.recovered),
        ("**unexpected**", judged.unexpected),
        ("**duplicated**", judged.duplicated),
        ("handovers (aborted ones beside them)", f"{_handovers(run, True)} ({_handovers(run, False)})"),
        ("outcomes", sum(one.accepted for one in said.outcomes.values())),
        ("requests accepted outside of full outages", f"{good} of {counted}, {good / max(1, counted):.2%}"),
        ("seconds until everything was well again", f"{found.recovery_seconds:.1f}"),
        ("memory of all services before, after", f"{before:.0f} MB, {after:.0f} MB"),
        ("numbers lost to a successor, noticed by the fence", found.zombies["fenced"]),
        ("bad records, records produced twice", f"{len(said.garbage)}, {said.copies}"),
    ]
    lines = [
        f"## {datetime.now(UTC):%Y-%m-%d}, {title}: {'kept' if judged.holds else 'NOT kept'}",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts), ""]
    lines += ["| promise | what was checked | |", "|---|---|---|"]
    lines += [
        f"| {f.promise} | {f.says} | {'held' if f.holds else f'**{len(f.breaches)} breaches**'} |"
        for f in judged.findings
    ]
    lines += ["", "Crashes at named points (and, in brackets, stops past the session time-out):", ""]
    lines += [f"| point | {' | '.join(STAGED)} | together |", f"|---|{'---|' * (len(STAGED) + 1)}"]
    for point in POINTS:
        cells = [f"{found.hits[point, one]} ({found.stops[point, one]})" for one in STAGED]
        together = sum(found.hits[point, one] for one in STAGED)
        lines.append(f"| {point} | {' | '.join(cells)} | {together} |")
    lines += ["", "| fault | times |", "|---|---|", *(f"| {name} | {n} |" for name, n in sorted(said.done.items())), ""]
    lines += [
        f"Left out of the comparison of Q4: {', '.join(f'{name} ({why})' for name, why in LEFT_OUT.items())}.",
        "",
    ]
    return "\n".join(lines) + "\n"


def _handovers(run: Run, committed: bool) -> int:
    kinds = Counter(record.committed for record in run.evidence.records if record.type == "lead.handover")
    return kinds[committed]


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False, cwd=RESULTS.parent,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"
