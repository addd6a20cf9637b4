"""What commands about a person share: who is meant, who says so, and why. What they do is each command's own."""

from __future__ import annotations

import os
from typing import Annotated

import typer

NAMED = "ID|EMAIL|PHONE"
Person = Annotated[
    str, typer.Argument(metavar=NAMED, help="A lead id (a merged one will do), an e-mail or a phone number.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for those who look later.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so; else who you are on this machine.")]


def me() -> str | None:
    """Who is at this machine."""
    return os.environ.get("USER") or None
