"""Enrich's API over its store on a real Postgres, for the tests beside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from services.enrich import api, main
from shared import commands, problem
from shared.contracts import Command
from shared.database import CORE_MIGRATIONS, Pool
from tests.integration.stores import migrated


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as made:
        yield made


@pytest.fixture
def sent() -> list[tuple[str, str, Command]]:
    """The commands that were sent: topic, key and what they say."""
    return []


@pytest.fixture
def client(pool: Pool, sent: list[tuple[str, str, Command]]) -> httpx.AsyncClient:
    async def send(topic: str, key: str, value: bytes, _: list[tuple[str, bytes]]) -> None:
        sent.append((topic, key, msgspec.json.decode(value, type=Command)))

    app = FastAPI()
    problem.install(app)
    app.include_router(api.routes(pool, send))
    app.include_router(commands.routes(pool))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://enrich")
