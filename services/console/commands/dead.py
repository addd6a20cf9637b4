"""`leads dead ...`: what can't be processed: list it, look at it, send it again, let a stopped service go on."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import track

from services.console import cursors, reading, screen, where
from services.console.ask import Ask
from services.console.screen import Json
from services.console.where import Trouble, Where

app = typer.Typer(no_args_is_help=True, help="Dead letters: records that can't be processed, kept whole.")

Service = Annotated[str | None, typer.Option("--service", help="Of this service only.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Of this reason only.")]
Topic = Annotated[str | None, typer.Option("--topic", help="That stood on this topic only.")]
_PAGE = 500
STOPPABLE = ("enrich", "score", "route", "console")


@app.command("list")
def list_(
    service: Service = None,
    reason: Reason = None,
    topic: Topic = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that were never replayed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE)] = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, newest first, and count them by service, topic and reason."""
    query = {"service": service, "reason": reason, "topic": topic}
    found = Ask(where.find()).get("console", "/v1/dead", **query, waiting=waiting or None, limit=limit)
    if as_json:
        screen.as_json(found)
        return
    counts = [(one["service"], one["topic"], one["reason"], one["dead"], one["waiting"]) for one in found["counts"]]
    if not counts:
        screen.line("There are no dead letters.")
        return
    screen.table("all", ("service", "topic", "reason", "dead", "not replayed"), counts, right=("dead", "not replayed"))
    rows = [
        (
            one["id"],
            one["died_at"][:19],
            one["service"],
            f"{one['reason']}{': ' if one['detail'] else ''}{one['detail']}",
            f"{one['topic']}/{one['partition']}/{one['offset']}",
            one["bytes"],
            "replayed" if one["replayed_at"] else "",
        )
        for one in found["dead"]
    ]
    columns = ("id", "died at (UTC)", "service", "reason", "place", "bytes", "")
    screen.table("the newest" + (" of these" if any(query.values()) else ""), columns, rows, right=("bytes",))
    if found["next"]:
        screen.line(f"There are more: --limit shows up to {_PAGE}.")


@app.command()
def show(
    dead_id: Annotated[str, typer.Argument(metavar="ID", help="From `leads dead list`.")], as_json: Json = False
) -> None:
    """Show one dead letter whole: why it died, its key, headers and original bytes. It may hold personal data."""
    found = Ask(where.find()).get("console", f"/v1/dead/{quote(dead_id, safe='')}")
    if as_json:
        screen.as_json(found)
        return
    screen.pairs(
        found["id"],
        {
            "service": found["service"],
            "reason": found["reason"],
            "detail": found["detail"] or None,
            "place": f"{found['topic']}/{found['partition']}/{found['offset']}",
            "died at": found["died_at"],
            "replay of": found["replay_of"],
            "replayed at": found["replayed_at"],
            "not replayable": found["not_replayable"],
            "key": readable(base64.b64decode(found["key"])) if found["key"] is not None else "(none)",
        },
    )
    for name, value in found["headers"]:
        screen.line(f"  {name}: {readable(base64.b64decode(value))}")
    value = base64.b64decode(found["value"])
    screen.line(f"\n{len(value)} bytes:")
    screen.line(readable(value, indent=True))


