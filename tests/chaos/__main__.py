"""`python -m tests.chaos --minutes 20 --seed 1`: breaks a stack of its own and says whether the promises held. Exit code 1 when one did not."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import datetime
from pathlib import Path

import structlog

from deploy.local.layout import CHECKOUT, SetupError
from tests.chaos import report, rig
from tests.chaos.run import ALL, SPOOL, run


def main() -> int:
    """Reads the arguments, runs, tells."""
    asked = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    asked.add_argument(
        "course",
        nargs="?",
        choices=[ALL, SPOOL],
        default=ALL,
        help="what is broken: everything, or what the spool is for",
    )
    asked.add_argument("--minutes", type=float, default=2.0, help="how long to break things; in `spool`, each absence")
    asked.add_argument("--seed", type=int, default=1, help="the same seed and length give the same plan of faults")
    asked.add_argument("--per-second", type=float, default=25.0, help="posts a second")
    asked.add_argument("--home", type=Path, default=CHECKOUT / "var" / "chaos", help="a folder for the run's stack")
    asked.add_argument("--port-base", type=int, default=None, help="first of a hundred free ports; else some are found")
    asked.add_argument("--no-replay", action="store_true", help="leave out Q4")
    asked.add_argument("--write", action="store_true", help="put the summary into tests/chaos/RESULTS.md")
    asked.add_argument("--keep", action="store_true", help="keep the run's home also when every promise was kept")
    given = asked.parse_args()
    logging.disable(logging.CRITICAL)  # that the broker is away is what we do here
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        done = run(
            minutes=given.minutes,
            seed=given.seed,
            home=given.home,
            port_base=given.port_base,
            per_second=given.per_second,
            with_replay=not given.no_replay,
            tell=_tell,
            course=given.course,
        )
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.text(done, home=given.home))
    if given.write:
        command = f"make chaos MINUTES={given.minutes:g} SEED={given.seed}"
        title = f"seed {given.seed}, {given.minutes:g} minutes"
        if given.course == SPOOL:
            command = f"make chaos-spool MINUTES={given.minutes:g} PER_SECOND={given.per_second:g}"
            title = f"spool, three absences of {given.minutes:g} minutes"
        report.write(done, command=command, title=title)
    if done.judgement.holds and not given.keep:
        rig.remove(given.home)
    return 0 if done.judgement.holds else 1


def _tell(line: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {line}", flush=True)  # noqa: DTZ005 (for whoever looks on)


if __name__ == "__main__":
    raise SystemExit(main())
