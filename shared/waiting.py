"""Waiting for something to happen, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib


async def for_event(event: asyncio.Event, seconds: float) -> None:
    """Returns when it is set, or after so long. Not by asyncio.wait_for: in Python 3.11 that keeps a cancellation to itself which comes
    in the same turn as the event (github.com/python/cpython/issues/86296)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
