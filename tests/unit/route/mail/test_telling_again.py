"""Telling what became of mails goes on whatever Postgres does."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from services.route.mail import telling
from services.route.mail.telling import Telling
from services.route.store.mail import happening


async def _nobody(*_: Any) -> None: ...


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("the connection broke between two messages"),
        asyncpg.InterfaceError("closed"),
        asyncpg.PostgresError("down"),
        OSError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_broken_connection_is_called_it_is_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles, asked = [error], asyncio.Event()

    async def take(*_: Any, **__: Any) -> list[Any]:
        if troubles:
            raise troubles.pop()
        asked.set()
        return []

    monkeypatch.setattr(happening, "take", take)
    monkeypatch.setattr(telling, "_LOOK_SECONDS", 0.0)
    pool: Any = None
    running = asyncio.create_task(Telling(pool=pool, send=_nobody, secret=b"s").run())
    async with asyncio.timeout(5):
        await asyncio.wait([running, asyncio.create_task(asked.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
