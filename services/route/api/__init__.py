"""Route over HTTP, behind the operator's token: handovers (handovers.py), the queue, and what is asked of route (asked.py)."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from services.route.api import asked, handovers
from services.route.domain.routing import Routing
from shared.commands import Send
from shared.database import Pool


def routes(pool: Pool, send: Send, routing: Callable[[], Routing]) -> APIRouter:
    """Route's routes. `send(topic, key, value, headers)` returns when the broker has the record, else raises TimeoutError; `routing` gives
    the document that is in force."""
    router = APIRouter(tags=["route"])
    router.include_router(handovers.routes(pool, routing))
    router.include_router(asked.routes(pool, send, routing))
    return router
