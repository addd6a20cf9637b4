"""Where `leads` begins: `leads health` alone, or the whole command line, which takes a second of CPU to load. Containers ask for their
health every few seconds."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command."""
    if sys.argv[1:2] == ["health"] and len(sys.argv) <= 3 and not sys.argv[-1].startswith("-"):
        from services.console import health

        raise SystemExit(health.main("".join(sys.argv[2:])))
    from services.console.cli import app

    app()
