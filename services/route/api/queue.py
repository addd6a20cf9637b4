"""The queue over HTTP, and trying a routing document. What a lead's place in the queue leads to is decided where timers fall due."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field, StringConstraints

from services.route.domain.routing import Routing
from services.route.domain.simulating import Given, simulate
from services.route.store import queue
from shared.database import Pool
from shared.documents import reading
from shared.documents.inforce import MOST_BYTES, Documents, Unusable
from shared.problem import Mistake, Problem

Id = Annotated[str, PathParameter(max_length=240, pattern=r"^[^\x00]+$")]


class Tried(BaseModel):
    """A routing document to try: a text, or a version that is kept; without either the one in force."""

    model_config = {"extra": "forbid"}

    text: Annotated[str, StringConstraints(max_length=MOST_BYTES, pattern=r"^[^\x00]*$")] | None = None
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")] | None = None
    last: int = Field(default=200, ge=1, le=5000, description="so many of the last handovers and waiting leads")


def routes(pool: Pool, routings: Documents[Routing]) -> APIRouter:
    """One lead of the queue, and what a document would have done."""
    router = APIRouter()

    @router.get("/v1/queue/{lead_id}")
    async def waiting(lead_id: Id) -> dict[str, Any]:
        """A lead that waits for somebody: since when, why, and the rules that were tried."""
        found = await queue.one(pool, lead_id)
        if found is None:
            raise HTTPException(
                404, "This lead does not wait in the queue. GET /v1/leads/{id}/handovers tells whose it is."
            )
        return {**found, "path": msgspec.json.decode(found["path"])}

    @router.post("/v1/routes/simulate")
    async def tried(asked: Tried) -> dict[str, Any]:
        """Runs a document over the last handovers and waiting leads as they came, and says who would have got what beside who did."""
        text, cases = await _text(asked), await queue.cases(pool, asked.last)
        try:
            given = await asyncio.to_thread(lambda: simulate(routings.anew(text), cases))
        except Unusable as wrong:
            told = [Mistake("/text", said) for said in wrong.mistakes]
            said = "Correct the places that `errors` names."
            raise Problem(422, "invalid", "The document has mistakes", said, told) from None
        return {
            "leads": len(given),
            "changed": sum(one.was != one.would for one in given),
            "owners": _owners(given),
            "cases": [msgspec.to_builtins(one) for one in given],
        }

    async def _text(asked: Tried) -> str | None:
        if asked.text is not None and asked.version is not None:
            raise Problem(422, "invalid", "The request is not valid", "Name a text or a version, not both.")
        if asked.version is None:
            return asked.text
        found = await reading.version(pool, kind=routings.kind, version=asked.version)
        if found is None:
            raise Problem(
                404, "no-such-version", "There is no such version", "GET /v1/routes lists those that are kept."
            )
        return str(found["text"])

    return router


def _owners(given: Sequence[Given]) -> list[dict[str, Any]]:
    """How many each owner got, and would have got; without an owner: how many wait."""
    was, would = Counter(one.was for one in given), Counter(one.would for one in given)
    return [
        {"owner": owner, "was": was[owner], "would": would[owner]}
        for owner in sorted({*was, *would}, key=lambda owner: (owner is None, owner or ""))
    ]
