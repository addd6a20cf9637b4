"""What commands print: tables for people, JSON for programs, and text from outside made harmless. Decides nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document on stdout.")]

out = Console(highlight=False, soft_wrap=False)
errors = Console(stderr=True, highlight=False)
_NARROW = 24  # columns that a sentence needs beside what it is about


def as_json(document: Any) -> None:
    """One JSON document on stdout, times in RFC 3339."""
    print(json.dumps(document, indent=2, default=_plain, ensure_ascii=False))


def json_line(document: Any) -> None:
    """One JSON document on one line, at once."""
    print(json.dumps(document, default=_plain, ensure_ascii=False), flush=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> None:
    """A table of harmless text under a title."""
    numbers = set(right)
    if title:
        out.print(Text(harmless(title), style="bold"))  # above it, since a title of the table would break at its width
    made = Table(header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(harmless("" if cell is None else str(cell))) for cell in row))
    out.print(made)


def pairs(title: str, fields: Mapping[str, object]) -> None:
    """A few named values under a title; what is None is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        if value is not None:
            grid.add_row(name, Text(harmless(str(value))))
    if title:
        out.print(Text(title, style="bold"))
    out.print(grid)


def sentences(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Sentences under a title, each beside what it is about; on a narrow screen below it. Empty ones are left out."""
    if title:
        out.print(Text(harmless(title), style="bold"))
    said = [(harmless(about), harmless(sentence)) for about, sentence in lines if sentence]
    widest = max((len(about) for about, _ in said), default=0)
    if out.width < 2 * widest + _NARROW:
        for about, sentence in said:
            out.print(Padding(Text(about, style="dim"), (0, 0, 0, 2)))
            out.print(Padding(Text(sentence), (0, 0, 0, 4)))
    else:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=0)
        grid.add_column(style="dim", min_width=widest)
        grid.add_column(overflow="fold")
        for about, sentence in said:
            grid.add_row("", Text(about), Text(sentence))
        out.print(grid)
    out.print()


def line(text: str) -> None:
    """One line, without markup."""
    out.print(Text(harmless(text)), soft_wrap=True)


def harmless(text: str) -> str:
    """`text` without what a terminal obeys: control and format characters are shown as escapes, line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)


def clock_time(text: str) -> str:
    """The time of day of an RFC 3339 time, in UTC with milliseconds; as it is when it is none."""
    try:
        return datetime.fromisoformat(text).strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return text


def fail(message: str) -> None:
    """A message on stderr, as it is."""
    print(harmless(message), file=sys.stderr)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
