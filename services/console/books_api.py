"""The console's route of the books. What they say is counted in the store; what is missing, by what its instance saw (audit.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.console.audit import Lookout
from services.console.domain.audit import HOUR_MS
from services.console.store import audit as store
from shared import clock
from shared.database import Pool
from shared.problem import Problem

_Property = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


def routes(pool: Pool, lookout: Lookout | None) -> APIRouter:
    """`/v1/books`, which says so where no books are kept."""
    router = APIRouter(tags=["books"])

    @router.get("/v1/books")
    async def books(
        hour: Annotated[datetime | None, Query(description="the hour of acceptance in which this moment lies")] = None,
        property: _Property = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="hours and properties")] = 48,
        names: Annotated[int, Query(ge=0, le=1000, description="how many of the missing are named")] = 100,
    ) -> dict[str, Any]:
        """By hour of acceptance and property, the latest first: accepted = scored + noted + dead + in_flight. `missing` of what is in flight
        has no end though everybody has read past it; the oldest of it are named."""
        if lookout is None:
            detail = (
                "This console was told LEADFLOW_BOOKS=false. Take that back; the books then read what the topics keep."
            )
            raise Problem(409, "no-books", "No books are kept", detail)
        found_hour = None
        if hour is not None:
            found_hour = clock.to_ms(hour if hour.tzinfo else hour.replace(tzinfo=UTC)) // HOUR_MS
            if not 0 <= found_hour < 2**31:
                raise Problem(422, "no-such-hour", "No such hour", "The books begin in 1970.")
        passed = lookout.passed.offsets
        standing = await store.standing(pool, passed)
        return {
            "in_flight": standing.in_flight,
            "missing": standing.missing,
            "balanced": not standing.unbalanced,
            "oldest_in_flight_since": clock.from_ms(standing.oldest_ms) if standing.oldest_ms is not None else None,
            "books": await store.pages(pool, passed, hour=found_hour, property_=property, limit=limit),
            "named": await store.missing(pool, passed, hour=found_hour, property_=property, limit=names),
        }

    return router
