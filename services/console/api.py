"""The console's HTTP routes: dead letters behind the operator's token, and the demo's two pages, which are for everybody."""

from __future__ import annotations

import base64
import uuid
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, Field

from services.console.domain.dead import why_not
from services.console.replay import Replayer
from services.console.store import dead as store
from shared.contracts import Dead
from shared.database import Pool
from shared.problem import Problem

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
# The page loads nothing from anywhere, and may post to capture only (whose address differs from stack to stack).
_PAGE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin"}


_Text = Annotated[str | None, Query(max_length=249, pattern=r"^[^\x00]*$")]
_COUNTRIES = (
    ("AT", "Austria"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("NL", "Netherlands"),
    ("ES", "Spain"),
    ("CH", "Switzerland"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
)


def dead_routes(pool: Pool, replayer: Replayer) -> APIRouter:
    """`/v1/dead`: what died, why, where; one whole; and sending it again."""
    router = APIRouter(tags=["dead letters"])

    @router.get("/v1/dead")
    async def list_(
        service: _Text = None,
        reason: _Text = None,
        topic: _Text = None,
        waiting: Annotated[bool, Query(description="only those that were never replayed")] = False,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        before: Annotated[str | None, Query(description="`next` of the page before", max_length=100)] = None,
    ) -> dict[str, Any]:
        """Counts by service, topic and reason over all, and a page of dead letters without their contents, newest first."""
        wanted = store.Wanted(service=service, reason=reason, topic=topic, waiting=waiting)
        found = await store.newest(pool, wanted, limit=limit, before=_place_in_list(before))
        last = found[-1] if len(found) == limit else None
        return {
            "counts": await store.counts(pool),
            "dead": found,
            "next": f"{last['died_at'].isoformat()} {last['id']}" if last else None,
        }

    @router.get("/v1/dead/{dead_id}")
    async def show(dead_id: uuid.UUID) -> dict[str, Any]:
        """One dead letter whole: key, value and header values as base64, since they may be any bytes."""
        dead, replay_of, replayed_at = await _found(pool, dead_id)
        return {
            "id": dead.event_id,
            "service": dead.service,
            "reason": dead.reason,
            "detail": dead.detail,
            "topic": dead.place.topic,
            "partition": dead.place.partition,
            "offset": dead.place.offset,
            "died_at": dead.at,
            "replay_of": replay_of,
            "replayed_at": replayed_at,
            "not_replayable": why_not(dead.place, partitions=replayer.partitions),
            "key": _base64(dead.key) if dead.key is not None else None,
            "headers": [[name, _base64(value)] for name, value in dead.headers],
            "value": _base64(dead.value),
        }

    @router.post("/v1/dead/{dead_id}/replay", status_code=202)
    async def replay(dead_id: uuid.UUID) -> dict[str, Any]:
        """Sends it to where it stood, as it was. Safe to repeat: an event that counts by now is dropped by its id."""
        dead, _, _ = await _found(pool, dead_id)
        reason = why_not(dead.place, partitions=replayer.partitions)
        if reason is not None:
            raise Problem(409, "not-replayable", "This dead letter can't be replayed", reason)
        try:
            command_id = await replayer.replay(dead)
        except TimeoutError:
            detail = "Kafka did not acknowledge it in time. Replay it again when Kafka answers; twice does no harm."
            raise Problem(503, "kafka-away", "Kafka does not answer", detail, headers={"Retry-After": "5"}) from None
        return {"command_id": command_id, "topic": dead.place.topic, "partition": dead.place.partition}

    return router


class Demo(BaseModel):
    """What the demo page needs: a write key, which is no secret, and where a browser reaches capture."""

    write_key: str = Field(pattern=r"^[A-Za-z0-9_-]{8,128}$")
    capture: str = Field(pattern=r"^https?://[A-Za-z0-9.\[\]:-]+$")


def demo_routes(pool: Pool) -> APIRouter:
    """`POST /v1/demo` for `leads demo`; `/demo` and `/demo/thanks` for a browser."""
    router = APIRouter(tags=["demo"])

    @router.post("/v1/demo", status_code=204)
    async def begin(demo: Demo) -> Response:
        """Fills the demo page."""
        await store.begin_demo(pool, write_key=demo.write_key, capture=demo.capture)
        return Response(status_code=204)

    async def page(_: Request) -> Response:
        demo = await store.demo(pool)
        if demo is None:
            return _page("nothing.html", status=404)
        # A message id of its own for each page that is shown: who clicks twice is counted once.
        return _page(
            "form.html", write_key=demo[0], capture=demo[1], message_id=str(uuid.uuid4()), countries=_COUNTRIES
        )

    async def thanks(_: Request) -> Response:
        return _page("thanks.html")

    # Plain routes of Starlette, not of FastAPI: the operator's token stands in front of FastAPI's only, and a visitor of a form
    # has none. These two tell nothing about anybody.
    router.add_route("/demo", page, methods=["GET"], include_in_schema=False)
    router.add_route("/demo/thanks", thanks, methods=["GET"], include_in_schema=False)
    return router


def _page(name: str, *, status: int = 200, **filled: Any) -> Response:
    return HTMLResponse(_pages.get_template(name).render(**filled), status, headers=_PAGE_HEADERS)


async def _found(pool: Pool, dead_id: uuid.UUID) -> tuple[Dead, str | None, datetime | None]:
    found = await store.letter(pool, str(dead_id))
    if found is None:
        detail = "No dead letter has this id. `leads dead list` shows those that there are."
        raise Problem(404, "no-such-dead-letter", "There is no such dead letter", detail)
    return found


def _place_in_list(text: str | None) -> tuple[datetime, str] | None:
    if text is None:
        return None
    try:
        at, _, dead_id = text.partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment, str(uuid.UUID(dead_id))
    except ValueError:
        detail = "`before` is no place in this list. Take `next` of the page before, as it is."
        raise Problem(422, "invalid", "The request is not valid", detail) from None


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
