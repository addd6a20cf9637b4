"""`leads handovers ...`: who has which lead, where it stands, and what was said of it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.domain import words
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="Handovers: who has which lead, where each stands, what sales said.")

Limit = Annotated[int, typer.Option(min=1, max=1000)]


@app.command("list")
def list_(
    owner: Annotated[str | None, typer.Option("--owner", metavar="ID", help="Only this owner's.")] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only those that stand there: offered, accepted ... expired, withdrawn."),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List handovers, the newest first."""
    asked = {"owner": owner, "state": state}
    given = {name: value for name, value in asked.items() if value is not None}
    found = Ask(where.find()).get("route", "/v1/handovers", limit=limit, **given)
    if as_json:
        screen.as_json(found)
        return
    if not found["handovers"]:
        screen.line("There is none." if given else "Nothing was handed over yet.")
        return
    screen.table(
        "",
        ("handover", "owner", "state", "since (UTC)", "accept by (UTC)", "contact by (UTC)"),
        [_row(one) for one in found["handovers"]],
    )
    if found["next"]:
        screen.line("There are more: --limit shows up to 1,000, GET /v1/handovers all of them in pages.")


@app.command()
def show(
    handover: Annotated[str, typer.Argument(metavar="ID", help="A handover's id, ho_...")],
    as_json: Json = False,
) -> None:
    """Show one handover: who has it and why, its deadlines, how long everything took, and each outcome with its verdict."""
    found = Ask(where.find()).get("route", f"/v1/handovers/{quote(handover, safe='')}")
    if as_json:
        screen.as_json(found)
        return
    print_handover(found)
    outcomes = found["outcomes"]
    if not outcomes:
        screen.line("Nothing was said of it yet.")
        return
    screen.table(
        "what was said",
        ("outcome", "when (UTC)", "by", "reason", "verdict"),
        [
            (
                one["outcome"],
                words.moment(one["occurred_at"]),
                one.get("by"),
                one.get("reason"),
                f"{one['verdict']}: {one['remark']}" if one.get("remark") else one["verdict"],
            )
            for one in outcomes
        ],
    )


def print_handover(handover: dict[str, Any]) -> None:
    """One handover for people."""
    owner = handover["owner"]
    who = owner.get("name") or owner["id"]
    team = f", team {owner['team']}" if owner.get("team") else ""
    lines = [
        ("when", words.moment(str(handover["created_at"]))),
        ("mail", str(owner.get("email") or "")),
        ("state", words.state(str(handover.get("state")))),
        ("why them", " > ".join(_step(step) for step in handover["path"])),
        *(
            (f"{deadline} by", words.moment(str(handover[f"{deadline}_by"])))
            for deadline in ("accept", "contact")
            if handover.get(f"{deadline}_by")
        ),
        *(
            (("escalated", f"not done in time: {', '.join(handover['escalated'])}"),)
            if handover.get("escalated")
            else ()
        ),
        *((step, _took(took)) for step, took in handover.get("human_seconds", {}).items()),
        ("handover id", str(handover["handover_id"])),
    ]
    screen.sentences(f"Handed over to {who}{team}", lines)


def _took(took: dict[str, float]) -> str:
    wall = f"{took['wall']:,.0f} s after the handover"
    return f"{wall}, {took['working']:,.0f} s of working time" if "working" in took else wall


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    late = [name for name in ("accept", "contact") if one.get(f"{name}_escalated")]
    return (
        one["handover_id"],
        one["owner"],
        f"{one['state']} ({', '.join(late)} escalated)" if late else one["state"],
        words.moment(one["created_at"]),
        words.moment(one["accept_by"]) if one.get("accept_by") else None,
        words.moment(one["contact_by"]) if one.get("contact_by") else None,
    )


def _step(step: dict[str, Any]) -> str:
    if not step["matched"]:
        return f"{step['rule']} no"
    why = ", ".join(str(step[name]) for name in ("to", "because") if step.get(name))
    return f"{step['rule']} yes{f' ({why})' if why else ''}"
