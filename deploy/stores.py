"""Which migrations make which service's store, by folder: so that a store's owner can make its tables before the service, which may not, starts."""

from __future__ import annotations

from pathlib import Path

import services
from shared import database

_SERVICES = Path(next(iter(services.__path__)))
# Capture is no stage: it has no cursors, no inbox and no outbox.
FOLDERS: dict[str, tuple[Path, ...]] = {
    "capture": (_SERVICES / "capture" / "migrations",),
    **{
        name: (database.CORE_MIGRATIONS, _SERVICES / name / "migrations")
        for name in ("enrich", "score", "route", "console")
    },
}


async def migrate(service: str, dsn: str) -> list[str]:
    """Applies what is missing of the service's migrations, and gives their names. Waits for a database that is away; raises what
    Postgres raises else."""
    pool = await database.connect_patiently(dsn, max_size=1)
    try:
        missing = await database.missing(pool, *FOLDERS[service])
        await database.migrate(pool, *FOLDERS[service])
        return missing
    finally:
        await pool.close()
