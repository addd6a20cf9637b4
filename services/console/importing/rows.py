"""Reads a file of rows, CSV or JSON Lines, whatever its charset, separator and line ends. What a row means, event.py says."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from services.console.where import Trouble

CSV, JSONL = "csv", "jsonl"
_FORMATS = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 65_536
_CHUNK_BYTES = 1 << 20
_LONGEST_FIELD = 1 << 20  # characters; an event has 32 KiB, so this is a quote that is never closed
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LEGACY = "windows-1252"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line on which it begins (from 1), and what it says, or why it says nothing."""

    line: int
    fields: dict[str, Any] | None
    mistake: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that can be read. `sha256` is of its bytes; `columns` are there for CSV only; `guessed`: the charset is a guess."""

    path: Path
    format: str
    encoding: str
    guessed: bool
    sha256: str
    lines: int
    delimiter: str = ""
    columns: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the file. Raises Trouble where the file can't be read on."""
        with _open(self.path, self.encoding, self.guessed) as text:
            try:
                yield from _csv_rows(self, text) if self.format == CSV else _json_rows(text)
            except UnicodeDecodeError as error:
                raise Trouble(
                    f"{self.path} is not all {self.encoding} (byte {error.start} of a block). Name its charset: --encoding."
                ) from None


def look(path: Path, *, format_: str | None = None, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Finds out how `path` is to be read; what is given is not guessed. Raises Trouble."""
    kind = format_ or _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise Trouble(
            f"{path.name} ends neither in .csv nor in .jsonl. Say what it is: --format csv, or --format jsonl."
        )
    try:
        sha256, lines, found = _scanned(path)
    except OSError as error:
        raise Trouble(f"{path} can't be read: {error.strerror}.") from None
    guessed = encoding is None and found is None
    encoding = encoding or found or _LEGACY
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise Trouble(
            f"There is no charset {encoding!r}. Examples: utf-8, windows-1252, iso-8859-15, utf-16."
        ) from None
    table = Table(path=path, format=kind, encoding=encoding, guessed=guessed, sha256=sha256, lines=lines)
    return table if kind == JSONL else _with_header(table, delimiter)


def _scanned(path: Path) -> tuple[str, int, str | None]:
    """SHA-256, number of lines, and the charset where it is sure: by its mark, or because all of it is UTF-8."""
    digest, lines, is_utf8, begins = hashlib.sha256(), 0, True, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            begins = begins or chunk[:4]
            digest.update(chunk)
            lines += chunk.count(b"\n")
            if is_utf8:
                is_utf8 = _decodes(decoder, chunk)
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    marked = next((name for bom, name in _BOMS if begins.startswith(bom)), None)
    return digest.hexdigest(), lines, marked or ("utf-8" if is_utf8 else None)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _open(path: Path, encoding: str, guessed: bool) -> TextIO:
    return path.open(encoding=encoding, errors="replace" if guessed else "strict", newline="")


def _with_header(table: Table, delimiter: str | None) -> Table:
    with _open(table.path, table.encoding, table.guessed) as text:
        try:
            sample = text.read(_SAMPLE_CHARACTERS)
        except UnicodeError:
            raise Trouble(f"{table.path} is not {table.encoding}. Name its charset: --encoding.") from None
    said, sample = _separator(sample)
    delimiter = delimiter or said or _likely(sample)
    if len(delimiter) != 1:
        raise Trouble("A separator is one character. Example: --delimiter ';'")
    header = next((row for row in csv.reader(sample.splitlines(), delimiter=delimiter) if any(row)), [])
    columns = tuple(name.strip() for name in header)
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if not any(columns):
        raise Trouble(f"{table.path} has no header: its first line has to name the columns.")
    if twice:
        raise Trouble(f"{table.path} has two columns of one name: {', '.join(twice)}. Rename one.")
    return Table(
        path=table.path,
        format=CSV,
        encoding=table.encoding,
        guessed=table.guessed,
        sha256=table.sha256,
        lines=table.lines,
        delimiter=delimiter,
        columns=columns,
    )


def _separator(text: str) -> tuple[str, str]:
    """What a first line `sep=;`, as Excel writes it, says; and the text after it."""
    first, _, rest = text.partition("\n")
    first = first.strip()
    return (first[4:], rest) if first.lower().startswith("sep=") and len(first) == 5 else ("", text)


def _likely(sample: str) -> str:
    """The character that splits the header into most columns; the comma where none does."""
    lines = [line for line in sample.splitlines()[:20] if line.strip()]
    return max(_DELIMITERS, key=lambda one: len(next(csv.reader(lines, delimiter=one), [])))


def _csv_rows(table: Table, text: TextIO) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(text, delimiter=table.delimiter)
    columns, header_is_read, begins = table.columns, False, 1
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Trouble(
                f"{table.path}, line {begins}: a quote that begins there is never closed ({error})."
            ) from None
        line, begins = begins, reader.line_num + 1
        if not any(value.strip() for value in values):
            continue
        if not header_is_read:
            header_is_read = tuple(value.strip() for value in values) == columns  # before it: `sep=;`
        elif len(values) != len(columns):
            yield Row(line, None, f"the row has {len(values)} fields, the header {len(columns)}")
        else:
            pairs = zip(columns, values, strict=True)
            yield Row(line, {name: value.strip() for name, value in pairs if name})


def _json_rows(text: TextIO) -> Iterator[Row]:
    for line, said in enumerate(text, 1):
        if not said.strip():
            continue
        try:
            fields = json.loads(said)
        except (ValueError, RecursionError):
            yield Row(line, None, "the line is no JSON")
            continue
        yield Row(line, fields) if isinstance(fields, dict) else Row(line, None, "the line is no JSON object")
