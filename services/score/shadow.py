"""Runs a ruleset in the shadow of the live one: looks at every lead again and again, keeps what it would make of each, emits nothing.

One instance of all does it, in the gaps: it rests four times as long as it works, and where no shadow is in force it asks every few seconds
whether one is.
"""

from __future__ import annotations

import asyncio
import time

from services.score.domain.foresight import shadowed
from services.score.domain.inforce import InForce
from services.score.domain.publications import Rulesets, read
from services.score.store import shadow, walk
from shared import clock, logs
from shared.database import Pool, is_worlds_fault
from shared.documents import store
from shared.documents.inforce import Documents

LOOK_SECONDS = 5.0
REST = 4.0  # times as long as it works
_LOCK = 0x5AAD0111

Shadows = Documents[InForce | None]


def shadows() -> Shadows:
    """The rulesets that run in the shadow: none, until one is published there; the empty text ends it."""
    return Documents(
        "shadow",
        read=lambda text: read(text) if text else None,
        name=lambda one: "" if one is None else one.ruleset.id,
        first="",
    )


async def run(pool: Pool, rulesets: Rulesets, shadows: Shadows, partitions: int) -> None:
    """For ever."""
    while True:
        try:
            await _look(pool, rulesets, shadows, partitions)
        except Exception as error:
            if not is_worlds_fault(error):
                raise
            logs.get().warning("the shadow ruleset can't be looked at, trying again", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def _look(pool: Pool, rulesets: Rulesets, shadows: Shadows, partitions: int) -> None:
    """One look at every lead, if there is a shadow and no other instance is at it."""
    await store.refresh(pool, shadows, parts=range(partitions))
    if not any(shadows.latest(part).document for part in range(partitions)):
        return
    async with pool.acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        try:
            await shadow.forget(pool, [shadows.latest(part).version for part in range(partitions)])
            await store.refresh(pool, rulesets, parts=range(partitions))
            await look_at_all(pool, rulesets, shadows)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def look_at_all(pool: Pool, rulesets: Rulesets, shadows: Shadows, *, rest: float = REST) -> None:
    """What the shadow makes of every lead now, kept page by page."""
    began = time.monotonic()
    async for page in walk.leads(pool):
        now = clock.now()
        standing = {lead.lead_id: shadows.at(lead.part, now) for lead in page}
        before = await shadow.before(pool, {lead_id: one.version for lead_id, one in standing.items()})
        found = []
        for lead in page:
            other = standing[lead.lead_id]
            if other.document is not None and (
                one := shadowed(lead, other.document, before.get(lead.lead_id), rulesets, now=now)
            ):
                found.append((other.version, one))
        await shadow.keep(pool, found)
        await asyncio.sleep((time.monotonic() - began) * rest)
        began = time.monotonic()
