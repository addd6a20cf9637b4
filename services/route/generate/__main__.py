"""The command `python -m services.route.generate`: draws the picture in the README anew. `--check` writes nothing and fails where it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from services.route.generate.picture import readme

README = Path(__file__).parents[3] / "README.md"


def main() -> int:
    """Writes what is stale, or names it; the exit status is 1 when it is stale and was not written."""
    current = README.read_text("utf-8")
    try:
        wanted = readme(current)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 1
    if current == wanted:
        return 0
    if "--check" in sys.argv[1:]:
        print("README.md is stale. Run: python -m services.route.generate", file=sys.stderr)
        return 1
    README.write_text(wanted, "utf-8")
    print("README.md written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
