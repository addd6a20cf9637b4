"""`leads stack ...` and `leads up|down|status|doctor`: the command line of services.console.stack and .doctor, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from services.console import doctor as doctor_
from services.console import stack

stack_app = typer.Typer(no_args_is_help=True, help="Run the local stack, and drill it.")

Name = Annotated[str, typer.Argument(help="kafka, postgres, a service, or one instance such as score-1.")]


@stack_app.command()
def up(
    services: Annotated[bool, typer.Option(help="With --no-services only Kafka and Postgres are started.")] = True,
) -> None:
    """Start the local stack; returns when everything answers."""
    stack.up(services=services)


@stack_app.command()
def down() -> None:
    """Stop the local stack; no process and no port is left, the data stays."""
    stack.down()


@stack_app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say where everything is."""
    stack.status(as_json=as_json)


@stack_app.command()
def clean() -> None:
    """Stop the local stack and delete its data, logs and secrets."""
    stack.clean()


@stack_app.command()
def kill(
    name: Name, hold: Annotated[bool, typer.Option("--hold", help="Keep it dead until `leads stack start`.")] = False
) -> None:
    """Kill with SIGKILL; the supervisor restarts what it finds dead."""
    stack.kill(name, hold=hold)


@stack_app.command()
def stop(name: Name) -> None:
    """Stop politely; it stays down until `leads stack start`."""
    stack.stop(name)


@stack_app.command()
def start(name: Name) -> None:
    """Start what was stopped or held dead; returns when it answers."""
    stack.start(name)


@stack_app.command()
def scale(
    service: Annotated[str, typer.Argument(help="The service.")],
    instances: Annotated[int, typer.Argument(help="How many instances it shall have.", min=0)],
) -> None:
    """Add or remove instances of a service."""
    stack.scale(service, instances)


@stack_app.command()
def tell(
    name: Name,
    pairs: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="None takes them back.")] = None,
) -> None:
    """Restart a service with environment variables beyond the usual, such as CRASH_AT=after_commit:3."""
    wrong = [pair for pair in pairs or () if not pair.partition("=")[1]]
    if wrong:
        raise typer.BadParameter(f"not KEY=VALUE: {', '.join(wrong)}")
    stack.tell(name, {key: value for key, _, value in (pair.partition("=") for pair in pairs or ())})


@stack_app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Name what this machine lacks for the local stack, each with what to do; exit code 1 if something needed is missing."""
    raise typer.Exit(doctor_.run(as_json=as_json))


if __name__ == "__main__":
    stack_app()
