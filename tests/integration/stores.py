"""A service's store for integration tests: a database with its tables. For tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from shared import database
from shared.database import Pool


@contextlib.asynccontextmanager
async def migrated(dsn: str, *folders: Path, max_size: int = 4) -> AsyncIterator[Pool]:
    """Connections to a database with the tables of these migrations."""
    made = await database.connect(dsn, max_size=max_size)
    try:
        await database.migrate(made, *folders)
        yield made
    finally:
        await made.close()
