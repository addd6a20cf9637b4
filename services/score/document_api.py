"""Rulesets' documents over HTTP, as texts: their form, and what there is to say against one. Which are in force is not told here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.score.domain.lint import lint
from services.score.lint import plain
from services.score.schema import schema
from shared.problem import Problem, respond

_MOST_BYTES = 262_144


def routes() -> APIRouter:
    """`GET /v1/rulesets/schema`, `POST /v1/rulesets/lint`."""
    router = APIRouter(tags=["rulesets"])
    form = schema()

    @router.get("/v1/rulesets/schema")
    async def ruleset_schema() -> dict[str, Any]:
        """The JSON Schema of a ruleset."""
        return form

    @router.post(
        "/v1/rulesets/lint",
        response_model=None,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}
        },
        responses={413: {"description": "longer than any ruleset"}},
    )
    async def ruleset_lint(request: Request) -> dict[str, Any] | Response:
        """Everything there is to say against a ruleset: `findings` with line, column, kind (mistake, odd), what it says and the line's
        text. It is `taken` where no mistake is among them. The body is the YAML document."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BYTES:
                return respond(
                    Problem(413, "too-large", "The document is too long", f"A ruleset has at most {_MOST_BYTES} bytes.")
                )
        text = body.decode(errors="replace")
        found = lint(text, source="document")
        return {"taken": not any(one.hinders for one in found), "findings": [plain(one, text) for one in found]}

    return router
