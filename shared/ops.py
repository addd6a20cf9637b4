"""What every service answers over HTTP beside its own routes: alive, ready, metrics, and the operator's token in front of the rest."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import deque
from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response, params
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import problem, rejects, shown
from shared.database import Pool
from shared.health import Health
from shared.metrics import process
from shared.settings import Process


def app(title: str, health: Health) -> FastAPI:
    """A FastAPI app that answers /livez, /readyz and /metrics, and every error as problem+json."""
    made = FastAPI(title=f"Leadflow {title}", version="1", docs_url="/docs", redoc_url=None)
    process.show_build()
    process.show_health(lambda: health.ready, lambda: len(health.degraded))
    problem.install(made)
    made.include_router(health_routes(health))
    return made


_TICK_SECONDS, _TICKS = 0.5, 60
_ALWAYS = frozenset({"/livez", "/readyz", "/metrics"})
_STARTING = problem.Problem(
    503,
    "starting",
    "The service is starting",
    "It is not ready yet. Try again in a second.",
    headers={"Retry-After": "1"},
)


def until_started(app: ASGIApp, health: Health, *, elsewhere: Callable[[str], bool] = lambda _: False) -> ASGIApp:
    """`app`, but while the service starts every path beside the health routes is answered 503, since a 404 would be a lie: a sender
    takes it as final, and what is sent would be lost.

    `elsewhere` tells paths that are not the app's: a request for one that comes to it all the same came before their door was open.
    """

    app = _counted(app)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path and path not in _ALWAYS and ("start" in health.reasons or elsewhere(path)):
            await problem.respond(_STARTING)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer


def _counted(app: ASGIApp) -> ASGIApp:
    """`app`, whose requests are counted and timed, by route: paths hold ids, and who asks chooses them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500  # what a client hears who hears nothing more

        async def heard(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, heard)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            process.HTTP_REQUESTS.add((route, str(status)))
            process.HTTP_SECONDS.observe((route,), time.perf_counter() - began)

    return answer


def health_routes(health: Health) -> APIRouter:
    """The three routes that need no token: they tell nothing about anybody."""
    router = APIRouter(tags=["operate"])

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        """The process turns its loop."""
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, object]:
        """Whether this instance does its work; if not, why (503); and what it does only in another way than it should."""
        if not health.ready:
            response.status_code = 503
        reasons = {**health.reasons, **({"drain": "draining"} if health.draining else {})}
        return {"ready": health.ready, "reasons": reasons, "degraded": health.degraded}

    @router.get("/metrics")
    def metrics(accept: Annotated[str, Header()] = "") -> Response:
        """Prometheus' text format, or OpenMetrics with exemplars for who accepts it. In a thread of its own: the loop goes on."""
        body, content_type = process.exposed(accept)
        return Response(body, headers={"content-type": content_type})

    return router


WRONG_TOKENS_PER_MINUTE = (
    3000  # of one instance: 16 random characters are not found by that, and a script that is set wrong stays harmless
)


def operator(
    token: str,
    reading: str = "",
    *,
    most_wrong: int = WRONG_TOKENS_PER_MINUTE,
    now: Callable[[], float] = time.monotonic,
) -> params.Depends:
    """A dependency that lets only the operator's token through, `Authorization: Bearer ...`, and for GET also the `reading` one where there
    is one. Both are compared in constant time. Who comes with wrong ones all the time is told to wait; a right one always counts.
    """
    bearer = HTTPBearer(
        auto_error=False, description="the operator's token; `leads status --json` has the local stack's"
    )
    wrong: deque[float] = deque(maxlen=most_wrong)

    async def check(
        request: Request,
        given: HTTPAuthorizationCredentials | None = Depends(bearer),  # noqa: B008 (FastAPI's form)
    ) -> None:
        sent = given.credentials.encode() if given is not None else b""
        may_all = hmac.compare_digest(sent, token.encode())
        may_read = hmac.compare_digest(sent, reading.encode()) and reading != ""
        if may_all or (may_read and request.method == "GET"):
            return
        if may_read:
            raise HTTPException(403, "This token may only read. Changing something needs the operator's token.")
        if sent:
            if len(wrong) == most_wrong and now() - wrong[0] < 60:
                raise HTTPException(
                    429, "Too many wrong tokens came within a minute. Try again later.", headers={"Retry-After": "60"}
                )
            wrong.append(now())
        raise HTTPException(
            401,
            "This needs the operator's token: Authorization: Bearer ... (leads status --json shows the local stack's).",
            headers={"WWW-Authenticate": "Bearer"},
        )

    found: params.Depends = Depends(check)
    return found


def config_routes(told: Process) -> APIRouter:
    """`GET /v1/config`: what this instance was told, secrets masked."""
    router = APIRouter(tags=["operate"])

    @router.get("/v1/config")
    async def config() -> dict[str, list[dict[str, str]]]:
        """Every setting with its value and where that came from (environment, default)."""
        return {"settings": [msgspec.structs.asdict(one) for one in shown.settings(told)]}

    return router


async def beat() -> None:
    """Ticks for ever, and shows by how much the loop was late at worst of late: what held it, held everything."""
    ticks: deque[float] = deque(maxlen=_TICKS)
    while True:
        began = time.monotonic()
        await asyncio.sleep(_TICK_SECONDS)
        ticks.append(time.monotonic() - began - _TICK_SECONDS)
        process.LOOP_LATE_SECONDS.set(max(0.0, *ticks))


class Accept(BaseModel):
    """Which stopped number may go on, and how far."""

    stage: str
    topic: str
    part: int = Field(ge=0)
    until_offset: int = Field(ge=1)


def reject_routes(pool: Pool) -> APIRouter:
    """`POST /v1/dead/accept`: lets a number go on that the reject limit stopped."""
    router = APIRouter(tags=["operate"])

    @router.post("/v1/dead/accept")
    async def accept(wanted: Accept) -> dict[str, str]:
        """Up to that offset, what our own code refuses becomes dead letters."""
        await rejects.accept(
            pool, stage=wanted.stage, topic=wanted.topic, part=wanted.part, until_offset=wanted.until_offset
        )
        return {"status": "accepted"}

    return router
