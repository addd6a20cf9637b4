"""`leads nurture ...`: what people get who are not ready for sales: documents from a draft to what is in force, and who is where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.console import documents, screen
from services.console.commands import versions
from services.console.commands.person import By, me
from services.console.commands.versions import Earlier, Note, Which
from services.console.documents import Kind
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="Nurture tracks: look through, publish, take back, see who is where.")

NURTURE = Kind("route", "/v1/nurture", "nurture document")


@app.command()
def lint(files: Annotated[list[Path], typer.Argument(help="YAML documents.")], as_json: Json = False) -> None:
    """Say every mistake in a nurture document, with its place. Needs no running stack. Exit code 1 when there is one, 2 when a file can't be read."""
    versions.lint("services.route.lint", files, "--nurture", as_json=as_json)


versions.add_to(app, NURTURE)


@app.command()
def publish(which: Which, note: Note = None, by: By = None, as_json: Json = False) -> None:
    """Put a document in force, within seconds. Who is inside a track goes on by the ids of its steps (README, Nurture)."""
    ask = NURTURE.ask()
    text, before = NURTURE.text(ask, which), NURTURE.in_force(ask)
    done = documents.publish(NURTURE, ask, text, by=by or me(), note=note, options={}, instead_of=before)
    _said(done["result"], done, as_json=as_json)


@app.command()
def rollback(
    version: Earlier = None,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Publish an earlier version again."""
    ask = NURTURE.ask()
    done = documents.rollback(NURTURE, ask, version or NURTURE.before(ask), by=by or me(), note=note, options={})
    _said(done["result"], done, as_json=as_json)


@app.command()
def status(as_json: Json = False) -> None:
    """Say which version is in force, how many leads are at each step, and what the steps of the last day came to."""
    found = documents.status(NURTURE)
    if as_json:
        screen.as_json(found)
        return
    documents.in_force_shown(found)
    rows = [(*place.split("/", 1), leads) for place, leads in found["enrolled"].items()]
    screen.table("Who is where", ("track", "step", "leads"), rows, right=("leads",))
    steps = [(one["track"], one["step"], one["came_to"], one["times"]) for one in found["steps"]]
    screen.table("The last day", ("track", "step", "came to", "times"), steps, right=("times",))


def _said(version: object, done: object, *, as_json: bool) -> None:
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"{version} is in force. `leads nurture status` says who is where.")
