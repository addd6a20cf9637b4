"""Enrich's wiring: the only place where its names meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.enrich import api, geoip, own, store
from services.enrich.domain import command, intake, limits, phone, rebuild
from services.enrich.domain.decide import decide
from services.enrich.domain.where import Locate, nowhere
from services.enrich.domain.world.events import Happened
from services.enrich.settings import Settings
from shared import service, settings, topology
from shared.database import Pool
from shared.outcome import Reject
from shared.stage import Input, Record, Stage

MIGRATIONS = Path(__file__).parent / "migrations"


def stage(secret: bytes, locate: Locate = nowhere) -> Stage:
    """The stage under an installation's secret; `locate` knows addresses. It has no inbox: a kept event's own row is the memory that
    it counts, for ever."""
    return Stage(
        name="enrich",
        reads=(topology.CAPTURED, topology.COMMANDS),
        writes=(topology.ENRICHED,),
        decode=partial(_decode, locate=locate),
        load=partial(store.load, secret=secret),
        decide=partial(decide, secret=secret),
        save=store.save,
        inbox=False,
        seen=store.seen,
        due=store.due,
        due_seconds=5.0,
        recollect=rebuild.recollect,
        same_part=False,
        accepted=_accepted,
    )


def _decode(record: Record, *, locate: Locate) -> Input | Reject | None:
    if record.topic == topology.COMMANDS.name:
        return command.decode(record)
    return intake.decode(record, locate=locate)


def _accepted(event: Any) -> datetime | None:
    return event.facts.received_at if type(event) is Happened and not event.facts.history else None


def main() -> None:
    """Runs enrich until it is told to stop."""
    told = settings.load(Settings)
    phone.warm()
    if told.enrich_tables is not None:
        own.take_in(told.enrich_tables)
    limits.LIMITS.identifiers, limits.LIMITS.an_hour = told.identifiers_a_lead, told.joins_an_hour
    locate = geoip.opened(told.geoip)

    def stages(_: Pool) -> Sequence[Stage]:
        return (stage(told.secret.encode(), locate),)

    service.run(
        "enrich",
        told,
        stages=stages,
        migrations=MIGRATIONS,
        routes=lambda context: [api.routes(context.pool, context.send)],
    )


if __name__ == "__main__":
    main()
