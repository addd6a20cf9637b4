"""A store of route's, and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.route import main
from shared.database import CORE_MIGRATIONS, Pool
from tests.integration.mail.server import Mailserver, serving
from tests.integration.stores import migrated


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


@pytest.fixture
async def server() -> AsyncIterator[Mailserver]:
    async with serving() as made:
        yield made
