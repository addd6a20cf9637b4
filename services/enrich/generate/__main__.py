"""The command `python -m services.enrich.generate`: writes the tables that come from libraries. `--check` writes nothing and fails where one is stale."""

from __future__ import annotations

import sys

from services.enrich.generate.countries import countries, languages
from services.enrich.generate.crawlers import crawlers
from services.enrich.generate.zones import zones

TABLES = (countries, languages, zones, crawlers)


def main() -> int:
    """Writes what is stale, or names it; the exit status is 1 when something is stale and was not written."""
    stale = [table for make in TABLES if (table := make()).is_stale()]
    checks = "--check" in sys.argv[1:]
    for table in stale:
        if checks:
            print(f"{table.path.name} is stale. Run: python -m services.enrich.generate", file=sys.stderr)
        else:
            table.write()
            print(f"{table.path.name} written")
    return 1 if stale and checks else 0


if __name__ == "__main__":
    sys.exit(main())
