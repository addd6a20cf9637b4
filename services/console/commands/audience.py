"""`leads audience ...`: who ad platforms are told of, hashed as they take it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.screen import Json

app = typer.Typer(
    no_args_is_help=True, help="Audiences for ad platforms: segments, and whom tracks add; only who consents."
)

_PAGE = 10_000


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the audiences and how many are in each."""
    found = Ask(where.find()).get("route", "/v1/audiences")
    if as_json:
        screen.as_json(found)
        return
    rows = [(one["audience"], one["members"], one["changed_at"]) for one in found["audiences"]]
    screen.table("", ("audience", "members", "last change"), rows, right=("members",))


@app.command()
def export(
    audience: Annotated[str, typer.Argument(metavar="AUDIENCE", help="From `leads audience list`.")],
    since: Annotated[str, typer.Option("--since", metavar="CURSOR", help="Only what changed since this export.")] = "",
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Otherwise to standard output.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON lines.")] = False,
) -> None:
    """Write who is in an audience, or with --since who came in and who left. The next cursor goes to standard error."""
    ask = Ask(where.find())
    out = to.open("wb") if to is not None else sys.stdout.buffer
    try:
        is_first = True
        while True:
            body, next_ = ask.export(
                "route", f"/v1/audiences/{audience}", since=since, format="csv" if csv else "jsonl", limit=_PAGE
            )
            lines = body.splitlines(keepends=True)
            out.write(b"".join(lines if is_first or not csv else lines[1:]))
            if next_ == since:
                break
            since, is_first = next_, False
        out.flush()
    finally:
        if to is not None:
            out.close()
    print(f"Next time: --since '{next_}'", file=sys.stderr)
