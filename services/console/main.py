"""The console's process: keeps dead letters so that operators can list, show and replay them, and serves the demo page. Wiring only."""

from __future__ import annotations

from pathlib import Path

from services.console import api, store
from services.console.domain import dead
from services.console.replay import Replayer
from services.console.settings import Settings
from shared import service, settings
from shared.stage import Stage
from shared.topology import COMMANDS, DEAD

STAGE = Stage(
    name="console",
    reads=(DEAD, COMMANDS),
    writes=(),
    decode=dead.decode,
    load=store.load,
    decide=dead.decide,
    save=store.save,
    inbox=False,  # a dead letter's row is the memory
    seen=store.seen,
    gather_ms=250,  # people read what it keeps
)


def main() -> None:
    """Runs until it is told to stop."""
    found = settings.load(Settings)
    service.run(
        "console",
        found,
        stages=lambda _: [STAGE],
        migrations=Path(__file__).parent / "migrations",
        routes=lambda context: [
            api.dead_routes(context.pool, Replayer(found, context.send)),
            api.demo_routes(context.pool),
        ],
    )


if __name__ == "__main__":
    main()
