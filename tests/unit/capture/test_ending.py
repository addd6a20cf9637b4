"""How capture's background work ends."""

from __future__ import annotations

import asyncio

import pytest

from services.capture import main


async def test_a_task_that_keeps_a_cancellation_to_itself_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "_AGAIN_SECONDS", 0.01)

    async def deaf_once() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    tasks = [asyncio.create_task(deaf_once()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await main.ended(tasks)
    assert all(task.cancelled() for task in tasks)
