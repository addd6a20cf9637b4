"""Rulesets' documents over HTTP, as texts: their form, and what there is to say against one. Which are in force is publishing.py's."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.score.domain.lint import lint
from services.score.lint import plain
from services.score.schema import schema
from shared.documents.api import Linted
from shared.documents.inforce import version_of


def routes() -> APIRouter:
    """`GET /v1/rulesets/schema`, `POST /v1/rulesets/lint`. To be included before the routes that take any word there for a version."""
    router = APIRouter(tags=["documents"])
    form = schema()

    @router.get("/v1/rulesets/schema")
    async def ruleset_schema() -> dict[str, Any]:
        """The JSON Schema of a ruleset."""
        return form

    @router.post("/v1/rulesets/lint")
    async def ruleset_lint(asked: Linted) -> dict[str, Any]:
        """Whether a text can be used, every mistake in it, and as `findings` also what is only odd: each with line, column, kind (mistake or
        odd), what it says, and the line's text."""
        found = lint(asked.text, source="document")
        mistakes = [f"{one.line}:{one.column}: {one.says}" for one in found if one.hinders]
        findings = [plain(one, asked.text) for one in found]
        return {"version": version_of(asked.text), "usable": not mistakes, "mistakes": mistakes, "findings": findings}

    return router
