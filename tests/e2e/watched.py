"""How far a stage has read and by whom, looked at every 50 ms in its own store: so that it is known how long each number stood still."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg

from deploy.local import installation
from deploy.local.layout import Layout
from shared.topology import CAPTURED, ENRICHED, SCORED

READS = {"enrich": CAPTURED.name, "score": ENRICHED.name, "route": SCORED.name}
LOOK_SECONDS = 0.05

Owners = dict[int, str]


@dataclass(slots=True)
class Watched:
    """A stage's cursors of the topic that the load goes through, as seen every 50 ms: when, whose each number is, how far it is read."""

    seen: list[tuple[float, Owners, dict[int, int]]] = field(default_factory=list)

    def owners(self) -> Owners:
        """Whose each number is at the last look."""
        return self.seen[-1][1]

    def held_by(self, owner: str, *, since: float) -> float | None:
        """Seconds from `since` until every number was the owner's."""
        return next(
            (at - since for at, owners, _ in self.seen if at >= since and set(owners.values()) == {owner}), None
        )

    def pause(self, *, since: float) -> float:
        """The longest time, in seconds, for which a number did not go on, up to the last look. With 20 events a second for each
        number there is always something to do."""
        moved: dict[int, tuple[float, int]] = {}
        longest = 0.0
        for at, _, read_up_to in self.seen:
            for part, offset in read_up_to.items():
                before = moved.get(part)
                if before is not None and at >= since:
                    longest = max(longest, at - max(before[0], since))
                if before is None or offset > before[1]:
                    moved[part] = (at, offset)
        return longest


@contextlib.asynccontextmanager
async def watching(leadflow: Layout, service: str) -> AsyncIterator[Watched]:
    """Looks at the service's store until the end of the block."""
    dsn = installation.load_or_make(leadflow, {}).store(leadflow, "postgres", service)
    connection = await asyncpg.connect(dsn)
    found = Watched()

    async def look() -> None:
        while True:
            rows = await connection.fetch(
                "SELECT part, owner, next_offset FROM cursor WHERE topic = $1", READS[service]
            )
            owners = {row["part"]: row["owner"] for row in rows}
            found.seen.append((time.monotonic(), owners, {row["part"]: row["next_offset"] for row in rows}))
            await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield found
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await connection.close()
