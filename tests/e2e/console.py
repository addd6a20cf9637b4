"""The operator at the command line, and waiting for what the stack does in its own time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deploy.local.layout import CHECKOUT, Layout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs `leads` against one stack, of which it is told by its environment: of a local one its home alone."""

    told: Mapping[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What it answers, whatever that is."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}
        return subprocess.run(
            [str(Path(sys.prefix) / "bin" / "leads"), *arguments],
            env=environment | {**self.told, "NO_COLOR": "1", "COLUMNS": "160"},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )

    def says(self, *arguments: str) -> str:
        """Its words for people; fails the test when it does not succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def knows(self, *arguments: str) -> Any:
        """Its answer for programs."""
        return json.loads(self.says(*arguments, "--json"))

    def knows_or_none(self, *arguments: str) -> Any:
        """Its answer for programs, None where it knows nothing (yet)."""
        done = self.run(*arguments, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None


def of(stack: Layout) -> Operator:
    """The operator of this stack."""
    return Operator({"LEADFLOW_HOME": str(stack.home)})


def eventually(look: Callable[[], T | None], *, what: str, within_seconds: float = 45) -> T:
    """What `look` finds as soon as it finds something; fails the test when it does not in time."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within_seconds:.0f} s in vain for {what}"
        time.sleep(0.2)
