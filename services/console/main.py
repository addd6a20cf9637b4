"""The console's process: keeps dead letters so that operators can list, show and replay them, keeps the books, and serves the demo page. Wiring only."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from services.console import api, audit, books_api
from services.console.domain import dead
from services.console.replay import Replayer
from services.console.settings import Settings
from services.console.store import dead as store
from shared import service, settings
from shared.service import Context
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
    lookouts: list[audit.Lookout] = []

    def routes(context: Context) -> Sequence[APIRouter]:
        lookouts.extend([audit.Lookout(context.pool, found.kafka, found.partitions)] if found.books else ())
        return [
            api.dead_routes(context.pool, Replayer(found, context.send)),
            api.demo_routes(context.pool),
            books_api.routes(context.pool, lookouts[0] if lookouts else None),
        ]

    def beside(_: Context) -> Sequence[Coroutine[Any, Any, None]]:
        return [one.run() for one in lookouts]

    service.run(
        "console",
        found,
        stages=lambda _: [STAGE, audit.STAGE] if found.books else [STAGE],
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
        beside=beside,
    )


if __name__ == "__main__":
    main()
