"""`leads lead ...`: one person's story through the services, and why they have their score. What an operator says of them is word.py's."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import explain, screen, where
from services.console.ask import Ask
from services.console.commands import word
from services.console.commands.handovers import print_handover
from services.console.commands.person import Person
from services.console.domain import nurtured, reasons, words
from services.console.domain.story import called, story
from services.console.screen import Json

app = typer.Typer(
    no_args_is_help=True, help="One person: the story, the score and why, the handovers; and who is who, by your word."
)


@app.command()
def show(
    lead: Person,
    hops: Annotated[
        bool, typer.Option("--hops", help="With the time that each step through the services took.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell one person's story: who it is and how we know, what they did, why it is one person, consent, score and handovers."""
    found = explain.lead(Ask(where.find()), lead)
    if as_json:
        screen.as_json(found)
        return
    print_lead(found, hops=hops)


@app.command("explain")
def explained(
    lead: Person,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="MOMENT", help="What was known then, under the rules of then: 2026-11-27T09:00Z."
        ),
    ] = None,
    ruleset: Annotated[
        str | None, typer.Option("--ruleset", metavar="VERSION", help="What another version (`leads rules list`) says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say why somebody has their score: each rule that gives or takes points, the stage and why, what comes next, what counts for nothing."""
    ask = Ask(where.find())
    lead_id = lead if lead.startswith("ld_") else str(explain.enriched(ask, lead)["lead_id"])
    answer = ask.get("score", f"/v1/leads/{quote(lead_id, safe='')}/score", as_of=as_of, ruleset=ruleset)
    if as_json:
        screen.as_json(answer)
        return
    found = ask.find("enrich", f"/v1/leads/{quote(str(answer['lead_id']), safe='')}")
    screen.line(
        f"{called(found) if found else 'Somebody'} ({answer['lead_id']})"
        + (f", as of {words.moment(answer['as_of'])}" if as_of else "")
    )
    screen.table(reasons.headline(answer), ("for", "points", "why"), reasons.lines(answer), right=("points",))
    screen.sentences("", reasons.notes(answer, asked_for_then=as_of is not None))


for said in (word.merge, word.split, word.human, word.assign, word.disqualify, word.suppress):
    app.command()(said)


def print_lead(found: dict[str, Any], *, hops: bool = False) -> None:
    """The whole story for people."""
    if found.get("absorbed"):
        screen.line("This id was merged: here is the person that it leads to.")
    for section in story(found):
        screen.sentences(section.title, section.lines)
    score = found["score"]
    if score is None:
        screen.line("Score has not heard of it yet.")
    else:
        _print_score(score)
    for handover in found["handovers"]:
        print_handover(handover)
    if not found["handovers"]:
        screen.line("It was not handed over.")
    if told := list(nurtured.lines(found.get("nurture", {}))):
        screen.sentences("Nurture", told)
    if hops:
        handed = [way for way in found["ways"] if way["handover_id"]]
        for way in handed or found["ways"][-1:]:
            print_way(way)


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
    points = score["score"]
    screen.table(
        f"{points['total']:g} points: {words.stage(score['stage'])}, grade {score['grade']}",
        ("why", "points", "counted"),
        [
            (_rule(one), f"{one['points']:g}", f"{one['count']}x {one['base']:g}" if one.get("count") else None)
            for one in score["contributions"]
        ]
        + [("total", f"{points['total']:g}", None)],
        right=("points", "counted"),
    )


def _rule(contribution: dict[str, Any]) -> str:
    reason = contribution.get("reason")
    return f"{contribution['rule']}: {reason}" if reason else str(contribution["rule"])
