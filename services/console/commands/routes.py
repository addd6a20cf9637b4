"""`leads routes ...`: routing documents, from a draft to what is in force, and why a lead went where it went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import documents, screen
from services.console.ask import Ask
from services.console.commands import versions
from services.console.commands.person import By, Person, me
from services.console.commands.queue import id_of
from services.console.commands.versions import Earlier, Note, Which
from services.console.documents import Kind
from services.console.domain import path, words
from services.console.screen import Json
from services.console.where import Trouble, find

app = typer.Typer(no_args_is_help=True, help="Who gets which lead: look through, try, publish, take back, explain.")

ROUTES = Kind("route", "/v1/routes", "routing document")


@app.command()
def lint(files: Annotated[list[Path], typer.Argument(help="YAML documents.")], as_json: Json = False) -> None:
    """Say everything against a routing document: each mistake with its place, and what is never reached or used.

    Needs no running stack. Exit code 1 when there is something to say, 2 when a file can't be read.
    """
    versions.lint("services.route.lint", files, as_json=as_json)


versions.add_to(app, ROUTES)


@app.command()
def publish(which: Which, note: Note = None, by: By = None, as_json: Json = False) -> None:
    """Put a document in force, within seconds. What somebody has who is not among its owners any more is passed on; who waits is looked at anew."""
    ask = ROUTES.ask()
    text, before = ROUTES.text(ask, which), ROUTES.in_force(ask)
    done = documents.publish(ROUTES, ask, text, by=by or me(), note=note, options={}, instead_of=before)
    _said(done, as_json=as_json)


@app.command()
def rollback(
    version: Earlier = None,
    note: Note = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Publish an earlier version again."""
    ask = ROUTES.ask()
    version = version or ROUTES.before(ask)
    _said(documents.rollback(ROUTES, ask, version, by=by or me(), note=note, options={}), as_json=as_json)


@app.command()
def status(as_json: Json = False) -> None:
    """Say which version is in force."""
    found = documents.status(ROUTES)
    if as_json:
        screen.as_json(found)
    else:
        documents.in_force_shown(found)


@app.command()
def simulate(
    which: Annotated[
        str | None, typer.Argument(metavar="[FILE|VERSION]", help="Without it: the document in force.")
    ] = None,
    last: Annotated[
        int, typer.Option(min=1, max=5000, help="So many of the last leads that were given or wait.")
    ] = 200,
    every: Annotated[bool, typer.Option("--all", help="Show those that would go where they went, too.")] = False,
    as_json: Json = False,
) -> None:
    """Try a document on the last leads: who would have got what, beside who did. Nothing of it happens."""
    ask = ROUTES.ask()
    body: dict[str, Any] = {"last": last, **({"text": ROUTES.text(ask, which)} if which is not None else {})}
    found = ask.post("route", "/v1/routes/simulate", body)
    if as_json:
        screen.as_json(found)
        return
    screen.line(f"Of {found['leads']} leads {found['changed']} would have gone elsewhere.")
    screen.table(
        "",
        ("owner", "got", "would have got"),
        [(one["owner"] or "(waits)", one["was"], one["would"]) for one in found["owners"]],
        right=("got", "would have got"),
    )
    rows = [_row(one) for one in found["cases"] if every or one["was"] != one["would"]]
    if rows:
        screen.table("", ("lead", "when (UTC)", "went to", "would go to", "by"), rows)


@app.command("explain")
def explain_(lead: Person, as_json: Json = False) -> None:
    """Say in words why a lead went to whom it went, or why it waits: each rule that was tried, and who was passed over."""
    ask = Ask(find())
    lead_id = id_of(ask, lead)
    given = ask.get("route", f"/v1/leads/{quote(lead_id, safe='')}/handovers")["handovers"]
    waiting = ask.find("route", f"/v1/queue/{quote(lead_id, safe='')}")
    if as_json:
        screen.as_json({"lead_id": lead_id, "handovers": given, "waiting": waiting})
        return
    if not given and waiting is None:
        raise Trouble(
            f"{lead_id} was never handed over, and does not wait. `leads lead show {lead_id}` tells its stage."
        )
    for one in given:
        title = f"{one['handover_id']}: to {one['owner']['id']}, {words.moment(str(one['created_at']))}"
        screen.sentences(title, path.told(one["path"]))
    if waiting is not None:
        screen.sentences(
            f"It waits since {words.moment(str(waiting['since']))}: {waiting['reason']}", path.told(waiting["path"])
        )


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    steps = [step for step in one["path"] if step["matched"]]
    by = steps[0]["rule"] if steps else one["reason"]
    would = one["would"] or f"(waits: {one['reason']})"
    return (one["lead_id"], words.moment(str(one["at"])), one["was"] or "(waits)", would, by)


def _said(done: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"{done['result']} is in force.")
