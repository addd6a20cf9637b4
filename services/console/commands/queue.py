"""`leads queue ...`: leads in SQL that nobody has, and giving them to somebody."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import explain, screen
from services.console.ask import Ask
from services.console.commands.person import By, Person, Reason, me
from services.console.domain import path, words
from services.console.screen import Json
from services.console.where import find

app = typer.Typer(no_args_is_help=True, help="Leads that are ready for sales and that nobody has.")


def id_of(ask: Ask, lead: str) -> str:
    """The id of a lead by what was given for it: an id as it is, else what enrich finds by an e-mail or a phone. Raises Trouble."""
    return lead if lead.startswith("ld_") else str(explain.enriched(ask, lead)["lead_id"])


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=1000)] = 50, as_json: Json = False) -> None:
    """List the leads that wait, the longest first, and why."""
    found = Ask(find()).get("route", "/v1/queue", limit=limit)
    if as_json:
        screen.as_json(found)
        return
    if not found["leads"]:
        screen.line("Nobody waits.")
        return
    rows = [(one["lead_id"], words.moment(str(one["since"])), one["reason"]) for one in found["leads"]]
    screen.table(f"{found['total']:,} wait", ("lead", "since (UTC)", "why"), rows)
    if found["next"]:
        screen.line("There are more: --limit shows up to 1,000, GET /v1/queue all of them in pages.")


@app.command()
def show(lead: Person, as_json: Json = False) -> None:
    """Show why one lead waits: each rule that was tried, and who was passed over."""
    ask = Ask(find())
    lead_id = id_of(ask, lead)
    found: dict[str, Any] = ask.get("route", f"/v1/queue/{quote(lead_id, safe='')}")
    if as_json:
        screen.as_json(found)
        return
    screen.sentences(f"It waits since {words.moment(str(found['since']))}: {found['reason']}", path.told(found["path"]))


@app.command()
def assign(
    lead: Person,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="An owner's id in the routing document.")],
    reason: Reason = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Give a lead that waits to an owner, free or not."""
    ask = Ask(find())
    lead_id = id_of(ask, lead)
    quoted = quote(lead_id, safe="")
    ask.get("route", f"/v1/queue/{quoted}")  # one that does not wait is told so
    done = ask.command("route", f"/v1/leads/{quoted}/assign", {"owner": owner, "reason": reason, "by": by or me()})
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"{owner} has the lead now. `leads handovers show {done['result']}` tells more.")
