"""`leads rules backtest`: what a draft would change, on the whole history. Score does the work; here it is asked for, watched and shown."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.console import backtest_page, screen, where
from services.console.ask import Ask
from services.console.domain import backtest as words
from services.console.screen import Json
from services.console.where import Trouble

_PATH = "/v1/rulesets/backtest"
_MOVED = 10  # shown in a terminal; the page and --json have all that are told
_WATCHED_SECONDS = 0.3
_LEADS_SECONDS = 600.0
_ENDS = {"failed": "failed", "cancelled": "was ended by somebody"}


def backtest(
    file: Annotated[Path, typer.Argument(help="The draft, a YAML document.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="T", help="As of this moment (RFC 3339), as known then; else now.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="VERSION", help="Compare with this version; else what is in force."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with plots, one file, to be sent around."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a draft would change: who changes stage, points before and after, which rules do it, and how well each foretells sales.

    Looks at every lead with its whole history; nothing is changed. Ctrl-C ends it. Example: leads rules backtest draft.yaml --html draft.html
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Trouble(f"{file} can't be read: {why}. Name a ruleset's YAML file.") from None
    ask = Ask(where.find())
    wanted = {"text": text, "at": at, "against": against}
    begun = ask.post("score", _PATH, {name: value for name, value in wanted.items() if value is not None})
    path = f"{_PATH}/{begun['backtest_id']}"
    found = _watched(ask, path)
    if found["status"] != "done":
        raise Trouble(f"The backtest {_ENDS[found['status']]}{': ' + found['reason'] if 'reason' in found else ''}.")
    found["against"] = against
    if html is not None:
        _write(html, backtest_page.page(found))
    if as_json:
        _as_json(ask, path, found)
        return
    _show(found)
    if html is not None:
        screen.line(f"The page is in {html}.")


def _watched(ask: Ask, path: str) -> dict[str, Any]:
    """The backtest when it has ended, however it did; with a bar until then. Who gives up ends it at the service too."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=screen.errors, transient=True) as progress:
            bar = progress.add_task("leads", total=None)
            while True:
                found: dict[str, Any] = ask.get("score", path)
                if found["status"] not in ("waiting", "running"):
                    return found
                told = "waits for another backtest" if found["status"] == "waiting" else "leads"
                progress.update(bar, total=found["leads"] or None, completed=found["done"], description=told)
                time.sleep(_WATCHED_SECONDS)
    except KeyboardInterrupt:
        with contextlib.suppress(Trouble):
            ask.delete("score", path)
        raise Trouble("Ended before it was done; nothing was changed.") from None


def _as_json(ask: Ask, path: str, found: dict[str, Any]) -> None:
    """One document, its leads as they come: with a million of them it is not all in memory."""
    document = {name: found[name] for name in ("backtest_id", "at", "before", "after", "report")}
    resting = []
    sys.stdout.write(json.dumps(document, ensure_ascii=False)[:-1] + ',\n"leads": [')
    between = "\n"
    for row in ask.lines("score", f"{path}/leads", seconds=_LEADS_SECONDS):
        afresh = {side: row[side].pop("afresh") for side in ("before", "after") if "afresh" in row[side]}
        if afresh:
            resting.append({"lead_id": row["lead_id"], "afresh": afresh})
        sys.stdout.write(f"{between}{json.dumps(row)}")
        between = ",\n"
    sys.stdout.write(f'\n],\n"resting_on_earlier_decisions": {json.dumps(resting)}}}\n')
    sys.stdout.flush()


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Trouble(f"{path} can't be written: {error.strerror}. Name another file.") from None


def _show(found: dict[str, Any]) -> None:
    """All of it for a terminal, the most important first."""
    report = found["report"]
    for said in (*words.headline(found), words.compared(found)):
        screen.line(said)
    screen.line("")
    for title, table in (
        ("Stages (rows: before, columns: after)", words.stage_table(report)),
        ("Leads by points", words.bucket_table(report)),
        ("Leads whose points change most", words.moved_table(report, _MOVED)),
        ("Ready for sales (SQL), and what sales said", words.outcome_table(report)),
    ):
        if table.rows:
            screen.table(title, table.columns, table.rows, right=table.right)
    for said in words.waiting(report):
        screen.line(said)
    if silent := words.never(report):
        named = ", ".join(f"{rule} ({why})" if why else rule for rule, why in silent)
        screen.line(f"Rules of the draft that count for no lead: {named}.")
    if report["resting_on_earlier_decisions"]:
        screen.line(words.resting(report))
