"""The store of a schedule in memory: makes sessions, and says what stands in it."""

from __future__ import annotations

from typing import Any

from tests.simulation.loop import VirtualLoop
from tests.simulation.statements import handler
from tests.simulation.tables import Session, Tables


class MemoryStore:
    """One fresh database."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.tables = Tables(loop, handler)

    def session(self) -> Session:
        return Session(self.tables)

    async def content(self) -> dict[str, list[dict[str, Any]]]:
        """The committed rows of each table that the check looks at."""
        rows = self.tables.rows
        return {
            "tally": list(rows.get("tally", {}).values()),
            "outbox": list(rows.get("outbox", {}).values()),
            "inbox": [{"event_id": key[1]} for key in rows.get("inbox", {})],
            "recalled": [{"event_id": key[1]} for key in rows.get("recalled", {})],
            "cursor": [
                {"topic": key[1], "part": key[2], **row} for key, row in rows.get("cursor", {}).items()
            ],
        }  # fmt: skip

    async def backup(self) -> Any:
        return self.tables.snapshot()

    async def restore(self, backup: Any) -> None:
        """An older state stands again."""
        rows, sequences = backup
        self.tables.rows = {name: dict(table) for name, table in rows.items()}
        self.tables.sequences = dict(sequences)
