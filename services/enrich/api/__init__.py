"""Enrich over HTTP, behind the operator's token: leads, accounts. Which routes there are; what each says is in its own file."""

from __future__ import annotations

from fastapi import APIRouter

from services.enrich.api import accounts, leads
from shared.database import Pool


def routes(pool: Pool) -> APIRouter:
    """All of enrich's routes; everything is read from its own store."""
    router = APIRouter()
    router.include_router(leads.routes(pool))
    router.include_router(accounts.routes(pool))
    return router
