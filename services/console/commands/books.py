"""`leads books`: what was accepted, how it ended, and what is missing, by hour and property."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from services.console import reading, screen
from services.console.ask import Ask
from services.console.domain import words
from services.console.screen import Json
from services.console.where import find
from shared.topology import CAPTURED, ENRICHED

_COLUMNS = ("hour", "property", "accepted", "scored", "noted", "dead", "in flight", "missing")
_LOST = {
    ENRICHED.name: "score has read past it and told nothing. `leads rebuild score` reads it again and sends what is not there.",
    CAPTURED.name: "enrich has read past it and told nothing that is still on its topic. `leads rebuild enrich`, then `leads rebuild score`.",
    "": "It is on no topic any more. Send the event again, or restore the topic.",
}


def books(
    hour: Annotated[str | None, typer.Option(metavar="MOMENT", help="Only the hour in which this moment lies.")] = None,
    property_: Annotated[str | None, typer.Option("--property", help="Only this property.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many hours and properties, the latest first.")] = 48,
    as_json: Json = False,
) -> None:
    """Show that nothing was lost: accepted = scored + noted + dead + in flight. What is missing is named; exit code 1 then."""
    ask = Ask(find())
    found: dict[str, Any] = ask.get("console", "/v1/books", hour=hour, property=property_, limit=limit)
    seen = asyncio.run(_last_seen(ask.where.kafka, found["named"])) if found["named"] else {}
    for one in found["named"]:
        one["last_seen"] = seen[one["event_id"]]
        one["to_do"] = _LOST[seen[one["event_id"]]]
    if as_json:
        screen.as_json(found)
    else:
        _show(found)
    if found["missing"] or not found["balanced"]:
        raise typer.Exit(1)


async def _last_seen(kafka: str, named: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The last topic of the way on which each of these events still stands; nothing where it is on none."""
    ids = {one["event_id"]: one["event_id"].encode() for one in named}
    since_ms = int(min(datetime.fromisoformat(one["since"]) for one in named).timestamp() * 1000)
    found = dict.fromkeys(ids, "")
    for topic in (CAPTURED.name, ENRICHED.name):
        records = await reading.kept(
            kafka, [topic], since_ms=since_ms, wanted=lambda record: any(id_ in record.value for id_ in ids.values())
        )
        found |= {id_: topic for id_, text in ids.items() if any(text in record.value for record in records)}
        if topic == CAPTURED.name:
            places = {(record.part, record.offset) for record in records}
            found |= {  # an event that does not call itself by a UUID is known by its place
                one["event_id"]: topic for one in named if (one["partition"], one["offset"]) in places
            }
    return found


def _hour(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%d %b %Hh")


def _show(found: dict[str, Any]) -> None:
    if not found["books"]:
        screen.line("Nothing was accepted." if not found["in_flight"] else "Nothing was accepted there.")
        return
    rows = [
        (
            _hour(one["hour"]),
            one["property"] or "(none)",
            *(f"{one[name]:,}" for name in ("accepted", "scored", "noted", "dead", "in_flight", "missing")),
        )
        for one in found["books"]
    ]
    screen.table(
        "accepted = scored + noted + dead + in flight, by hour (UTC) of acceptance", _COLUMNS, rows, right=_COLUMNS[2:]
    )
    if not found["balanced"]:
        screen.line(
            "The sums do not fit what is in flight: that is a mistake of the books themselves. `leads rebuild console` keeps them anew."
        )
    if not found["missing"]:
        screen.line("Nothing is missing.")
        return
    screen.line(f"{found['missing']:,} missing: everybody has read past them, and they have no end.")
    for one in found["named"]:
        seen = f"last seen on {one['last_seen']}" if one["last_seen"] else "on no topic"
        screen.line(
            f"{one['event_id']} of {one['property'] or 'no property'}, accepted {words.moment(one['since'])}, {seen}. {one['to_do']}"
        )
