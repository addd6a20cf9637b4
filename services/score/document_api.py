"""What a ruleset's document looks like, over HTTP. What documents there are and which is in force is not told here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.score.schema import schema


def routes() -> APIRouter:
    """`GET /v1/rulesets/schema`. To be included before the routes that take any word there for a version."""
    router = APIRouter(tags=["documents"])
    form = schema()

    @router.get("/v1/rulesets/schema")
    async def ruleset_schema() -> dict[str, Any]:
        """The JSON Schema of a ruleset."""
        return form

    return router
