"""`leads rules ...`: rulesets, from a draft to what is in force."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.console import documents, screen
from services.console.ask import Ask
from services.console.commands import backtest, versions
from services.console.commands.person import By, me
from services.console.commands.versions import Earlier, Note, Which
from services.console.documents import Kind
from services.console.screen import Json
from services.console.where import Trouble

app = typer.Typer(no_args_is_help=True, help="Rulesets: look through, try, publish, take back.")
app.command("backtest")(backtest.backtest)

RULES = Kind("score", "/v1/rulesets", "ruleset")
SHADOW = Kind("score", "/v1/rulesets/shadow", "ruleset")
_RATE = re.compile(r"([1-9]\d{0,8})/h")
_PREVIEW_SECONDS = 3600.0

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NoHandover = Annotated[
    bool, typer.Option("--no-handover", help="Whom this alone brings into SQL enters it with the next thing they do.")
]
Rate = Annotated[
    str | None, typer.Option("--rate", metavar="N/h", help="Whom this alone brings into SQL enters it at this rate.")
]


@app.command()
def lint(files: Annotated[list[Path], typer.Argument(help="YAML documents.")], as_json: Json = False) -> None:
    """Say everything against a ruleset: each mistake with its place, what does nothing, and which of its own examples fail.

    Needs no running stack. Exit code 1 when there is something to say, 2 when a file can't be read.
    """
    versions.lint("services.score.lint", files, as_json=as_json)


versions.add_to(app, RULES)


@app.command()
def publish(
    which: Which,
    yes: Yes = False,
    no_handover: NoHandover = False,
    rate: Rate = None,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Put a ruleset in force. First it is said how many leads would enter SQL; then every lead is scored again in the background."""
    ask = RULES.ask()
    text = RULES.text(ask, which)
    before = RULES.in_force(ask)
    found = _foreseen(ask, text, quiet=as_json)
    options = _options(found, no_handover=no_handover, rate=rate)
    _ask_whether("Publish", found, options, yes=yes, quiet=as_json)
    done = documents.publish(RULES, ask, text, by=by or me(), note=note, options=options, instead_of=before)
    _said(done, found, as_json=as_json)


