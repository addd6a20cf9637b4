"""Route's wiring: the only place where its names meet. Two stages in one process: handovers and outcomes, and the intake of outcomes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.route import api, measuring
from services.route.api import hooks, queue
from services.route.api import mail as mail_api
from services.route.api import nurture as nurture_api
from services.route.delivering import Delivering
from services.route.domain import document, intake
from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.mail import heard
from services.route.domain.nurture import read, recalled
from services.route.domain.nurture.beside import beside
from services.route.domain.nurture.document import Nurturing
from services.route.domain.nurture.ready import Ready
from services.route.domain.routing import Routing
from services.route.domain.webhooks import told
from services.route.mail import templates
from services.route.mail.mailbox import Mailbox
from services.route.mail.settings import MailSettings
from services.route.mail.telling import Telling
from services.route.settings import SHIPPED_NURTURE, Settings
from services.route.store import batch, nurture, publishing, recalling, webhooks
from services.route.store import intake as intake_store
from services.route.store import queue as queue_store
from services.route.store.mail import kept
from shared import service, settings, topology
from shared.database import Pool
from shared.documents import api as documents
from shared.documents.inforce import Documents, Unusable
from shared.stage import Input, Stage, Tx

MIGRATIONS = Path(__file__).parent / "migrations"


def stages(
    routings: Documents[Routing], nurturing: Documents[Ready] | None = None, *, mails: bool = False
) -> Sequence[Stage]:
    """The stages, mail's where it is on, and the documents that they decide by; of nurture the shipped one where none is given."""
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
            recollect=recalled.recollect,
            recall=recalling.recall,
            restore=recalling.restore,
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
        *([MAIL] if mails else []),
    )


MAIL = Stage(
    name="mail",
    reads=(topology.NURTURE, topology.HANDOVER, topology.COMMANDS),
    writes=(),
    decode=heard.decode,
    load=kept.load,
    decide=heard.decide,
    save=kept.save,
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


def sending_mail(
    given: MailSettings, context: service.Context, env: ImmutableSandboxedEnvironment, nurture: Callable[[], Nurturing]
) -> Sequence[Coroutine[Any, Any, None]]:
    """What runs beside the stages where mail is on."""
    from services.route.mail.sending import Sending  # aiosmtplib is only loaded where it is used

    send = Sending(
        pool=context.pool,
        server=given.mail_server_address,
        sender=given.mail_sender,
        links=given.mail_links,
        env=env,
        nurture=nurture,
        connections=given.mail_connections,
    )
    tell = Telling(pool=context.pool, send=context.send, secret=given.secret.encode())
    box = [Mailbox(pool=context.pool, folder=given.mail_bounces).run()] if given.mail_bounces else []
    return [send.run(), tell.run(), *box]


def main() -> None:
    """Runs route until it is told to stop."""
    given = settings.load(Settings)
    nurturing = nurture_from(given.route_nurture)
    routings = routings_in(given.route_routing)
    is_on, env = bool(given.mail_server), templates.folder(given.mail_templates)
    all_ = stages(routings, nurturing, mails=is_on)

    def made(_: Pool) -> Sequence[Stage]:
        return all_

    def nurture_now() -> Nurturing:
        return nurturing.latest(0).document.doc

    def beside_them(context: service.Context) -> Sequence[Coroutine[Any, Any, None]]:
        mail = sending_mail(given, context, env, nurture_now) if is_on else []
        return [Delivering(context.pool, given.allowed_networks).run(), *mail]

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
            mail_api.routes(
                context.pool,
                is_on=is_on,
                links=given.mail_links,
                env=env,
                folder=given.mail_templates,
                nurture=nurture_now,
            ),
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
        beside=beside_them,
    )


if __name__ == "__main__":
    main()