@app.command()
def replay(
    dead_id: Annotated[str | None, typer.Argument(metavar="ID", help="From `leads dead list`.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All that were never replayed and can be.")] = False,
    service: Service = None,
    reason: Reason = None,
    topic: Topic = None,
    as_json: Json = False,
) -> None:
    """Send dead letters again: the same bytes, key, headers and id, to the same place.

    Safe at any time: an event that counts by now is dropped by its id, and what dies again is a new dead letter.
    """
    if all_ == (dead_id is not None):
        raise typer.BadParameter("give either an ID or --all")
    ask = Ask(where.find())
    query = {"service": service, "reason": reason, "topic": topic}
    chosen = [dead_id] if dead_id is not None else _waiting(ask, query)
    done: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for one in track(chosen, "replaying", console=screen.errors, disable=as_json or len(chosen) < 2, transient=True):
        path = f"/v1/dead/{quote(one, safe='')}"
        if dead_id is None and (why := ask.get("console", path)["not_replayable"]):
            kept.append({"id": one, "because": why})
            continue
        done.append({"id": one, **ask.post("console", f"{path}/replay")})
    if as_json:
        screen.as_json({"replayed": done, "not_replayable": kept})
        return
    for one_done in done[:20]:
        screen.line(f"{one_done['id']} stands on {one_done['topic']}/{one_done['partition']} again.")
    screen.line(f"{len(done)} replayed, {len(kept)} can't be. What dies again shows in `leads dead list --waiting`.")
    for because in sorted({one_kept["because"] for one_kept in kept}):
        screen.line(f"  {because}")


@app.command()
def accept(
    service: Annotated[str, typer.Argument(help="The service that the reject limit stopped.")],
    topic: Annotated[str | None, typer.Option(help="Of this topic only.")] = None,
    part: Annotated[int | None, typer.Option(min=0, help="Of this partition only.")] = None,
    until: Annotated[
        int | None, typer.Option(min=1, help="Up to this offset; else to where the topic ends now.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="The service's stage, where it has several.")] = None,
    as_json: Json = False,
) -> None:
    """Let a service go on that stopped because its own code refused too many records: up to there they become dead letters."""
    if service not in STOPPABLE:
        raise Trouble(f"There is nothing to accept for {service}. The reject limit stops {', '.join(STOPPABLE)}.")
    found = where.find()
    if topic is not None and part is not None and until is not None:
        accepted = [{"stage": stage or service, "topic": topic, "part": part, "until_offset": until}]
    else:
        accepted = _behind(found, service, stage=stage, topic=topic, part=part, until=until)
    ask = Ask(found)
    for body in accepted:
        ask.post(service, "/v1/dead/accept", body)
    if as_json:
        screen.as_json({"service": service, "accepted": accepted})
        return
    for body in accepted:
        screen.line(
            f"{body['stage']} may go on with {body['topic']}/{body['part']} up to offset {body['until_offset']}."
        )
    if not accepted:
        screen.line(f"Nothing to accept: {service} has read everything there.")


def readable(value: bytes, *, indent: bool = False) -> str:
    """Bytes for people: JSON indented, other text as it is, anything else in hexadecimal. The screen makes it harmless."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        lines = [value[at : at + 32].hex(" ") for at in range(0, min(len(value), 4096), 32)]
        return "\n".join([*lines, *(["..."] if len(value) > 4096 else [])])
    if not indent:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _behind(
    found: Where, service: str, *, stage: str | None, topic: str | None, part: int | None, until: int | None
) -> list[dict[str, Any]]:
    """What the service has not read yet, of these stages, topics and partitions: each up to `until`, or to where it ends now."""
    read = asyncio.run(cursors.read(found.store(service)))
    wanted = [
        one
        for one in read
        if stage in (None, one.stage) and topic in (None, one.topic) and (part is None or one.part == part)
    ]
    if not wanted:
        raise Trouble(
            f"{service} reads nothing of that kind. It reads: {', '.join(sorted({one.topic for one in read}))}."
        )
    ends = asyncio.run(reading.ends(found.kafka, sorted({one.topic for one in wanted})))
    return [
        {"stage": one.stage, "topic": one.topic, "part": one.part, "until_offset": until or ends[one.topic, one.part]}
        for one in wanted
        if (until or ends[one.topic, one.part]) > one.next_offset
    ]


def _waiting(ask: Ask, query: dict[str, str | None]) -> list[str]:
    """The ids of all that were never replayed, oldest first, so that they go out in the order in which they died."""
    found: list[str] = []
    before: str | None = None
    while True:
        page = ask.get("console", "/v1/dead", **query, waiting=True, limit=_PAGE, before=before)
        found += [one["id"] for one in page["dead"]]
        before = page["next"]
        if before is None:
            return found[::-1]
