"""Where accepted events wait while Kafka can't take them: committed to Postgres, drained in order by one holder per lane when Kafka is back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from services.capture import store
from services.capture.line import FAILURES, Line
from services.capture.store import Db, Lane
from services.capture.writer import Write
from shared import logs, message
from shared.message import Message

POLL_SECONDS = 1.0
LEASE_SECONDS = 10.0
SLICE_EVENTS = 1000
_CATCH_UP_EVENTS = 4 * SLICE_EVENTS
_CATCH_UP_SECONDS = 0.5
_CATCH_UP_PAUSE_SECONDS = 5.0
_DRAIN_BUDGET_SECONDS = 5.0  # shorter than the lease, so that a holder that waits is still the holder
_PATIENCE_SECONDS = 10.0  # for reading


class Spool:
    """The spool of this instance: writes to it, drains from it, and knows which lanes have rows (its own at once, those of other
    instances within a second)."""

    def __init__(self, dsn: str, *, holder: str, write: Write, budget_seconds: float, limit_events: int) -> None:
        self._keep_line = Line(dsn)  # the writer's
        self._drain_line = Line(dsn)  # of `run`
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
            rows = [(lane, len(messages), message.pack(messages)) for lane, messages in lanes.items()]
            await self._keep_line.do(lambda db: store.spool(db, rows), within_seconds=self._budget_seconds)
        except FAILURES as error:
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
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._something.wait(), POLL_SECONDS)
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
        """Reads how much waits in each lane; whether anything does. Only when nothing was kept meanwhile does a lane become free."""
        before, busy = self._keeps, self._keeping
        found = await line.do(store.backlog, within_seconds=_PATIENCE_SECONDS)
        if not busy and self._keeps == before and not self._keeping:
            self._lanes = found
        else:
            self._lanes = {lane: found.get(lane, 0) for lane in self._lanes | found}
        return bool(found)

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
            gone = [id_ for lane in acknowledged for id_ in ids[lane]]
            await self._drain_line.do(lambda db: store.drained(db, gone), within_seconds=_PATIENCE_SECONDS)
            logs.get().info("drained", events=sum(len(slice_[lane]) for lane in acknowledged), lanes=len(acknowledged))
        return bool(acknowledged)
