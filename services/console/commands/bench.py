"""`leads bench`: runs the benchmark of this checkout."""

from __future__ import annotations

import subprocess
import sys

import typer

from deploy.local.layout import CHECKOUT
from services.console.where import Trouble


def bench(context: typer.Context) -> None:
    """Measure speed with a real Kafka and Postgres on this machine; what follows is passed on (--quick, --help)."""
    if not (CHECKOUT / "tests" / "bench").is_dir():
        raise Trouble(f"The benchmark is in a checkout's tests/bench, and {CHECKOUT} has none. Run it from a clone.")
    done = subprocess.run([sys.executable, "-m", "tests.bench", *context.args], cwd=CHECKOUT, check=False)
    raise SystemExit(done.returncode)
