"""`leads property ...`: the web properties that may send, kept by capture."""

from __future__ import annotations

from typing import Annotated

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="The web properties that may send events, and their write keys.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name; also its id in events.")],
    origin: Annotated[list[str] | None, typer.Option(help="A page's origin, such as https://www.acme.example.")] = None,
    thank_you: Annotated[str | None, typer.Option(help="Where a browser goes after its form was taken.")] = None,
    country: Annotated[str | None, typer.Option(help="Where its visitors are from, as ISO 3166: DE.")] = None,
    quota: Annotated[int | None, typer.Option(min=1, help="The most events it may send.")] = None,
    as_json: Json = False,
) -> None:
    """Make a property and print its write key."""
    made = Ask(where.find()).post(
        "capture",
        "/v1/properties",
        {"name": name, "origins": origin or [], "thank_you_url": thank_you, "country": country, "quota": quota},
    )
    if as_json:
        screen.as_json({"property": made["property"], "write_key": made["write_key"]})
        return
    screen.pairs("", {"property": made["property"], "write key": made["write_key"]})
    screen.line(f"Try it: leads send form contact --key {made['write_key']} email=jo@acme.example")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the properties."""
    answer = Ask(where.find()).get("capture", "/v1/properties")
    found = answer["properties"] if isinstance(answer, dict) else answer
    if as_json:
        screen.as_json(found)
        return
    columns = ("property", "write_keys", "origins", "thank_you_url", "country", "quota")
    screen.table(
        f"{len(found)} propert{'y' if len(found) == 1 else 'ies'}",
        [column.replace("_", " ") for column in columns],
        [[_cell(one.get(column)) for column in columns] for one in found],
    )


def _cell(value: object) -> object:
    return "\n".join(map(str, value)) if isinstance(value, list) else value
