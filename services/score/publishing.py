"""Rulesets over HTTP: what all documents can do, how far leads have come with the last one, and how many it would bring into SQL."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.score.domain.publications import Rulesets
from services.score.store import progress
from shared.commands import Send
from shared.database import Pool
from shared.documents import api
from shared.documents.api import Options
from shared.problem import Mistake

_MOST = 1_000_000_000


def routes(pool: Pool, send: Send, partitions: int, rulesets: Rulesets) -> APIRouter:
    """`/v1/rulesets...`."""

    async def status() -> dict[str, Any]:
        return {"rescore": await progress.rescore(pool)}

    return api.routes(
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
