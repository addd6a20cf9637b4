"""Route's wiring: the only place where its names meet. Two stages in one process: handovers and outcomes, and the intake of outcomes."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.route import api, measuring
from services.route.api import hooks, queue
from services.route.api import nurture as nurture_api
from services.route.delivering import Delivering
from services.route.domain import document, intake
from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.nurture import read
from services.route.domain.nurture.beside import beside
from services.route.domain.nurture.ready import Ready
from services.route.domain.routing import Routing
from services.route.domain.webhooks import told
from services.route.settings import SHIPPED_NURTURE, Settings
from services.route.store import batch, nurture, publishing, webhooks
from services.route.store import intake as intake_store
from services.route.store import queue as queue_store
from shared import service, settings, topology
from shared.database import Pool
from shared.documents import api as documents
from shared.documents.inforce import Documents, Unusable
from shared.stage import Input, Stage, Tx

MIGRATIONS = Path(__file__).parent / "migrations"


def stages(routings: Documents[Routing], nurturing: Documents[Ready] | None = None) -> Sequence[Stage]:
    """The three stages, and the documents that they decide by; of nurture the shipped one where none is given."""
    publications, watch = publishing.Publications(routings), queue_store.Watch()
    nurtured = nurturing if nurturing is not None else nurture_from(SHIPPED_NURTURE)

    def in_force(part: int, now: datetime) -> Ready:
        return nurtured.at(part, now).document

    async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
        world = await batch.load(tx, inputs)
        await nurture.load(tx, world, inputs, in_force)
        await publishing.load(tx, world, inputs)
        return world

    async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
        await batch.save(tx, changes)
        await nurture.save(tx, changes)
        await publishing.save(tx, changes)

    async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
        await watch.look(tx)
        return await publications.due(tx, until) or await batch.due(tx, until, limit)

    return (
        Stage(
            name="route",
            reads=(topology.SCORED, topology.COMMANDS),
            writes=(topology.HANDOVER, topology.NURTURE),
            decode=decode,
            load=load,
            decide=beside(deciding(lambda part, now: routings.at(part, now).document), in_force),
            save=save,
            due=due,
            due_seconds=1.0,
            documents=(routings, nurtured),
            accepted=measuring.accepted,
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
        Stage(
            name="webhooks",
            reads=(topology.HANDOVER,),
            writes=(),
            decode=told.decode,
            load=webhooks.load,
            decide=told.decide,
            save=webhooks.save,
        ),
    )


def routings_in(path: Path) -> Documents[Routing]:
    """The routing documents, with the one in `path` in force before any is published; or every mistake in it on stderr and exit code 2."""
    try:
        text = path.read_text("utf-8")
        document.read(text, name=str(path))
        return Documents("routing", read=document.read, name=lambda one: one.id, first=text)
    except Unusable as error:
        print("The routing document can't be used:", *error.mistakes, sep="\n  ", file=sys.stderr)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        print(f"The routing document {path} can't be read: {why}. Set LEADFLOW_ROUTE_ROUTING to one.", file=sys.stderr)
    raise SystemExit(2)


def nurture_from(path: Path) -> Documents[Ready]:
    """What nurture decides by: the document in `path` until one is published. Every mistake in it on stderr, and exit code 2."""
    try:
        return Documents("nurture", read=_nurture, name=lambda _: read.NAME, first=path.read_text("utf-8"))
    except Unusable as error:
        print(f"The nurture document {path} can't be used:", *error.mistakes, sep="\n  ", file=sys.stderr)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        print(f"The nurture document {path} can't be read: {why}. Set LEADFLOW_ROUTE_NURTURE to one.", file=sys.stderr)
    raise SystemExit(2)


def _nurture(text: str) -> Ready:
    return Ready(read.read(text))


def main() -> None:
    """Runs route until it is told to stop."""
    given = settings.load(Settings)
    nurturing = nurture_from(given.route_nurture)
    routings = routings_in(given.route_routing)
    both = stages(routings, nurturing)

    def made(_: Pool) -> Sequence[Stage]:
        return both

    service.run(
        "route",
        given,
        stages=made,
        migrations=MIGRATIONS,
        routes=lambda context: [
            api.routes(context.pool, context.send, lambda: routings.latest(0).document),
            nurture_api.routes(context.pool, context.send),
            queue.routes(context.pool, routings),
            hooks.routes(context.pool),
            documents.routes(
                routings,
                pool=context.pool,
                send=context.send,
                partitions=context.partitions,
                path="/v1/routes",
                source="route-api",
            ),
            documents.routes(
                nurturing,
                pool=context.pool,
                send=context.send,
                partitions=context.partitions,
                path="/v1/nurture",
                source="route-api",
                status=partial(nurture_api.status, context.pool),
            ),
        ],
        beside=lambda context: [Delivering(context.pool, given.allowed_networks).run()],
    )


if __name__ == "__main__":
    main()
