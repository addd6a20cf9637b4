"""Two instances of every stage share its partitions; one dies for good, or is taken away as planned: how long each number stands still, and that nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from deploy.local import drills, stack
from deploy.local.layout import Layout
from shared.settings import Common
from tests.e2e.ledger import Ledger, check, publish
from tests.e2e.watched import LOOK_SECONDS, READS, watching

PER_SECOND = 80
SESSION_SECONDS = Common.model_fields["session_timeout_ms"].default / 1000


async def _until(holds: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def _under_load(leadflow: Layout, during: Callable[[], Awaitable[None]], *, seed: int) -> None:
    """Does something while events come in; nothing of what was accepted may be lost or doubled."""
    described: Any = await asyncio.to_thread(stack.describe, leadflow)
    capture = described["services"]["capture"][0]["url"]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {described['token']}"}) as client:
        made = await client.post(f"{capture}/v1/properties", json={"name": f"two-{seed}"})
        assert made.status_code in (200, 201), made.text
    ledger, stop = Ledger(), asyncio.Event()
    key = made.json()["write_key"]
    publishing = asyncio.create_task(publish(capture, key, ledger, per_second=PER_SECOND, stop=stop, seed=seed))
    try:
        await asyncio.sleep(4)
        await during()
    finally:
        stop.set()
        await publishing
    deadline = time.monotonic() + 60
    while (verdict := await check(leadflow.kafka, 4, ledger)).lost and time.monotonic() < deadline:
        await asyncio.sleep(1)
    assert verdict.acked == len(ledger.sent)
    assert not verdict.lost
    assert not verdict.unexpected
    assert not verdict.doubled


@pytest.mark.slow  # the bounds are of a machine that does nothing else
@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", READS)
async def test_of_two_instances_one_may_die_for_good_or_be_taken_away_and_nothing_is_lost(
    leadflow: Layout, service: str
) -> None:
    first, second = f"{service}-0", f"{service}-1"
    await asyncio.to_thread(drills.scale, leadflow, service, 2)
    async with watching(leadflow, service) as watched:
        assert await _until(lambda: bool(watched.seen) and len(set(watched.owners().values())) == 2, seconds=20)

        async def dies() -> None:
            since = time.monotonic()
            await asyncio.to_thread(drills.kill, leadflow, second, hold=True)
            assert await _until(
                lambda: watched.held_by(first, since=since) is not None, seconds=SESSION_SECONDS + 20
            ), watched.owners()
            await asyncio.sleep(4)
            held = watched.held_by(first, since=since)
            print(
                f"{service}: killed and held; all numbers the other's after {held:.1f} s, longest pause {watched.pause(since=since):.1f} s"
            )
            assert held is not None
            assert held < SESSION_SECONDS + 3

        await _under_load(leadflow, dies, seed=1)
        await asyncio.to_thread(drills.start, leadflow, second)
        assert await _until(lambda: len(set(watched.owners().values())) == 2, seconds=30)

        async def is_taken_away() -> None:
            since = time.monotonic()
            await asyncio.to_thread(drills.scale, leadflow, service, 1)
            assert await _until(lambda: watched.held_by(first, since=since) is not None, seconds=20), watched.owners()
            await asyncio.sleep(3)
            pause = watched.pause(since=since)
            print(f"{service}: scaled in as planned; longest pause {pause:.1f} s")
            assert pause < 3

        await _under_load(leadflow, is_taken_away, seed=2)
