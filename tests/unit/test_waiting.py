"""Waiting for something to happen."""

from __future__ import annotations

import asyncio

from shared import waiting


async def test_a_wait_ends_when_it_happens_and_when_the_time_is_over() -> None:
    event = asyncio.Event()
    await waiting.for_event(event, 0.01)
    event.set()
    async with asyncio.timeout(1):
        await waiting.for_event(event, 60)


async def test_a_loop_that_waits_ends_though_it_is_cancelled_as_it_is_woken() -> None:
    event = asyncio.Event()

    async def for_ever() -> None:
        while True:
            event.clear()
            await waiting.for_event(event, 60)

    for turns in range(6):
        task = asyncio.create_task(for_ever())
        await asyncio.sleep(0)
        event.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=1)
        assert done, f"cancelled {turns} turns after it was woken, it went on"
