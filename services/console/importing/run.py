"""One import from a file to its end: row by row, batch by batch, each batch remembered once capture has it. Prints nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from services.console import mapfile
from services.console.importing.door import Door
from services.console.importing.event import event, read_map
from services.console.importing.progress import Kept, Progress
from services.console.importing.rows import Row, Table
from services.console.where import Trouble
from shared.fieldmap import FieldMap

BATCH_ROWS = 100
_BATCH_BYTES = 400 * 1024  # capture takes 512 KiB


def load_map(path: Path, table: Table) -> FieldMap:
    """The field map of a file, JSON or YAML. Raises Trouble that names every mistake."""
    found = read_map(mapfile.decoded(path), table.columns)
    if isinstance(found, list):
        raise Trouble("\n".join([f"{path} has mistakes:", *(f"  {one}" for one in found)]))
    return found


def fingerprint(table: Table, map_path: Path, property_: str, *, as_history: bool) -> str:
    """What is imported, and how: another file, map or property begins anew."""
    parts = (table.sha256, table.encoding, table.delimiter, map_path.read_text("utf-8-sig"), property_, str(as_history))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def judged(table: Table, field_map: FieldMap, *, as_history: bool) -> Iterator[tuple[Row, dict[str, Any] | list[str]]]:
    """Every row with its event, or with the reasons why it has none."""
    for row in table.rows():
        yield row, [row.mistake] if row.fields is None else event(row.fields, field_map, as_history=as_history)


def send_all(
    table: Table, field_map: FieldMap, kept: Kept, door: Door, *, as_history: bool, told: Callable[[Progress], None]
) -> None:
    """Sends what was not sent yet; `told` is called after each batch. Raises Trouble; what was done until then is remembered."""
    progress = kept.progress
    batch: list[tuple[Row, dict[str, Any]]] = []
    wrong: list[tuple[Row, list[str]]] = []
    size, number, line = 0, 0, 0

    def flush() -> None:
        refused = door.send([made for _, made in batch]) if batch else {}
        rejected = [*wrong, *((batch[index][0], [why]) for index, why in refused.items())]
        for row, reasons in sorted(rejected, key=lambda one: one[0].line):
            kept.reject(row.line, reasons, row.fields)
        progress.accepted += len(batch) - len(refused)
        progress.rows, progress.line = number, line
        kept.save()
        told(progress)

    for row, made in judged(table, field_map, as_history=as_history):
        if number < progress.rows:
            number += 1
            continue
        bytes_ = len(msgspec.json.encode(made))
        if max(len(batch), len(wrong)) >= BATCH_ROWS or size + bytes_ > _BATCH_BYTES:
            flush()
            batch, wrong, size = [], [], 0
        number, line = number + 1, row.line
        if isinstance(made, list):
            wrong.append((row, made))
        else:
            batch.append((row, made))
            size += bytes_
    flush()
    progress.done = True
    kept.save()
