"""`python -m services.route.lint FILE... [--nurture] [--json]`: says everything against routing or nurture documents. Needs no service and no store.

Exit code 0: nothing to say; 1: something was said, be it a mistake or only odd; 2: a file can't be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from services.route.domain import document
from services.route.domain.document.nodes import Mistake, Unreadable
from services.route.domain.document.odd import odd
from services.route.domain.nurture.read import read as read_nurture

_LONGEST = 160  # characters of a document's line that are shown


def main(arguments: Sequence[str]) -> int:
    """Prints what is to be said, for people or with --json for programs; the exit code."""
    said = []
    look = lint_nurture if "--nurture" in arguments else lint
    for file in (one for one in arguments if one not in ("--json", "--nurture")):
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            print(f"{file} can't be read: {why}. Name a document's YAML file.", file=sys.stderr)
            return 2
        kind, found = look(text)
        said += [
            {"file": file, "line": one.line, "column": one.column, "kind": kind, "says": one.says} for one in found
        ]
        if "--json" not in arguments:
            print("\n".join([*(_shown(file, one, text) for one in found), _summary(file, kind, len(found))]))
    if "--json" in arguments:
        print(json.dumps(said, indent=2))
    return 1 if said else 0


def lint(text: str) -> tuple[str, list[Mistake]]:
    """Of a routing document: `mistake` and all mistakes; where there are none `odd`, and what is."""
    try:
        return "odd", odd(text, document.read(text))
    except Unreadable as error:
        return "mistake", list(error.found)


def lint_nurture(text: str) -> tuple[str, list[Mistake]]:
    """Of a nurture document: `mistake` and all mistakes."""
    try:
        read_nurture(text)
    except Unreadable as error:
        return "mistake", list(error.found)
    return "odd", []


def _shown(file: str, one: Mistake, text: str) -> str:
    """What is to be said, above the document's line with a caret under the place."""
    head = f"{file}:{one.line}:{one.column}: {one.says}"
    lines = text.splitlines()
    line = lines[one.line - 1].replace("\t", " ") if one.line <= len(lines) else ""
    if not line.strip():
        return head
    cut = max(0, one.column - _LONGEST // 2) if len(line) > _LONGEST else 0
    return f"{head}\n    {line[cut : cut + _LONGEST]}\n    {' ' * (one.column - 1 - cut)}^"


def _summary(file: str, kind: str, count: int) -> str:
    if not count:
        return f"{file}: nothing to say against it."
    many = "s" * (count > 1)
    return f"{file}: {count} " + (
        f"mistake{many}, so it is not taken." if kind == "mistake" else f"odd thing{many}, which hinder nothing."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
