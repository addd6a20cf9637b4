"""`leads lead show`: one lead's way through the four services, and why it is where it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.console import explain, screen, where
from services.console.ask import Ask
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="One lead: who it is, its score and why, its handovers, its way.")
_ACTIVITIES_SHOWN = 15


@app.command()
def show(
    lead: Annotated[str, typer.Argument(metavar="ID|EMAIL", help="A lead id (an absorbed one will do) or an e-mail.")],
    as_json: Json = False,
) -> None:
    """Explain one lead: profile, score with all contributions, handovers with owner and path, and the time of each hop."""
    found = explain.lead(Ask(where.find()), lead)
    if as_json:
        screen.as_json(found)
        return
    print_lead(found)


def print_lead(found: dict[str, Any]) -> None:
    """The whole explanation for people."""
    profile, score = found["profile"], found["score"]
    screen.pairs(
        str(found["lead_id"]),
        {
            "name": _in(profile, "name", "full"),
            "e-mail": _with(_in(profile, "email", "address"), _in(profile, "email", "kind")),
            "phone": _in(profile, "phone", "e164") or _in(profile, "phone", "raw"),
            "company": _with(_in(profile, "company", "name"), _in(profile, "company", "domain")),
            "job": _with(_in(profile, "job", "title"), _in(profile, "job", "seniority")),
            "country": _with(profile.get("country"), (profile.get("sources") or {}).get("country")),
            "absorbed": ", ".join(found.get("absorbed_leads") or ()) or None,
        },
    )
    if score is None:
        screen.line("Score has not heard of it yet.")
    else:
        _print_score(score)
    for handover in found["handovers"]:
        _print_handover(handover)
    if not found["handovers"]:
        screen.line("It was not handed over.")
    _print_ways(found["ways"])


def print_way(way: dict[str, Any]) -> None:
    """One activity's way, a line a hop."""
    screen.table(
        f"the way of {way['kind']} {way['name']}",
        ("step", "at (UTC)", "ms"),
        [(hop["step"], screen.clock_time(hop["at"]), hop["took_ms"]) for hop in way["hops"]]
        + [("in all", "", way["took_ms"])],
        right=("ms",),
    )


def _print_score(score: dict[str, Any]) -> None:
    points, ruleset = score["score"], score["ruleset"]
    title = f"{points['total']:g} points: stage {score['stage']}, grade {score['grade']}, ruleset {ruleset['id']} {ruleset['version']}"
    screen.table(
        title,
        ("rule", "points", "base", "counted"),
        [(one["rule"], f"{one['points']:g}", one.get("base"), one.get("count")) for one in score["contributions"]]
        + [("total", f"{points['total']:g}", None, None)],
        right=("points", "base", "counted"),
    )


def _print_handover(handover: dict[str, Any]) -> None:
    owner = handover["owner"]
    screen.pairs(
        f"handed over to {owner.get('name') or owner['id']}",
        {
            "handover": handover["handover_id"],
            "owner": " ".join(filter(None, (owner["id"], owner.get("email"), owner.get("team")))),
            "state": handover.get("state"),
            "episode": f"{handover['episode']}, attempt {handover['attempt']}",
            "path": " > ".join(_step(step) for step in handover["path"]),
        },
    )


def _print_ways(ways: list[dict[str, Any]]) -> None:
    shown = ways[-_ACTIVITIES_SHOWN:]
    if shown:
        rows = [(screen.clock_time(way["occurred_at"]), way["kind"], way["name"], way["took_ms"]) for way in shown]
        screen.table("activities", ("occurred (UTC)", "kind", "name", "ms in all"), rows, right=("ms in all",))
    handed = [way for way in ways if way["handover_id"]]
    for way in handed or ways[-1:]:
        print_way(way)


def _step(step: dict[str, Any]) -> str:
    if not step["matched"]:
        return f"{step['rule']} no"
    return f"{step['rule']} yes{_because(step)}"


def _because(step: dict[str, Any]) -> str:
    why = ", ".join(str(step[name]) for name in ("to", "because") if step.get(name))
    return f" ({why})" if why else ""


def _in(document: dict[str, Any], *path: str) -> Any:
    found: Any = document
    for name in path:
        found = (found or {}).get(name)
    return found


def _with(value: object, more: object) -> str | None:
    if value is None:
        return str(more) if more is not None else None
    return f"{value} ({more})" if more is not None else str(value)
