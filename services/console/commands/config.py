"""`leads config show`: what each service was told."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deploy.local.layout import SERVICES
from services.console import screen
from services.console.ask import Ask
from services.console.screen import Json
from services.console.where import Trouble, find

app = typer.Typer(no_args_is_help=True, help="What the services are configured to do.")


@app.command()
def show(
    service: Annotated[str, typer.Argument(help="One service; without it all.")] = "",
    origin: Annotated[
        bool, typer.Option("--origin", help="Where each value comes from: environment or default.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the settings that one instance of each service runs with. Secrets and passwords are masked."""
    if service and service not in SERVICES:
        raise Trouble(f"There is no service {service}. There are {', '.join(SERVICES)}.")
    ask = Ask(find())
    found: dict[str, Any] = {
        one: ask.get(one, "/v1/config")["settings"] for one in ([service] if service else SERVICES)
    }
    if as_json:
        screen.as_json(found)
        return
    for name, settings in found.items():
        columns = ("variable", "value", "from") if origin else ("variable", "value")
        rows = [(one["variable"], one["value"], one["origin"])[: len(columns)] for one in settings]
        screen.table(name, columns, rows)
