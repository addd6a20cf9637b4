"""What SQL is sent through: a pool or one connection."""

from __future__ import annotations

import asyncpg

from shared.database import Pool

Db = Pool | asyncpg.Connection
