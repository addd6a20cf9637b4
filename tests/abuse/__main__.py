"""`make abuse`: one attack after the other on a capture of its own, while an honest sender with another key is timed. Prints a table; exits with 1 when a promise broke.

python -m tests.abuse [--seconds 10] [ATTACK ...]
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console
from rich.table import Table

from tests import stack
from tests.abuse.floods import ATTACKS
from tests.abuse.honest import PER_SECOND
from tests.abuse.siege import ROUNDS, besieged


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long each round of an attack without an end of its own takes"
    )
    given = parser.parse_args()
    together = [[attack] for attack in given.attacks or ATTACKS]
    with stack.infrastructure() as running, stack.database(running.postgres) as dsn:
        told = asyncio.run(besieged(running.kafka, dsn, together, seconds=given.seconds, timed=True))
    table = Table(
        title=f"Abuse of capture, each attack {ROUNDS} times, with an honest sender of {PER_SECOND} events a second beside it",
        caption="The attack takes what CPU the others leave (SCHED_IDLE): an attacker has a machine of his own. MB: capture's memory at its "
        "highest, after the first and after the last round.",
    )
    left = ("attack", "answers", "broken")
    for column in (
        "attack",
        "connections",
        "answers",
        "last closed s",
        "honest p50 ms",
        "p99 ms",
        "MB",
        "first",
        "last",
        "CPU %",
        "attack's",
        "broken",
    ):
        table.add_column(column, justify="left" if column in left else "right")
    for one in told:
        table.add_row(*one.cells())
    Console(width=180).print(table)
    if any(one.attack == "nothing" and one.broken for one in told):
        print(
            "Without any attack it was too slow already: this machine does other things, and the times above are no verdict."
        )
    if any(one.broken for one in told):
        sys.exit(1)


if __name__ == "__main__":
    main()
