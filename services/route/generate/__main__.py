"""The command `python -m services.route.generate`: draws the picture in the README anew and writes the documents' JSON Schemas.

`--check` writes nothing and fails where something is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from services.route.generate import schema
from services.route.generate.picture import readme

README = Path(__file__).parents[3] / "README.md"


def stale() -> dict[Path, str]:
    """The files that are not as they should be, with what should stand there. Raises ValueError where the README has no place for the picture."""
    wanted = {
        README: readme(README.read_text("utf-8")),
        schema.PATH: schema.text(),
        schema.NURTURE_PATH: schema.nurture_text(),
    }
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def main() -> int:
    """Writes what is stale, or names it; the exit status is 1 when it is stale and was not written."""
    try:
        found = stale()
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 1
    check = "--check" in sys.argv[1:]
    for path, text in found.items():
        if check:
            print(f"{path.name} is stale. Run: python -m services.route.generate", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
            print(f"{path.name} written")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
