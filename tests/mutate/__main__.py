"""`python -m tests.mutate [--write] [WORDS]`: runs every mutation (or those whose title or name has WORDS) and says which test caught it.

Needs Kafka and Postgres in LEADFLOW_KAFKA and LEADFLOW_POSTGRES, or starts its own. Exit 1 when one survives or the baseline is red.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import stack
from tests.mutate.mutations import ALL
from tests.mutate.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[\S*\])?(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of one mutation: the first red test (none: it survived), and how long that took."""

    mutation: Mutation
    by: str
    seconds: float


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what is committed, which may be broken."""
    with tempfile.TemporaryDirectory(prefix="leadflow-mutate-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x"], cwd=copy, input=packed, check=True)
        where = _python(copy, "-c", "import shared, services.route as r; print(shared.__file__, r.__file__)").stdout
        if where.count(str(copy)) != 2:
            raise SystemExit(f"The copy's packages are not the ones that are imported: {where}")
        yield copy


def _python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "LEADFLOW_HYPOTHESIS": "red"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def first_red(copy: Path, tests: Sequence[str], *, loud: bool = False) -> str:
    """The first test that is red, or nothing; `loud` shows why."""
    for test in tests:
        done = _python(copy, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", test)
        if done.returncode == 0:
            continue
        found = _RED.search(done.stdout)
        if loud:
            print(done.stdout[-6000:])
        if done.returncode != 1 or found is None:
            raise SystemExit(f"{test} could not be run:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return found[1]
    return ""


def apply(copy: Path, mutation: Mutation) -> str:
    """Breaks the copy; returns the file's text as it was. Ends the run when the text does not stand there exactly once."""
    path = copy / mutation.file
    before = path.read_text()
    count = before.count(mutation.old)
    if count != 1:
        raise SystemExit(
            f"Mutation {mutation.name!r}: its text stands {count} times in {mutation.file}, and must stand once. "
            f"The product has moved on: mend tests/mutate/mutations.\n{mutation.old}"
        )
    path.write_text(before.replace(mutation.old, mutation.new))
    return before


def run(words: str) -> tuple[str, list[Caught]]:
    """The red test of the baseline, if any; and what became of each mutation."""
    chosen = [one for title, group in ALL for one in group if words in f"{title}: {one.name}"]
    with copied() as copy:
        for mutation in chosen:  # each fits, before the first long run
            (copy / mutation.file).write_text(apply(copy, mutation))
        began = time.monotonic()
        red = first_red(copy, sorted({test for one in chosen for test in one.tests}), loud=True)
        print(f"baseline: {red or 'green'} ({time.monotonic() - began:.0f} s)", flush=True)
        if red:
            return red, []
        caught = []
        for mutation in chosen:
            began = time.monotonic()
            before = apply(copy, mutation)
            by = first_red(copy, mutation.tests)
            (copy / mutation.file).write_text(before)
            caught.append(Caught(mutation, by, time.monotonic() - began))
            print(f"{mutation.name}: {by or 'SURVIVED'} ({caught[-1].seconds:.0f} s)", flush=True)
        return "", caught


def table(caught: Sequence[Caught]) -> str:
    """The results as a page."""
    by_name = {one.mutation.name: one for one in caught}
    survived = sum(not one.by for one in caught)
    lines = [
        "# Mutations and the tests that caught them",
        "",
        "Written by `python -m tests.mutate --write`: each safeguard of the delivery core, and the score that counts on, is broken in a copy of the checkout; the",
        f"tests must turn red. {len(caught)} mutations, {survived} survived; {sum(one.seconds for one in caught):.0f} s.",
    ]
    for title, group in ALL:
        lines += ["", f"## {title}", "", "| Broken | In life | Caught by | s |", "| --- | --- | --- | ---: |"]
        for mutation in group:
            if (one := by_name.get(mutation.name)) is not None:
                by = f"`{one.by.removeprefix('tests/')}`" if one.by else "**survived**"
                lines.append(f"| {mutation.name} | {mutation.in_life} | {by} | {one.seconds:.0f} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    words = " ".join(one for one in arguments if one != "--write")
    with stack.infrastructure() as found:
        os.environ.update(LEADFLOW_KAFKA=found.kafka, LEADFLOW_POSTGRES=found.postgres)
        red, caught = run(words)
    if red:
        print(f"Without any mutation {red} is red: mend that first.")
        return 1
    if "--write" in arguments and not words:
        RESULTS.write_text(table(caught))
    survived = [one.mutation.name for one in caught if not one.by]
    print(f"{len(caught)} mutations, {len(survived)} survived{': ' if survived else ''}{'; '.join(survived)}")
    return 1 if survived or not caught else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
