"""The command `python -m services.capture.generate`: writes the page FIELDS.md; `--check` writes nothing and fails where it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from services.capture import fields

PAGE = Path(__file__).parent / "FIELDS.md"


def main() -> int:
    """Writes the page, or checks it; the exit status is 1 when it is stale."""
    fresh = fields.page()
    if PAGE.exists() and PAGE.read_text("utf-8") == fresh:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{PAGE.name} is stale. Run: python -m services.capture.generate", file=sys.stderr)
        return 1
    PAGE.write_text(fresh, "utf-8")
    print(f"{PAGE.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
