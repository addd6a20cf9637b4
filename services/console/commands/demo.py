"""`leads demo`: two hundred believable people in a minute, and one lead's way from form to handover."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local import layout, stack
from services.console import explain, screen, traffic, where
from services.console.ask import Ask
from services.console.commands import lead as lead_command
from services.console.domain.books import TOPICS, Books, percentile
from services.console.domain.stories import stories
from services.console.screen import Json
from services.console.where import Trouble, Where
from shared import clock


def demo(
    leads: Annotated[int, typer.Option(min=1, max=100_000, help="How many people.")] = 200,
    seconds: Annotated[float, typer.Option(min=0, help="Over which time.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people.")] = 1,
    as_json: Json = False,
) -> None:
    """Start the stack if need be, send believable leads through the public door, and show where everything is.

    Among them: forms that are sent twice, a robot, a disposable address, a late event, and one event that is refused.
    """
    began = time.monotonic()
    found = _running(quiet=as_json)
    ask = Ask(found)
    console, capture = found.seen_url("console"), found.seen_url("capture")
    made = ask.post(
        "capture", "/v1/properties", {"name": "demo", "origins": [console], "thank_you_url": f"{console}/demo/thanks"}
    )
    ask.post("console", "/v1/demo", {"write_key": made["write_key"], "capture": capture})
    if not as_json:
        screen.line(f"The form: {console}/demo (fill it in yourself, too)")
    now = clock.now()
    told = list(stories(seed, leads=leads, now=now, run=made["property"]))
    books = Books()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.errors, disable=as_json) as progress:
        bar = progress.add_task("people", total=len(told))
        answers = asyncio.run(
            traffic.run(
                told,
                seconds=seconds,
                capture=found.url("capture"),
                key=made["write_key"],
                books=books,
                kafka=found.kafka,
                told=lambda: progress.advance(bar),
            )
        )
    shown = _most_telling(books)
    report = {
        "property": made["property"],
        "write_key": made["write_key"],
        "accepted": answers.accepted,
        "refused": answers.refused,
        "events": len(books.accepted),
        "scored": len(books.scored()),
        "noted": len(books.only_noted()),
        "open": len(books.open()),
        "dead_letters": [
            {"service": service, "reason": reason, "count": count} for (service, reason), count in books.dead.items()
        ],
        "stages": dict(Counter(books.stages().values())),
        "handovers": dict(Counter(books.handovers().values())),
        "handover_records": books.handover_records,
        "accept_to_scored_ms": _spread(books.scored_after_ms()),
        "accept_to_handover_ms": _spread(books.handed_after_ms()),
        "lead": explain.lead(ask, shown) if shown else None,
        "seconds": round(time.monotonic() - began, 1),
    }
    if as_json:
        screen.as_json(report)
    else:
        _print(report, found)
    if books.open():
        raise Trouble(
            f"{len(books.open())} accepted events have not ended within half a minute. Look at `leads status`, /readyz of the services "
            f"and their logs in {found.home}/log."
        )


def _running(*, quiet: bool) -> Where:
    """The stack, started if it does not run and the environment names no other one."""
    try:
        found = where.find()
        for service in layout.SERVICES:
            found.url(service)
        return found
    except Trouble:
        pass
    with screen.errors.status("starting the stack") as now:
        stack.start(layout.from_environment(), tell=lambda step: None if quiet else now.update(f"{step} ..."))
    return where.find()


def _most_telling(books: Books) -> str | None:
    """The lead to show at the end: of those that were handed over the one with the most to tell."""
    told = books.versions()
    known = books.handovers() or told
    return max(known, key=lambda lead: (told[lead], lead), default=None)


def _spread(values: list[int]) -> dict[str, int | None]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}


def _print(report: dict[str, Any], found: Where) -> None:
    repeats = report["accepted"] - report["events"]
    dead = ", ".join(f"{one['count']} {one['reason']} at {one['service']}" for one in report["dead_letters"]) or "none"
    if report["lead"] is not None:
        screen.line("\nOne lead's way through the four services:")
        lead_command.print_lead(report["lead"], hops=True)
    scored, handed = report["accept_to_scored_ms"], report["accept_to_handover_ms"]
    screen.pairs(
        "\nWhat happened",
        {
            "events": f"{report['events']} accepted, {repeats} repeats of them accepted again, {report['refused']} refused",
            "their ends": f"{report['scored']} scored, {report['noted']} noted of visitors who left no contact data or as repeats, {report['open']} open",
            "leads": ", ".join(f"{count} {stage}" for stage, count in sorted(report["stages"].items())),
            "handovers": ", ".join(f"{count} to {owner}" for owner, count in sorted(report["handovers"].items())),
            "dead letters": dead,
            "accept to scored": f"p50 {scored['p50']} ms, p99 {scored['p99']} ms",
            "accept to handover": f"p50 {handed['p50']} ms, p99 {handed['p99']} ms",
        },
    )
    key = report["write_key"]
    screen.pairs(
        "\nWhere everything is",
        {
            "the form": f"{found.seen_url('console')}/demo",
            "send": f"leads send form contact --key {key} email=jo@acme.example",
            "watch": "leads tail        (topics: " + ", ".join(TOPICS) + ")",
            "one lead": f"leads lead show {report['lead']['lead_id'] if report['lead'] else 'ID|EMAIL'}",
            "refused": "leads dead list",
            "HTTP": ", ".join(f"{service} {found.seen_url(service)}/docs" for service in layout.SERVICES),
            "token": "leads status --json (as `token`)",
            "Kafka": found.kafka,
            "end it": "make down",
        },
    )
    screen.line(f"\nAll in {report['seconds']} s.")
