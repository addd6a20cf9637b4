"""A connection to a service's store, for the operator's tools that look into it themselves."""

from __future__ import annotations

import asyncpg

from services.console.where import Trouble


async def connect(dsn: str) -> asyncpg.Connection:
    """Named as the CLI's, so that nobody takes it for a service's. Raises Trouble when the store does not answer; the password is not told."""
    try:
        connection: asyncpg.Connection = await asyncpg.connect(
            dsn, timeout=10, server_settings={"application_name": "leads"}
        )
        return connection
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        where = dsn.rpartition("@")[2]  # without the password
        raise Trouble(
            f"Postgres does not answer at {where} ({type(error).__name__}). Look at `leads status`."
        ) from None
