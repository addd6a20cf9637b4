"""`leads rules ...`: rulesets, from a draft to what is in force."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="Rulesets: look a draft through.")


@app.command()
def lint(files: Annotated[list[Path], typer.Argument(help="YAML documents.")], as_json: Json = False) -> None:
    """Say everything against a ruleset: each mistake with its place, what does nothing, and which of its own examples fail.

    Needs no running stack. Exit code 1 when there is something to say, 2 when a file can't be read.
    """
    # A process of its own: the console knows no other service's code, and a look at a file needs no running one.
    command = [sys.executable, "-m", "services.score.lint", *map(str, files), *(["--json"] if as_json else [])]
    raise SystemExit(subprocess.run(command, check=False).returncode)
