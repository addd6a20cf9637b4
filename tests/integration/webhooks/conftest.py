"""A store of route's, a subscriber, and the API of hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from services.route import main
from services.route.api import hooks as api
from shared import problem
from shared.database import CORE_MIGRATIONS, Pool
from tests.integration.stores import migrated
from tests.integration.webhooks.receiver import Receiver, receiving


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def ask(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    app.include_router(api.routes(pool))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://route") as client:
        yield client
