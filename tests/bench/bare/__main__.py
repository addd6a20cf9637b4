"""`python -m tests.bench.bare enrich`: one bare stage as a service, told by its environment as the services are."""

from __future__ import annotations

import sys
from pathlib import Path

from shared import service, settings
from shared.settings import Common
from tests.bench.bare import stages

MIGRATIONS = Path(__file__).parent / "migrations"


def main() -> None:
    """Runs until it is told to stop."""
    name = sys.argv[1]
    made = (stages.stage(name),)
    service.run(name, settings.load(Common), stages=lambda _: made, migrations=MIGRATIONS)


if __name__ == "__main__":
    main()
