"""The operator's commands for the local stack, in words and tables: up, down, status, drills. What they do is in deploy.local."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from deploy.local import drills, layout, stack, supervisor


def up(*, services: bool = True) -> None:
    """Starts the stack and returns when everything answers; `services=False` starts Kafka and Postgres alone."""
    with _mistakes_told():
        out = Console()
        with out.status("looking at ports") as now:
            running = stack.start(
                layout.from_environment(), services=services, tell=lambda step: now.update(f"{step} ...")
            )
        out.print(_table(running))
        if services:
            print(f"The console is at {stack.url(running, 'console-0')}; `leads down` stops everything.")


def down() -> None:
    """Stops the stack; no process and no port is left, the data stays."""
    with _mistakes_told():
        wanted = layout.from_environment()
        stack.stop(wanted)
        print(f"Nothing runs any more. The data is kept in {wanted.home}; `leads stack clean` deletes it.")


def clean() -> None:
    """Stops the stack and deletes its data, logs and secrets."""
    with _mistakes_told():
        wanted = layout.from_environment()
        stack.stop(wanted)
        stack.remove(wanted)


def status(*, as_json: bool = False) -> None:
    """Prints where everything is. Exit code 1 when no stack runs in this home."""
    with _mistakes_told():
        wanted = layout.from_environment()
        if as_json:
            print(json.dumps(stack.describe(wanted), indent=2))
        if not supervisor.is_running(wanted):
            print(f"No stack runs in {wanted.home}. Start it with `leads up`.", file=sys.stderr)
            raise SystemExit(1)
        if not as_json:
            Console().print(_table(layout.saved(wanted)))


def kill(name: str, *, hold: bool = False) -> None:
    """SIGKILL for all instances of a service, for one instance, or for Kafka or Postgres."""
    with _mistakes_told():
        pids = drills.kill(layout.from_environment(), name, hold=hold)
        print(f"Killed {name}: {', '.join(map(str, pids)) or 'it did not run'}.", end=" ")
        print(f"It stays dead until `leads stack start {name}`." if hold else "The supervisor restarts it.")


def stop(name: str) -> None:
    """Stops a service, an instance, Kafka or Postgres politely."""
    with _mistakes_told():
        drills.stop(layout.from_environment(), name)
        print(f"Stopped {name}. `leads stack start {name}` starts it again.")


def start(name: str) -> None:
    """Starts what was stopped or held, and waits until it answers."""
    with _mistakes_told():
        drills.start(layout.from_environment(), name)
        print(f"{name} answers.")


def scale(service: str, instances: int) -> None:
    """Adds or removes instances of a service."""
    with _mistakes_told():
        drills.scale(layout.from_environment(), service, instances)
        print(f"{service} has {instances} instance{'' if instances == 1 else 's'}.")


def tell(name: str, environment: Mapping[str, str]) -> None:
    """Restarts a service or an instance with these environment variables beyond the usual, or without any."""
    with _mistakes_told():
        drills.tell(layout.from_environment(), name, environment)
        print(f"{name} was told {', '.join(environment) or 'nothing beyond the usual'} and answers.")


def _table(running: layout.Layout) -> Table:
    found = supervisor.processes(running)
    described = cast(Mapping[str, Any], stack.describe(running))
    table = Table("program", "state", "pid", "where")
    where = {"kafka": running.kafka, "postgres": f"{layout.HOST}:{running.ports['postgres']}"}
    for name in (*layout.INFRASTRUCTURE, *running.members):
        if process := found.get(name):
            address = where.get(name) or stack.url(running, name)
            table.add_row(name, process.state.lower(), str(process.pid or ""), address)
    table.caption = (
        f"data, passwords and token: {described['data']} (leads status --json); logs: {described['data']}/log"
    )
    return table


@contextmanager
def _mistakes_told() -> Iterator[None]:
    try:
        yield
    except layout.SetupError as mistake:
        print(mistake, file=sys.stderr)
        raise SystemExit(1) from None
