"""Enrich over HTTP, behind the operator's token: leads, accounts, commands, the review queue. Which routes there are; what each says is in its own file."""

from __future__ import annotations

from fastapi import APIRouter

from services.enrich.api import accounts, commands, leads, reviews
from shared.commands import Send
from shared.database import Pool


def routes(pool: Pool, send: Send) -> APIRouter:
    """All of enrich's routes. Everything is read from its own store; `send(topic, key, value, headers)` returns when the broker has the
    record, else raises TimeoutError."""
    router = APIRouter()
    router.include_router(leads.routes(pool))
    router.include_router(accounts.routes(pool))
    router.include_router(commands.routes(pool, send))
    router.include_router(reviews.routes(pool, send))
    return router
