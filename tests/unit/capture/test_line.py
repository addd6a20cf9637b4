"""One connection for several tasks: each has its turn, and who fails breaks nobody else's work."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from services.capture.line import Line


class Connection:
    """Says what it was asked to do at the same time; a real one raises then."""

    def __init__(self) -> None:
        self.busy = False
        self.ended = False

    def is_closed(self) -> bool:
        return self.ended

    def terminate(self) -> None:
        self.ended = True

    async def work(self, seconds: float) -> str:
        assert not self.busy, "another operation is in progress"
        assert not self.ended, "the connection is gone"
        self.busy = True
        await asyncio.sleep(seconds)
        assert not self.ended, "somebody hung up on us"
        self.busy = False
        return "done"


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    async def connect(*_: Any, **__: Any) -> Connection:
        return Connection()

    monkeypatch.setattr(asyncpg, "connect", connect)
    return Line("postgresql://")


async def test_two_flights_at_once_have_their_turns(line: Line) -> None:
    flights = [line.do(lambda db: db.work(0.01), within_seconds=1) for _ in range(3)]  # type: ignore[attr-defined]
    assert await asyncio.gather(*flights) == ["done"] * 3


async def test_who_waits_too_long_for_a_turn_hangs_up_on_nobody(line: Line) -> None:
    long = asyncio.create_task(line.do(lambda db: db.work(0.2), within_seconds=1))  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        await line.do(lambda db: db.work(0.01), within_seconds=0.05)  # type: ignore[attr-defined]
    assert await long == "done"


async def test_after_a_failure_the_next_one_gets_a_new_connection(line: Line) -> None:
    with pytest.raises(TimeoutError):
        await line.do(lambda db: db.work(1), within_seconds=0.01)  # type: ignore[attr-defined]
    assert await line.do(lambda db: db.work(0), within_seconds=1) == "done"  # type: ignore[attr-defined]
