"""`make abuse`: one attack after the other on a capture of its own, while an honest sender with another key is timed. Prints a table; exits with 1 when a promise broke.

python -m tests.abuse [--seconds 20] [ATTACK ...]
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console
from rich.table import Table

from tests import stack
from tests.abuse.attacks import ATTACKS
from tests.abuse.siege import besieged


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long each attack that has no end of its own takes"
    )
    given = parser.parse_args()
    rounds = [[attack] for attack in given.attacks or ATTACKS]
    with stack.infrastructure() as running, stack.database(running.postgres) as dsn:
        told = asyncio.run(besieged(running.kafka, dsn, rounds, seconds=given.seconds, timed=True))
    table = Table(title="Abuse of capture, with an honest sender of 20 events a second beside it")
    for column in (
        "attack",
        "connections",
        "answers",
        "last closed s",
        "honest p50 ms",
        "honest p99 ms",
        "MB",
        "broken",
    ):
        table.add_column(column, justify="left" if column in ("attack", "answers", "broken") else "right")
    for one in told:
        table.add_row(*one.cells())
    Console(width=160).print(table)
    if any(one.broken for one in told):
        sys.exit(1)


if __name__ == "__main__":
    main()
