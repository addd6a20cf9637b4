"""`leads tail`: a live view of the topics."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Annotated, Any

import typer

from services.console import reading, screen, where
from services.console.domain.summary import line
from services.console.screen import Json
from shared import clock
from shared.stage import Record
from shared.topology import BY_NAME, CAPTURED, DEAD, ENRICHED, HANDOVER, SCORED

USUAL = (CAPTURED.name, ENRICHED.name, SCORED.name, HANDOVER.name, DEAD.name)


def tail(
    topic: Annotated[
        list[str] | None, typer.Argument(help="Topics; `captured` is short for leads.captured.v1.")
    ] = None,
    last: Annotated[int, typer.Option(min=0, help="Begin with the last so many records of each partition.")] = 0,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many records.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Whole records, with the personal data in them.")] = False,
    as_json: Json = False,
) -> None:
    """Watch topics live: time, type, lead and one line without personal data. Ctrl-C ends it."""
    topics = [_named(name) for name in topic or USUAL]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tail(where.find().kafka, topics, last=last, count=count, full=full, as_json=as_json))


async def _tail(kafka: str, topics: list[str], *, last: int, count: int | None, full: bool, as_json: bool) -> None:
    shown = 0
    async for record in reading.follow(kafka, topics, last=last):
        if as_json:
            screen.json_line(document(record, full=full))
        else:
            _show(record, full=full)
        shown += 1
        if shown == count:
            return


def document(record: Record, *, full: bool) -> dict[str, Any]:
    """A record for programs; its contents only when they are asked for."""
    said = line(record)
    found: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.part,
        "offset": record.offset,
        "time": clock.text(clock.from_ms(record.timestamp_ms)),
        "type": said.type,
        "subject": said.subject,
        "says": said.text,
    }
    if full:
        found["headers"] = {name: value.decode("utf-8", "replace") for name, value in record.headers.items()}
        try:
            found["value"] = json.loads(record.value)
        except (ValueError, RecursionError):
            found["value_base64"] = base64.b64encode(record.value).decode()
    return found


def _show(record: Record, *, full: bool) -> None:
    said = line(record)
    time = clock.text(clock.from_ms(record.timestamp_ms))[11:23]
    screen.line(f"{time}  {said.type:<16} {said.subject:<27} {said.text}")
    if full:
        screen.line(record.value.decode("utf-8", "backslashreplace"))


def _named(name: str) -> str:
    full = name if name in BY_NAME else f"leads.{name}.v1"
    if full not in BY_NAME:
        raise typer.BadParameter(f"there is no topic {name}. There are: {', '.join(BY_NAME)}.")
    return full
