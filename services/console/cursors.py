"""The delivery core's own tables in a service's store, for the operator's tools: how far it has read, and emptying it. No service's tables."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from services.console.connecting import connect
from shared.topology import BY_NAME


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stage has read a topic's partition."""

    stage: str
    topic: str
    part: int
    next_offset: int


async def read(dsn: str) -> list[Cursor]:
    """The cursors of what the store's stages read; none while the store is empty. Raises Trouble when it does not answer."""
    connection = await connect(dsn)
    try:
        # Cursors of transactional topics say how far a stage knows its own output: nothing is read there.
        rows = await connection.fetch("SELECT stage, topic, part, next_offset FROM cursor ORDER BY stage, topic, part")
    except asyncpg.UndefinedTableError:
        return []
    finally:
        await connection.close()
    return [Cursor(**row) for row in rows if row["topic"] in BY_NAME and not BY_NAME[row["topic"]].transactional]


async def empty(dsn: str) -> None:
    """Deletes everything in a store that belongs to its role: tables, sequences, what migrations have run."""
    connection = await connect(dsn)
    try:
        # The schema goes with all that is in it, and comes back empty with the rights that its owner has by that.
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
