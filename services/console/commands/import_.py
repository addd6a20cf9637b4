"""`leads import`: a file of people or of what they did, row by row through capture's public door."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from services.console import screen, where
from services.console.ask import Ask
from services.console.importing import rows, run
from services.console.importing.door import Door
from services.console.importing.progress import Kept, Progress
from services.console.importing.rows import Table
from services.console.screen import Json
from services.console.where import Trouble, Where
from shared.fieldmap import FieldMap

_SHOWN = 5

File = Annotated[Path, typer.Argument(help="CSV with a header, or JSON Lines: an object a line.")]


def import_(
    file: File,
    property_: Annotated[str, typer.Option("--property", metavar="ID", help="Whose events they are.")],
    map_: Annotated[Path, typer.Option("--map", metavar="FILE", help="The field map, JSON or YAML.")],
    key_file: Annotated[Path | None, typer.Option(help="A file that holds a write key of the property.")] = None,
    key: Annotated[str, typer.Option(envvar="LEADFLOW_WRITE_KEY", hidden=True)] = "",
    as_history: Annotated[
        bool, typer.Option("--as-history", help="Of the past: it counts, and opens no handover by itself.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how the rows are understood; send nothing.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="The most rows a second.")] = 200,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv or jsonl, where the name does not say it.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="The charset, where it is not UTF-8.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates the columns.")] = None,
    as_json: Json = False,
) -> None:
    """Import the rows of a file: original times, consent, one event a row.

    A map with a `form` imports what was told to forms, as if they had been posted; one with a `name` what else happened (track); one
    with neither who people are (identify). It can be stopped at any time: run again, it goes on where it was, and no row counts twice. Rows that are not taken are in FILE.PROPERTY.rejects.jsonl, each
    with its line and why.

    Example: leads import leads.csv --property shop --map leads.map.yaml --key-file shop.key --as-history
    """
    if format_ not in (None, rows.CSV, rows.JSONL):
        raise typer.BadParameter("--format is csv or jsonl")
    table = rows.look(file, format_=format_, encoding=encoding, delimiter=delimiter)
    field_map = run.load_map(map_, table)
    if dry_run:
        _tell_dry(table, field_map, as_history=as_history, as_json=as_json)
        return
    found = where.find()
    door = Door(url=found.url("capture"), key=_key(found, property_, key_file, key), rows_per_second=rate)
    kept = Kept(
        progress=file.with_name(f"{file.name}.{property_}.progress.json"),
        rejects=file.with_name(f"{file.name}.{property_}.rejects.jsonl"),
        what=run.fingerprint(table, map_, property_, as_history=as_history),
    )
    try:
        if not kept.progress.done:
            _run(table, field_map, kept, door, as_history=as_history, quiet=as_json)
    except (Trouble, KeyboardInterrupt) as stopped:
        raise Trouble(f"{_why(stopped)}\n{_left(kept)}") from None
    finally:
        kept.close()
    _tell_done(kept, as_json)


def _run(table: Table, field_map: FieldMap, kept: Kept, door: Door, *, as_history: bool, quiet: bool) -> None:
    if not quiet and kept.progress.rows:
        screen.line(f"Going on after line {kept.progress.line}: {kept.progress.rows} rows are done.")
    if table.guessed and not quiet:
        screen.line(f"It is not UTF-8; it is read as {table.encoding}. --encoding names another charset.")
    with _bar(table, kept.progress, quiet) as (told, waits):
        door.told = waits
        run.send_all(table, field_map, kept, door, as_history=as_history, told=told)


@contextlib.contextmanager
def _bar(
    table: Table, progress: Progress, quiet: bool
) -> Iterator[tuple[Callable[[Progress], None], Callable[[str | None], None]]]:
    """A bar on a terminal, else nothing: who is told how far it is, and who is told why it waits."""
    columns = (
        TextColumn("line"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[says]}"),
    )
    hidden = quiet or not screen.errors.is_terminal
    with Bar(*columns, console=screen.errors, disable=hidden, transient=True) as bar:
        task = bar.add_task("import", total=max(table.lines, 1), completed=progress.line, says="")
        yield (
            lambda now: bar.update(task, completed=now.line, says=f"{now.rejected} rejected" if now.rejected else ""),
            lambda why: bar.update(task, says=screen.harmless(why)) if why else None,
        )


def _key(found: Where, property_: str, key_file: Path | None, given: str) -> str:
    """The write key, checked: it is one of the property's, and one that may say when something happened."""
    if key_file is not None:
        try:
            given = key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise Trouble(f"{key_file} can't be read. It is a file that holds a write key and nothing else.") from None
    if not given:
        raise Trouble("A write key of the property is needed: --key-file FILE, or LEADFLOW_WRITE_KEY.")
    shown = Ask(found).find("capture", f"/v1/properties/{quote(property_, safe='')}")
    if shown is None:
        raise Trouble(f"There is no property {property_}. `leads property list` lists them.")
    begins = [prefix for prefix in shown["write_keys"] if given.startswith(prefix)]
    if not begins:
        raise Trouble(
            f"The key is none of {property_}'s. Its keys begin with: {', '.join(shown['write_keys']) or 'none'}."
        )
    if {"prefix": begins[0], "kind": "browser"} in shown.get("keys", ()):
        raise Trouble("A browser's key may not say when something happened. Take a server's key.")
    return given


def _tell_dry(table: Table, field_map: FieldMap, *, as_history: bool, as_json: bool) -> None:
    first: list[dict[str, Any]] = []
    wrong: list[dict[str, Any]] = []
    count = mistakes = 0
    for row, made in run.judged(table, field_map, as_history=as_history):
        count += 1
        if isinstance(made, list):
            mistakes += 1
            wrong += [{"line": row.line, "reasons": made}] if len(wrong) < _SHOWN else []
        elif len(first) < _SHOWN:
            first.append({"line": row.line, "event": made})
    columns = list(table.columns)
    document = {
        "format": table.format,
        "encoding": table.encoding,
        "delimiter": table.delimiter or None,
        "columns": columns or None,
        "rows": count,
        "not_understood": mistakes,
        "first": first,
        "first_mistakes": wrong,
    }
    if as_json:
        screen.as_json(document)
        return
    said = f"{table.format}, {table.encoding}{' (a guess)' if table.guessed else ''}"
    separated = f", separated by {table.delimiter!r}, {len(columns)} columns" if columns else ""
    screen.line(f"{table.path.name}: {said}{separated}. {count} rows, {mistakes} of them are not understood.")
    for one in first:
        screen.pairs(f"line {one['line']}", one["event"])
    for one in wrong:
        screen.line(f"line {one['line']}: {'; '.join(one['reasons'])}")
    screen.line("Nothing was sent.")


def _tell_done(kept: Kept, as_json: bool) -> None:
    done = kept.progress
    rejects = str(kept.rejects) if done.rejected else None
    if as_json:
        screen.as_json({"rows": done.rows, "accepted": done.accepted, "rejected": done.rejected, "rejects": rejects})
        return
    screen.line(
        f"{done.rows} rows: {done.accepted} accepted, {done.rejected} not{f': see {rejects}' if rejects else ''}."
    )


def _why(stopped: BaseException) -> str:
    return "Stopped." if isinstance(stopped, KeyboardInterrupt) else str(stopped)


def _left(kept: Kept) -> str:
    return f"{kept.progress.rows} rows are done. Run the same command again: it goes on after them, and no row counts twice."
