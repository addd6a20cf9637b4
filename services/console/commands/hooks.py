"""`leads hooks ...`: who is told of handovers by signed webhooks, and what came of it. Kept by route."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.domain import words
from services.console.screen import Json

app = typer.Typer(
    no_args_is_help=True, help="Webhooks of handovers: who subscribes, what was delivered, sending again."
)

Hook = Annotated[str, typer.Argument(metavar="HOOK", help="A hook's id, hk_...")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="https://... of a public host.")],
    event: Annotated[
        list[str] | None,
        typer.Option("--event", help="lead.handover, lead.handover.withdrawn or lead.handover.escalated; none: all."),
    ] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Tell an address of handovers from now on. Prints the secret that messages are signed with, this once."""
    made = Ask(where.find()).post("route", "/v1/hooks", {"url": url, "events": event or [], "note": note})
    _secret(made, f"{made['hook_id']} is told of {', '.join(made['events']) or 'everything'} from now on.", as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the hooks: what waits for each, what failed, whether it is disabled and why."""
    found = Ask(where.find()).get("route", "/v1/hooks")
    if as_json:
        screen.as_json(found)
    elif not found["hooks"]:
        screen.line("There is none. `leads hooks add URL` makes one.")
    else:
        screen.table(
            "",
            ("hook", "address", "events", "state", "waiting", "failed", "last delivered (UTC)"),
            [_row(one) for one in found["hooks"]],
        )


@app.command()
def log(
    hook: Hook,
    state: Annotated[str | None, typer.Option(help="Only those: waiting, delivered, failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """Show a hook's messages, the newest first, with what came of each try."""
    found = Ask(where.find()).get("route", f"/v1/hooks/{hook}/deliveries", state=state, limit=limit)
    if as_json:
        screen.as_json(found)
        return
    if not found["deliveries"]:
        screen.line("There is no message.")
        return
    screen.table(
        "",
        ("event id", "key", "type", "state", "tries", "the last try", "next (UTC)"),
        [
            (one["event_id"], one["key"], one["type"], one["state"], one["tries"], _last(one), _next(one))
            for one in found["deliveries"]
        ],
    )


@app.command()
def resend(
    hook: Hook,
    event_id: Annotated[str, typer.Argument(help="Of the message: `leads hooks log`.")],
    as_json: Json = False,
) -> None:
    """Send a message again, under the same idempotency key."""
    _done(
        Ask(where.find()).post("route", f"/v1/hooks/{hook}/deliveries/{event_id}/resend"), "It is sent again.", as_json
    )


@app.command("test")
def send_test(hook: Hook, as_json: Json = False) -> None:
    """Send a message of type `hook.test`."""
    made = Ask(where.find()).post("route", f"/v1/hooks/{hook}/test")
    _done(made, f"It is on its way: leads hooks log {hook}", as_json)


@app.command()
def rotate(hook: Hook, as_json: Json = False) -> None:
    """Make a new secret and print it, this once. The one before signs beside it for a day."""
    made = Ask(where.find()).post("route", f"/v1/hooks/{hook}/rotate")
    _secret(made, f"The secret before ends {words.moment(made['old_ends_at'])} UTC; until then both sign.", as_json)


@app.command()
def enable(hook: Hook) -> None:
    """Tell a hook again, what waited first."""
    Ask(where.find()).post("route", f"/v1/hooks/{hook}/enable")
    screen.line(f"{hook} is told again.")


@app.command()
def disable(hook: Hook) -> None:
    """Hold a hook's messages back until it is enabled."""
    Ask(where.find()).post("route", f"/v1/hooks/{hook}/disable")
    screen.line(f"{hook} is told nothing until `leads hooks enable {hook}`; its messages wait (30 days).")


@app.command()
def remove(hook: Hook) -> None:
    """Delete a hook and its messages."""
    Ask(where.find()).delete("route", f"/v1/hooks/{hook}")
    screen.line(f"{hook} is gone.")


def _secret(made: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        screen.as_json(made)
        return
    screen.line(line)
    screen.line(f"Secret (shown once): {made['secret']}")


def _done(made: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        screen.as_json(made)
    else:
        screen.line(line)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    state = "told"
    if one["disabled_at"]:
        state = f"disabled: {one['disabled_because']}"
    elif one["failing_since"]:
        state = f"failing since {words.moment(one['failing_since'])}"
    delivered = words.moment(one["delivered_at"]) if one["delivered_at"] else None
    return (
        one["hook_id"],
        one["url"],
        ", ".join(one["events"]) or "all",
        state,
        one["waiting"],
        one["failed"],
        delivered,
    )


def _last(one: dict[str, Any]) -> str | None:
    if not one["log"]:
        return None
    last = one["log"][-1]
    return f"{last['status'] or '-'} {last['why']} ({last['took_ms']} ms)".replace("  ", " ")


def _next(one: dict[str, Any]) -> str | None:
    if one["state"] != "waiting":
        return None
    return words.moment(one["due_at"]) if one["due_at"] is not None else "after an earlier one"
