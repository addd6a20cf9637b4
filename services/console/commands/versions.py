"""What `leads rules`, `leads routes` and `leads nurture` do alike with their documents: lint; list, show, diff and draft of versions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services.console import documents
from services.console.commands.person import By, me
from services.console.documents import Kind
from services.console.screen import Json

Which = Annotated[str, typer.Argument(metavar="FILE|VERSION", help="A YAML document, or a version from `list`.")]
Note = Annotated[str | None, typer.Option("--note", help="Why, for those who look later.")]
Earlier = Annotated[str | None, typer.Argument(metavar="[VERSION]", help="Without it: the one before the present.")]


def lint(module: str, files: Sequence[Path], *more: str, as_json: bool) -> NoReturn:
    """Says what a service's linter says of files, with its exit code: a process of its own, since the console knows no other service's
    code, and a look at a file needs no running one."""
    command = [sys.executable, "-m", module, *more, *map(str, files), *(["--json"] if as_json else [])]
    raise SystemExit(subprocess.run(command, check=False).returncode)


def add_to(app: typer.Typer, kind: Kind) -> None:
    """Gives a group of commands those of its documents."""

    @app.command("list")
    def list_(as_json: Json = False) -> None:
        """List every version that is kept: drafts, what was published and when, what is in force."""
        documents.list_(kind, as_json=as_json)

    @app.command()
    def show(version: Annotated[str, typer.Argument(metavar="VERSION")], as_json: Json = False) -> None:
        """Print a version's document."""
        documents.show(kind, version, as_json=as_json)

    @app.command(help=f"Say in words what one {kind.what} says another way than another: added, removed, changed.")
    def diff(
        one: Which,
        other: Annotated[
            str | None,
            typer.Argument(metavar="[FILE|VERSION]", help="Without it: what ONE changes of what is in force."),
        ] = None,
        as_json: Json = False,
    ) -> None:
        documents.diff(kind, one, other, as_json=as_json)

    @app.command(help=f"Keep a {kind.what} as a version that is not in force.")
    def draft(file: Path, note: Note = None, by: By = None, as_json: Json = False) -> None:
        documents.draft(kind, file, by=by or me(), note=note, as_json=as_json)
