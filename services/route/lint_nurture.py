"""`python -m services.route.lint_nurture FILE... [--json]`: says every mistake in nurture documents. Needs no service and no store.

Exit code 0: there is none; 1: there are some; 2: a file can't be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from services.route.domain.nurture.read import read
from services.route.domain.reading import Unreadable


def main(arguments: Sequence[str]) -> int:
    """Prints what is wrong, for people or with --json for programs; the exit code."""
    said: dict[str, list[str]] = {}
    for file in (one for one in arguments if one != "--json"):
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            print(f"{file} can't be read: {why}. Name a nurture document's YAML file.", file=sys.stderr)
            return 2
        try:
            read(text, name=file)
            said[file] = []
        except Unreadable as error:
            said[file] = error.mistakes
    if "--json" in arguments:
        print(json.dumps([{"file": file, "says": one} for file, all_ in said.items() for one in all_], indent=2))
    else:
        for file, all_ in said.items():
            print("\n".join(all_) if all_ else f"{file}: nothing is wrong.")
    return 1 if any(said.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
