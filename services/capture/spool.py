"""Where accepted events wait while Kafka can't take them: committed to Postgres, drained in order by one holder per lane when Kafka is back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg

from services.capture import store
from services.capture.line import Line
from services.capture.store import Db, Lane
from services.capture.writer import Write
from shared import logs, message, waiting
from shared.crash import DRAIN_POINT, point
from shared.database import FAILURES
from shared.message import Message

POLL_SECONDS = 1.0
LEASE_SECONDS = 10.0
SLICE_EVENTS = 1000
_CATCH_UP_EVENTS = 4 * SLICE_EVENTS
_CATCH_UP_SECONDS = 0.5
_CATCH_UP_EVERY_SECONDS = 5
_DRAIN_BUDGET_SECONDS = 5.0  # shorter than the lease, so that a holder that waits is still the holder
_PATIENCE_SECONDS = 10.0  # for reading


class Spool:
    """The spool of this instance: writes to it, drains from it, and knows which lanes have rows: its own before they are there, those
    of other instances as soon as it hears of them (within a second, should that word be lost)."""

    def __init__(self, dsn: str, *, holder: str, write: Write, budget_seconds: float, limit_events: int) -> None:
        self._keep_line = Line(dsn)  # the writer's
        self._drain_line = Line(dsn, self._listen)  # of `run`
        self._holder = holder
        self._write = write
        self._budget_seconds = budget_seconds
        self._limit_events = limit_events
        self._lanes: dict[Lane, int] = {}
        self._keeping: frozenset[Lane] = frozenset()
        self._marks: Counter[Lane] = Counter()  # how often rows were put into a lane, as far as is known here
        self._something = asyncio.Event()
        self._caught_up_in = 0
        self.trouble: str | None = None
        self.oldest_seconds = 0.0
        self.drained = 0

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
        self._keeping = frozenset(lanes)
        try:
            rows = [(lane, len(messages), message.pack(messages)) for lane, messages in lanes.items()]
            await self._keep_line.do(
                lambda db: store.spool(db, rows, holder=self._holder), within_seconds=self._budget_seconds
            )
        except FAILURES as error:
            self.trouble = f"the spool does not answer ({type(error).__name__})"
            logs.get().warning("the spool did not take events", error=type(error).__name__, lanes=len(lanes))
            # They may be there all the same, so the lanes stay held; but while nobody can look, guesses must not fill the spool.
            for lane, messages in lanes.items():
                self._lanes[lane] = max(0, self._lanes.get(lane, 0) - len(messages))
            return False
        finally:
            self._keeping = frozenset()
            self._marks.update(lanes.keys())
            self._something.set()
        return True

    async def catch_up(self) -> None:
        """Holds the writer back for a moment when little is left, so that the last rows can go and fresh events need the spool no more:
        under load there would be new rows whenever the old ones are gone. To be called while nothing is being kept. By the clock on
        the wall, so that all instances hold back at the same time."""
        turn = int(time.time()) // _CATCH_UP_EVERY_SECONDS
        if not self._lanes or self.events > _CATCH_UP_EVENTS or turn == self._caught_up_in:
            return
        self._caught_up_in = turn
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(_CATCH_UP_SECONDS):
                while await self._look(self._keep_line):
                    await asyncio.sleep(0.02)

    async def run(self) -> None:
        """Drains for ever. Whatever fails is tried again."""
        try:
            while True:
                drained_something = False
                try:
                    if await self._look(self._drain_line):
                        drained_something = await self._drain_a_slice()
                    self.trouble = None
                except FAILURES as error:
                    self.trouble = f"the spool does not answer ({type(error).__name__})"
                    logs.get().warning("can't read the spool", error=type(error).__name__)
                if not drained_something:
                    self._something.clear()
                    await waiting.for_event(self._something, POLL_SECONDS)
                    if self._lanes:  # Kafka is away: not as often as events come in
                        await asyncio.sleep(POLL_SECONDS / 4)
        finally:
            with contextlib.suppress(*FAILURES):
                await self._drain_line.do(lambda db: store.release(db, holder=self._holder), within_seconds=2)
            self._drain_line.close()
            self._keep_line.close()

    async def look(self) -> None:
        """Learns what waits already, before the first event comes. Raises what Postgres raises."""
        await self._look(self._drain_line)

    async def _look(self, line: Line) -> bool:
        """Reads how much waits in each lane; whether anything does. A lane becomes free only when nothing was put into it meanwhile."""
        before = self._marks.copy()

        async def read(db: Db) -> tuple[dict[Lane, int], float]:
            found = await store.backlog(db)
            return found, await store.oldest_seconds(db) if found else 0.0

        found, self.oldest_seconds = await line.do(read, within_seconds=_PATIENCE_SECONDS)
        busy = {lane for lane in self._lanes if lane in self._keeping or self._marks[lane] != before[lane]}
        self._lanes = dict.fromkeys(busy, 0) | found
        return bool(found)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        await connection.add_listener(store.CHANNEL, lambda *said: self._hear(str(said[-1])))

    def _hear(self, payload: str) -> None:
        """Another instance has put rows into a lane: fresh events of ours queue behind them."""
        holder, lane = store.told(payload)
        if holder != self._holder:
            self._lanes.setdefault(lane, 0)
            self._marks[lane] += 1

    async def _drain_a_slice(self) -> bool:
        """Sends the oldest rows of every lane that this instance may drain; whether any went. Rows go after the acknowledgement: who
        dies between leaves a repeat, under the same ids."""

        async def read(db: Db) -> list[tuple[int, Lane, bytes]]:
            lanes = await store.lease(db, list(self._lanes), holder=self._holder, seconds=LEASE_SECONDS)
            return await store.oldest(db, lanes, events=SLICE_EVENTS) if lanes else []

        rows = await self._drain_line.do(read, within_seconds=_PATIENCE_SECONDS)
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
            point(DRAIN_POINT)
            gone = [id_ for lane in acknowledged for id_ in ids[lane]]
            await self._drain_line.do(lambda db: store.drained(db, gone), within_seconds=_PATIENCE_SECONDS)
            events = sum(len(slice_[lane]) for lane in acknowledged)
            self.drained += events
            logs.get().info("drained", events=events, lanes=len(acknowledged))
        return bool(acknowledged)
