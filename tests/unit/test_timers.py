"""The clock of a stage: what is set aside stays due and takes nobody's room."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from services.enrich import main
from shared import clock
from shared.batch import Written
from shared.claims import Held
from shared.database import Pool
from shared.reader import Reader
from shared.runner.timers import SLICE, Timers
from shared.stage import Input, Tx


class _Pool:
    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[_Pool]:
        yield self

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield


class _Reader:
    """All records have been read."""

    async def ends(self, parts: Sequence[int]) -> dict[tuple[str, int], int]:
        return {("topic", part): 0 for part in parts}

    async def position(self, topic: str, part: int) -> int:
        return 0


def _input(number: int) -> Input:
    return Input(str(uuid.UUID(int=number)), None, clock.from_ms(number), 0)


def _timers(waiting: list[Input]) -> Timers:
    async def due(_: Tx, __: Mapping[int, datetime], limit: int) -> list[Input]:
        return waiting[:limit]

    stage = replace(main.stage(b"a secret of thirty-two bytes ...."), due=due, due_seconds=-1.0)
    held = Held()
    held.epochs[0] = 1
    return Timers(stage, cast(Pool, _Pool()), held=held, partitions=1)


async def test_what_is_set_aside_takes_no_room_of_what_is_due_after_it() -> None:
    bad, good = [_input(one) for one in range(SLICE)], [_input(SLICE + one) for one in range(3)]
    timers, reader = _timers([*bad, *good]), cast(Reader, _Reader())

    assert await timers.slice(reader) == bad
    timers.set_aside([Written({}, {}, frozenset(one.event_id for one in bad))])
    assert await timers.slice(reader) == good


async def test_a_slice_is_never_larger_for_what_was_set_aside() -> None:
    bad, good = [_input(one) for one in range(10)], [_input(10 + one) for one in range(2 * SLICE)]
    timers, reader = _timers([*bad, *good]), cast(Reader, _Reader())
    timers.set_aside([Written({}, {}, frozenset(one.event_id for one in bad))])
    assert await timers.slice(reader) == good[:SLICE]
