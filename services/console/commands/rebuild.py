"""`leads rebuild`: empties a service's store and lets the service fill it again from the topics."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.local import drills, layout
from services.console import cursors, reading, screen, where
from services.console.screen import Json
from services.console.where import Trouble, Where
from shared.topology import TOPICS

_AT_REST = {
    "capture": "Its store holds the properties, their write keys and the spool, which stand on no topic: back it up and restore it instead."
}


def rebuild(
    service: Annotated[str, typer.Argument(help="enrich, score, route or console.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Also when the topics no longer keep everything: what is gone stays gone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Empty a service's store and fill it again from the topics. What it decided before is kept, and nothing is sent twice."""
    began = time.monotonic()
    found, home = where.find(), layout.from_environment()
    if service in _AT_REST:
        raise Trouble(f"{service} can't be rebuilt. {_AT_REST[service]}")
    if service not in layout.SERVICES:
        raise Trouble(f"There is no service {service}. Those that can be rebuilt: enrich, score, route, console.")
    topics = [topic.name for topic in TOPICS if service in topic.read_by and topic.retention_ms is not None]
    gone = {place: at for place, at in asyncio.run(reading.begins(found.kafka, topics)).items() if at > 0}
    if gone and not partial:
        places = ", ".join(f"{topic}/{part} begins at {at}" for (topic, part), at in gone.items())
        raise Trouble(
            f"The topics do not keep everything any more ({places}): what {service} learnt from the records before would be lost. "
            "Restore a backup of its store, or go on without them: --partial."
        )
    drills.stop(home, service)
    try:
        asyncio.run(cursors.empty(found.store(service)))
    finally:
        drills.start(home, service)
    records = _watch(found, service, quiet=as_json)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        screen.as_json({"service": service, "records": records, "seconds": seconds})
    else:
        screen.line(f"{service} has read {records} records again and is up to date, after {seconds} s.")


def _watch(found: Where, service: str, *, quiet: bool) -> int:
    """Returns when the service has read everything that stood on its topics; says how many records that were."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.errors, disable=quiet, transient=True) as progress:
        bar = progress.add_task(f"{service} reads its topics", total=None)
        while True:
            read = asyncio.run(cursors.read(found.store(service)))
            topics = sorted({one.topic for one in read})
            ends = asyncio.run(reading.ends(found.kafka, topics)) if topics else {}
            places = {(one.topic, one.part) for one in read}
            total = sum(end for place, end in ends.items() if place in places)
            done = sum(min(one.next_offset, ends[one.topic, one.part]) for one in read)
            progress.update(bar, total=total, completed=done)
            if read and set(ends) == places and done >= total:
                return total
            time.sleep(0.25)
