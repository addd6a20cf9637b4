"""`python -m services.score.lint FILE... [--json]`: says everything against rulesets' documents. Needs no service and no store.

Exit code 0: nothing to say; 1: something was said, be it a mistake or only odd; 2: a file can't be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.score.domain.document import Mistake
from services.score.domain.lint import lint

_LONGEST = 160  # characters of a document's line that are shown


def main(arguments: Sequence[str]) -> int:
    """Prints what is to be said, for people or with --json for programs; the exit code."""
    files = [one for one in arguments if one != "--json"]
    found: dict[str, tuple[Mistake, ...]] = {}
    texts = {}
    for file in files:
        try:
            texts[file] = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            print(f"{file} can't be read: {why}. Name a ruleset's YAML file.", file=sys.stderr)
            return 2
        found[file] = lint(texts[file], source=file)
    if "--json" in arguments:
        print(
            json.dumps(
                [{"file": file, **plain(one, texts[file])} for file, all_ in found.items() for one in all_], indent=2
            )
        )
    else:
        for file, all_ in found.items():
            print("\n".join([*(_shown(file, one, texts[file]) for one in all_), _summary(file, all_)]))
    return 1 if any(found.values()) else 0


def plain(one: Mistake, text: str) -> dict[str, Any]:
    """One thing that is said of a document, for programs."""
    kind = "mistake" if one.hinders else "odd"
    return {"line": one.line, "column": one.column, "kind": kind, "says": one.says, "text": _line(one, text)}


def _shown(file: str, one: Mistake, text: str) -> str:
    """What is to be said, above the document's line with a caret under the place."""
    head = f"{file}:{one.line}:{one.column}: {one.says}"
    line = _line(one, text)
    if not line.strip():
        return head
    cut = max(0, one.column - _LONGEST // 2) if len(line) > _LONGEST else 0
    return f"{head}\n    {line[cut : cut + _LONGEST]}\n    {' ' * (one.column - 1 - cut)}^"


def _line(one: Mistake, text: str) -> str:
    lines = text.splitlines()
    return lines[one.line - 1].replace("\t", " ") if one.line <= len(lines) else ""


def _summary(file: str, all_: Sequence[Mistake]) -> str:
    if not all_:
        return f"{file}: nothing to say against it."
    hindering = sum(one.hinders for one in all_)
    odd = len(all_) - hindering
    counts = [f"{hindering} mistake{'s' * (hindering > 1)}, so it is not taken"] * bool(hindering)
    counts += [f"{odd} odd thing{'s' * (odd > 1)}, which hinder{'s' * (odd == 1)} nothing"] * bool(odd)
    return f"{file}: {'; '.join(counts)}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
