"""The clock of a stage: what it has made due for numbers whose records up to that time have all been read, in slices."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared import clock, recall
from shared.batch import Written
from shared.claims import Held
from shared.database import Pool
from shared.reader import Reader
from shared.stage import Input, Stage

SLICE = 500  # due inputs in one transaction
SLACK_MS = 50  # how far the broker's clock may be behind ours


class Timers:
    """One stage's due inputs. It finds them; the loop writes them as it writes records."""

    def __init__(self, stage: Stage, pool: Pool, *, held: Held, partitions: int) -> None:
        self._stage = stage
        self._pool = pool
        self._held = held
        self._partitions = partitions
        # Of numbers that recall: under which epoch, and when all had been read; and of which nothing is due any more that was due by then.
        self._read_at: dict[int, tuple[int, datetime]] = {}
        self._through: set[tuple[int, int]] = set()
        self._looked_at = 0.0
        self.has_more = False  # the last slice was full
        self._stuck: set[str] = (
            set()
        )  # nothing can be made of them, or Postgres refuses it; their dead letters are written

    async def slice(self, reader: Reader) -> list[Input]:
        """What is due now, at most SLICE inputs; nothing before the next look is due."""
        if self._stage.due is None or time.monotonic() - self._looked_at <= self._stage.due_seconds:
            return []
        self._looked_at = time.monotonic()
        self.has_more = False
        phase = await self._phase()
        if phase is not None and phase.rebuilding and not phase.read and self._stage.recall is not None:
            return []
        watermarks = await self._watermarks(reader)
        if not watermarks:
            return []
        due = [
            input_
            for input_ in await self._due(watermarks)
            if input_.event_id not in self._stuck and input_.part in self._held.epochs
        ]
        if len(due) >= SLICE:
            self._looked_at = 0.0  # more is due: go on after the next records
            self.has_more = True
        if phase is not None and phase.read:
            self._note(due, watermarks)
        return due[:SLICE]

    def is_through(self, part: int, epoch: int) -> bool:
        """Whether everything is done that was due when all numbers had been read again: what is recalled of number `part` is of no more use."""
        return self._stage.due is None or (part, epoch) in self._through

    async def _phase(self) -> recall.Phase | None:
        if not self._held.recalling:
            return None
        return await recall.phase(self._pool, stage=self._stage.name, partitions=self._partitions)

    def _note(self, due: Sequence[Input], watermarks: Mapping[int, datetime]) -> None:
        """Looks at what is left for numbers that recall, from when all had been read on: what that begets in the past is due too."""
        self._through = set()
        for part in self._held.recalling:
            epoch = self._held.epochs.get(part)
            if epoch is None:
                continue
            known = self._read_at.get(part)
            if known is None or known[0] != epoch:
                known = self._read_at[part] = (epoch, clock.now())
            is_left = any(one.part == part and one.now <= known[1] for one in due)
            if not is_left and not self.has_more and watermarks.get(part, clock.EPOCH) >= known[1]:
                self._through.add((part, epoch))

    def set_aside(self, written: Sequence[Written]) -> None:
        """What was refused stays due; its dead letter is written, and it is not tried again before the next start."""
        for one in written:
            self._stuck |= one.refused

    async def _due(self, watermarks: dict[int, datetime]) -> list[Input]:
        assert self._stage.due is not None
        async with self._pool.acquire() as connection, connection.transaction():
            # What was set aside stays due, and is among the longest due: it takes nobody's room.
            return list(await self._stage.due(connection, watermarks, SLICE + len(self._stuck)))

    async def _watermarks(self, reader: Reader) -> dict[int, datetime]:
        """Up to which time all records of each number have been read: nearly now where it is caught up, else the last record's time.

        A timer that is due before that time comes before every record that is still to be read: so a replay, which meets the
        same records, decides the same in the same order.
        """
        if not self._held.epochs:
            return {}
        now_ms = clock.now_ms() - SLACK_MS
        ends = await reader.ends(self._held.epochs)
        watermarks: dict[int, int] = {}
        for (topic, part), end in ends.items():
            caught_up = await reader.position(topic, part) >= end
            read_ms = now_ms if caught_up else self._held.read_up_to.get((topic, part), 0)
            watermarks[part] = min(watermarks.get(part, read_ms), read_ms)
        return {part: clock.from_ms(ms) for part, ms in watermarks.items()}
