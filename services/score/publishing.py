"""Rulesets over HTTP: what all documents can do, how far leads have come with the last one, and what another one would make of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.score.domain.foresight import Sums, foreseen
from services.score.domain.inforce import InForce
from services.score.domain.publications import Rulesets, read
from services.score.shadow import Shadows
from services.score.store import progress, shadow, walk
from shared import clock, problem
from shared.commands import Send
from shared.database import Pool
from shared.documents import api, store
from shared.documents.api import Linted, Options
from shared.documents.inforce import Unusable
from shared.problem import Mistake, Problem

_MOST = 1_000_000_000


def routes(pool: Pool, send: Send, partitions: int, rulesets: Rulesets, shadows: Shadows) -> APIRouter:
    """`/v1/rulesets...`, and `/v1/rulesets/shadow...` for the one that runs beside."""

    async def status() -> dict[str, Any]:
        return {"rescore": await progress.rescore(pool)}

    async def of_the_shadow() -> dict[str, Any]:
        await store.refresh(pool, shadows, parts=range(partitions))
        standing = shadows.latest(0)
        return {"report": None if standing.document is None else await shadow.report(pool, standing.version)}

    made = APIRouter(tags=["rulesets"])
    made.include_router(
        api.routes(
            shadows,
            pool=pool,
            send=send,
            partitions=partitions,
            path="/v1/rulesets/shadow",
            source="score-api",
            status=of_the_shadow,
            lints=False,
        )
    )

    @made.post(
        "/v1/rulesets/preview",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}}}, **problem.declared(401, 422)},
    )
    async def preview(asked: Linted) -> StreamingResponse:
        """What a publication of this text would do to every lead in this moment: a line of JSON with `done` and `of` again and again, and a last one
        with `result`: leads, enter_sql, leave_sql, stages, most_moved. Nothing is changed."""
        try:
            other = read(asked.text)
        except Unusable as wrong:
            mistakes = [Mistake("/text", one) for one in wrong.mistakes]
            said = "Correct the places that `errors` names."
            raise Problem(422, "invalid", "The document has mistakes", said, mistakes) from None
        return StreamingResponse(_foreseen(pool, partitions, rulesets, other), media_type="application/x-ndjson")

    made.include_router(
        api.routes(
            rulesets,
            pool=pool,
            send=send,
            partitions=partitions,
            path="/v1/rulesets",
            source="score-api",
            check=wrong_options,
            status=status,
            lints=False,  # document_api.py says more
        )
    )
    return made


async def _foreseen(pool: Pool, partitions: int, rulesets: Rulesets, other: InForce) -> AsyncIterator[bytes]:
    now = clock.now()
    await store.refresh(pool, rulesets, parts=range(partitions))
    of, sums, done = await walk.count(pool), Sums(), 0
    async for page in walk.leads(pool):
        sums.add(one for lead in page if (one := foreseen(lead, other, rulesets, now=now)) is not None)
        done += len(page)
        yield msgspec.json.encode({"done": done, "of": max(of, done)}) + b"\n"
    yield msgspec.json.encode({"result": sums.shown()}) + b"\n"


def wrong_options(options: Options) -> list[Mistake]:
    """`handover: false` lets no lead into SQL because of the publication alone; `rate_per_hour` with `expected` lets so many in an hour, where so
    many are expected in all."""
    found = [
        Mistake(f"/options/{name}", "there is no such option: handover, rate_per_hour, expected")
        for name in options.keys() - {"handover", "rate_per_hour", "expected"}
    ]
    if not isinstance(options.get("handover", True), bool):
        found.append(Mistake("/options/handover", "true or false"))
    for name, least in (("rate_per_hour", 1), ("expected", 0)):
        number = options.get(name, least)
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _MOST:
            found.append(Mistake(f"/options/{name}", f"a whole number from {least} to {_MOST}"))
    if ("rate_per_hour" in options) != ("expected" in options):
        found.append(Mistake("/options", "rate_per_hour and expected go together"))
    if "rate_per_hour" in options and options.get("handover") is False:
        found.append(Mistake("/options", "either held or at a rate"))
    return found