@app.command()
def rollback(
    version: Earlier = None,
    yes: Yes = False,
    no_handover: NoHandover = False,
    rate: Rate = None,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Publish an earlier version again."""
    ask = RULES.ask()
    version = version or RULES.before(ask)
    found = _foreseen(ask, str(RULES.version(ask, version)["text"]), quiet=as_json)
    options = _options(found, no_handover=no_handover, rate=rate)
    _ask_whether(f"Go back to {version}", found, options, yes=yes, quiet=as_json)
    done = documents.rollback(RULES, ask, version, by=by or me(), note=note, options=options)
    _said(done, found, as_json=as_json)


@app.command()
def status(
    wait: Annotated[bool, typer.Option("--wait", help="Until every lead is scored again.")] = False,
    as_json: Json = False,
) -> None:
    """Say which version is in force, and how many leads are still to be scored by it."""
    found = _waited() if wait else documents.status(RULES)
    if as_json:
        screen.as_json(found)
        return
    documents.in_force_shown(found)
    if (rescore := found["rescore"]) is not None:
        left = rescore["waiting"]
        screen.line(
            f"{rescore['done']} of {rescore['leads']} leads are scored by it"
            + (f", {left} wait for their turn." if left else ", all of them.")
        )


@app.command()
def shadow(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|VERSION]", help="What is to run in the shadow. Without it: how it differs."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="No ruleset runs in the shadow any more.")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let a ruleset run beside the live one, and say how they differ. Nobody is told of its scores."""
    ask = SHADOW.ask()
    if which is not None or off:
        if which is not None and off:
            raise Trouble("Either a ruleset or --off.")
        body = {"text": RULES.text(ask, which) if which is not None else "", "by": by or me()}
        done = ask.command(SHADOW.service, f"{SHADOW.path}/publish", body)
        if as_json:
            screen.as_json(done)
        elif off:
            screen.line("No ruleset runs in the shadow any more.")
        else:
            screen.line(f"{done['result']} runs in the shadow. `leads rules shadow` says how it differs.")
        return
    found = documents.status(SHADOW)
    if as_json:
        screen.as_json(found)
    elif (report := found["report"]) is None:
        screen.line("No ruleset runs in the shadow. `leads rules shadow FILE` lets one.")
    else:
        _shadow_shown(found["in_force"][0]["version"], report)


def _shadow_shown(version: str, report: dict[str, Any]) -> None:
    screen.line(
        f"{version} runs in the shadow: {report['leads']} leads looked at, the oldest look at {report['oldest_look']}. "
        f"In SQL: {report['in_sql_live']} live, {report['in_sql']} in the shadow; {report['entered_sql']} times a lead entered it there."
    )
    rows = [(one["before"], one["after"], one["leads"]) for one in report["stages"]]
    screen.table("Stages", ("live", "in the shadow", "leads"), rows, right=("leads",))
    most = [
        (one["lead_id"], one["before"]["total"], one["before"]["stage"], one["after"]["total"], one["after"]["stage"])
        for one in report["most_moved"]
    ]
    screen.table("Most moved", ("lead", "live", "", "in the shadow", ""), most, right=("live", "in the shadow"))


def _foreseen(ask: Ask, text: str, *, quiet: bool) -> dict[str, Any]:
    """What publishing this text would do to every lead, with a bar while it is being found out."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.errors, disable=quiet, transient=True) as progress:
        bar = progress.add_task("what it would change", total=None)
        for line in ask.lines(RULES.service, f"{RULES.path}/preview", {"text": text}, seconds=_PREVIEW_SECONDS):
            if "result" in line:
                result: dict[str, Any] = line["result"]
                return result
            progress.update(bar, completed=line["done"], total=line["of"])
    raise Trouble("score broke off while it looked what would change. Look at `leads status`, then try again.")


def _options(found: dict[str, Any], *, no_handover: bool, rate: str | None) -> dict[str, Any]:
    if no_handover and rate is not None:
        raise Trouble("Either --no-handover or --rate: the one holds handovers, the other lets them in one by one.")
    if no_handover:
        return {"handover": False}
    if rate is None:
        return {}
    given = _RATE.fullmatch(rate)
    if given is None:
        raise Trouble(f"{rate} is no rate. Example: --rate 50/h")
    return {"rate_per_hour": int(given[1]), "expected": found["enter_sql"]}


def _ask_whether(what: str, found: dict[str, Any], options: dict[str, Any], *, yes: bool, quiet: bool) -> None:
    if not quiet:
        screen.line(summary(found, options))
    if not yes and (quiet or not typer.confirm(f"{what}?", err=True)):
        raise Trouble("Nothing was published." + (" With --json it needs --yes." if quiet else ""))


def summary(found: dict[str, Any], options: dict[str, Any]) -> str:
    """What a publication would do, in words."""
    entering, leaving = found["enter_sql"], found["leave_sql"]
    said = f"Of {found['leads']} leads {entering} would enter SQL and {leaving} would leave it."
    if entering and options.get("handover") is False:
        return f"{said} Those who would enter it do so with the next thing they do, not before."
    if entering and "rate_per_hour" in options:
        hours = entering / options["rate_per_hour"]
        return f"{said} Those who enter it do so at {options['rate_per_hour']} an hour, in {hours:.1f} hours."
    return f"{said} Each who enters it is handed over." if entering else said


def _said(done: dict[str, Any], found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        screen.as_json({**done, "foreseen": found})
    else:
        screen.line(f"{done['result']} is in force. Leads are scored again in the background: `leads rules status`.")


def _waited() -> dict[str, Any]:
    while (rescore := (found := documents.status(RULES))["rescore"]) is not None and rescore["waiting"]:
        time.sleep(0.5)
    return found
