"""Route's wiring: the only place where its names meet. Two stages in one process: handovers and outcomes, and the intake of outcomes."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Sequence
from pathlib import Path

from services.route import api
from services.route.domain import document, intake
from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.routing import Routing
from services.route.settings import Settings
from services.route.store import batch
from services.route.store import intake as intake_store
from shared import service, settings, topology
from shared.database import Pool
from shared.stage import Stage

MIGRATIONS = Path(__file__).parent / "migrations"


def stages(routing: Routing) -> Sequence[Stage]:
    """The two stages under one routing document."""
    return (
        Stage(
            name="route",
            reads=(topology.SCORED, topology.COMMANDS),
            writes=(topology.HANDOVER, topology.NURTURE),
            decode=decode,
            load=batch.load,
            decide=deciding(routing),
            save=batch.save,
            due=batch.due,
            due_seconds=1.0,
        ),
        Stage(
            name="intake",
            reads=(topology.OUTCOMES,),
            writes=(topology.COMMANDS,),
            decode=intake.decode,
            load=intake_store.load,
            decide=intake.decide,
            save=intake_store.save,
            same_part=False,
        ),
    )


def routing_in(path: Path) -> Routing:
    """The routing document in `path`, or every mistake in it on stderr and exit code 2."""
    try:
        return document.read(path.read_text("utf-8"), name=str(path), zones=zoneinfo.available_timezones())
    except document.NotARouting as error:
        print("The routing document can't be used:", *error.mistakes, sep="\n  ", file=sys.stderr)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        print(f"The routing document {path} can't be read: {why}. Set LEADFLOW_ROUTE_ROUTING to one.", file=sys.stderr)
    raise SystemExit(2)


def main() -> None:
    """Runs route until it is told to stop."""
    told = settings.load(Settings)
    both = stages(routing_in(told.route_routing))

    def made(_: Pool) -> Sequence[Stage]:
        return both

    service.run(
        "route",
        told,
        stages=made,
        migrations=MIGRATIONS,
        routes=lambda context: [api.routes(context.pool, context.send)],
    )


if __name__ == "__main__":
    main()
