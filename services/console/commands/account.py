"""`leads account ...`: the people of a company."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.domain import words
from services.console.domain.story import called
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="Companies: the leads of each, by its domain.")

Limit = Annotated[int, typer.Option(min=1, max=500)]


@app.command()
def show(
    domain: Annotated[str, typer.Argument(help="The company's domain, acme.co.uk.")],
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show a company: its name as most of its people say it, and who they are, the latest first."""
    found = Ask(where.find()).get("enrich", f"/v1/accounts/{quote(domain, safe='')}", limit=limit)
    if as_json:
        screen.as_json(found)
        return
    name = f"{found['name']} ({found['domain']})" if found["name"] else found["domain"]
    title = f"{name}: {found['total']:,} {'lead' if found['total'] == 1 else 'leads'}"
    screen.table(
        title, ("who", "e-mail", "country", "came by", "known since (UTC)"), [_row(one) for one in found["leads"]]
    )
    if found["next"]:
        screen.line("There are more: --limit shows up to 500, GET /v1/accounts/{domain} all of them in pages.")


@app.command("list")
def list_(
    search: Annotated[str, typer.Argument(metavar="[BEGINNING]", help="How the domain begins.")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List companies by domain, with how many leads each has."""
    found = Ask(where.find()).get("enrich", "/v1/accounts", search=search, limit=limit)
    if as_json:
        screen.as_json(found)
        return
    if not found["accounts"]:
        screen.line("There is none." if search else "No lead is of a company yet.")
        return
    screen.table(
        "", ("domain", "leads"), [(one["domain"], one["leads"]) for one in found["accounts"]], right=("leads",)
    )
    if found["next"]:
        screen.line("There are more: --limit shows up to 500.")


def _row(lead: dict[str, Any]) -> tuple[object, ...]:
    profile = lead["profile"]
    touch = lead.get("first_touch") or {}
    return (
        called({"profile": {**profile, "company": None}}),
        (profile.get("email") or {}).get("address"),
        profile.get("country"),
        words.channel(touch["channel"]) if touch.get("channel") else None,
        words.moment(str(lead["made_at"])),
    )
