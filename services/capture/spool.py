"""Where accepted events wait while Kafka can't take them: committed to Postgres, drained in order by one holder per lane when Kafka is back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import asyncpg

from services.capture import store
from services.capture.store import Lane
from services.capture.writer import Write
from shared import logs, message
from shared.database import Pool
from shared.message import Message

POLL_SECONDS = 1.0
LEASE_SECONDS = 10.0
SLICE_EVENTS = 1000
_CATCH_UP_EVENTS = 4 * SLICE_EVENTS
_CATCH_UP_SECONDS = 0.5
_CATCH_UP_PAUSE_SECONDS = 5.0
_DRAIN_BUDGET_SECONDS = 5.0  # shorter than the lease, so that a holder that waits is still the holder
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Spool:
    """The spool of this instance: writes to it, drains from it, and knows which lanes have rows (its own at once, those of other
    instances within a second)."""

    def __init__(self, pool: Pool, *, holder: str, write: Write, budget_seconds: float, limit_events: int) -> None:
        self._pool = pool
        self._holder = holder
        self._write = write
        self._budget_seconds = budget_seconds
        self._limit_events = limit_events
        self._lanes: dict[Lane, int] = {}
        self._keeping = 0
        self._keeps = 0
        self._something = asyncio.Event()
        self._next_catch_up = 0.0
        self.trouble: str | None = None

    @property
    def events(self) -> int:
        """How many events wait, as far as is known."""
        return sum(self._lanes.values())

    def holds(self, lane: Lane) -> bool:
        """Whether rows of the lane wait, or may: then fresh events queue behind them."""
        return lane in self._lanes

    def full(self) -> bool:
        """Whether the operator's bound is reached."""
        return self.events > self._limit_events

    async def keep(self, lanes: Mapping[Lane, Sequence[Message]]) -> bool:
        """Commits the lanes' events; False when Postgres did not say in time that it has."""
        # The lane counts as held before the row is there: from here on no fresh event may pass it.
        for lane, messages in lanes.items():
            self._lanes[lane] = self._lanes.get(lane, 0) + len(messages)
        self._keeping += 1
        try:
            async with asyncio.timeout(self._budget_seconds):
                rows = [(lane, len(messages), message.pack(messages)) for lane, messages in lanes.items()]
                await store.spool(self._pool, rows)
        except _FAILURES as error:
            self.trouble = f"the spool does not answer ({type(error).__name__})"
            logs.get().warning("the spool did not take events", error=type(error).__name__, lanes=len(lanes))
            return False
        finally:
            self._keeping -= 1
            self._keeps += 1
            self._something.set()
        return True

    async def catch_up(self) -> None:
        """Holds the writer back for a moment when little is left, so that the last rows can go and fresh events need the spool no more:
        under load there would be new rows whenever the old ones are gone. To be called while nothing is being kept."""
        now = asyncio.get_running_loop().time()
        if not self._lanes or self.events > _CATCH_UP_EVENTS or now < self._next_catch_up:
            return
        self._next_catch_up = now + _CATCH_UP_PAUSE_SECONDS
        with contextlib.suppress(*_FAILURES):
            async with asyncio.timeout(_CATCH_UP_SECONDS):
                while await self.look():
                    await asyncio.sleep(0.02)

    async def run(self) -> None:
        """Drains for ever. Whatever fails is tried again."""
        try:
            while True:
                drained_something = False
                try:
                    if await self.look():
                        drained_something = await self._drain_a_slice()
                    self.trouble = None
                except _FAILURES as error:
                    self.trouble = f"the spool does not answer ({type(error).__name__})"
                    logs.get().warning("can't read the spool", error=type(error).__name__)
                if not drained_something:
                    self._something.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._something.wait(), POLL_SECONDS)
                    if self._lanes:  # Kafka is away: not as often as events come in
                        await asyncio.sleep(POLL_SECONDS / 4)
        finally:
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(2):
                    await store.release(self._pool, holder=self._holder)

    async def look(self) -> bool:
        """Reads how much waits in each lane; whether anything does. Only when nothing was kept meanwhile does a lane become free."""
        before, busy = self._keeps, self._keeping
        found = await store.backlog(self._pool)
        if not busy and self._keeps == before and not self._keeping:
            self._lanes = found
        else:
            self._lanes = {lane: found.get(lane, 0) for lane in self._lanes | found}
        return bool(found)

    async def _drain_a_slice(self) -> bool:
        """Sends the oldest rows of every lane that this instance may drain; whether any went. Rows go after the acknowledgement: who
        dies between leaves a repeat, under the same ids."""
        lanes = await store.lease(self._pool, list(self._lanes), holder=self._holder, seconds=LEASE_SECONDS)
        rows = await store.oldest(self._pool, lanes, events=SLICE_EVENTS) if lanes else []
        slice_: dict[Lane, list[Message]] = {}
        ids: dict[Lane, list[int]] = {}
        for id_, lane, packed in rows:
            slice_.setdefault(lane, []).extend(message.unpack(packed))
            ids.setdefault(lane, []).append(id_)
        if not slice_:
            return False
        acknowledged: list[Lane] = []
        await self._write(slice_, within_seconds=_DRAIN_BUDGET_SECONDS, acknowledged=acknowledged.append)
        if acknowledged:
            await store.drained(self._pool, [id_ for lane in acknowledged for id_ in ids[lane]])
            logs.get().info("drained", events=sum(len(slice_[lane]) for lane in acknowledged), lanes=len(acknowledged))
        return bool(acknowledged)
