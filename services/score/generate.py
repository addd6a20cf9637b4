"""The command `python -m services.score.generate`: writes ruleset.schema.json; `--check` writes nothing and fails where it is stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from services.score.schema import schema

SCHEMA = Path(__file__).with_name("ruleset.schema.json")


def main() -> int:
    """Writes the schema, or checks it; the exit status is 1 when it is stale."""
    fresh = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if SCHEMA.exists() and SCHEMA.read_text("utf-8") == fresh:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{SCHEMA.name} is stale. Run: python -m services.score.generate", file=sys.stderr)
        return 1
    SCHEMA.write_text(fresh, "utf-8")
    print(f"{SCHEMA.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
