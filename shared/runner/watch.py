"""Beside the loop, every few seconds: is the database there, how far behind are we, does the consumer still give what is there?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

from shared import clock, logs, metrics, outbox
from shared.claims import Held
from shared.database import Pool
from shared.health import Health
from shared.reader import Reader
from shared.runner.sending import Sending
from shared.stage import Place, Stage

PERIOD_SECONDS = 3.0
STILL_SECONDS = 12.0  # so long may a batch take before /readyz tells that nothing goes on
STUCK_SECONDS = 30.0  # a backlog beside a consumer that gives nothing for this long: a new consumer
TRIM_SECONDS = 3600.0


class Watch:
    """Reports to `health` and metrics. `stuck` becomes True when the consumer must be replaced; whoever does so sets it back."""

    def __init__(self, stage: Stage, pool: Pool, *, held: Held, sending: Sending, health: Health) -> None:
        self._stage = stage
        self._pool = pool
        self._held = held
        self._sending = sending
        self._health = health
        self._progress_at = time.monotonic()
        self._trimmed_at = time.monotonic()
        self._in_work_ms: int | None = None  # the oldest record of the batch that is under way
        self._read_all_at: dict[Place, float] = {}  # when nothing was unread last (seconds since 1970)
        self._shown: set[Place] = set()
        self.stuck = False

    def begin(self, oldest_ms: int) -> None:
        """A batch is under way; this is its oldest record's timestamp."""
        self._in_work_ms = oldest_ms

    def end(self) -> None:
        """It is not any more."""
        self._in_work_ms = None

    def progress(self) -> None:
        """The consumer gave records, or nothing was to be given."""
        self._progress_at = time.monotonic()

    async def run(self, *, reader: Callable[[], Reader | None], busy: asyncio.Lock) -> None:
        """Looks for ever. `reader` gives the consumer of the moment; while `busy` is held the loop is at work and not stuck."""
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            await self._look_at_store()
            await self._trim()
            late = self._sending.late_seconds() > 5
            self._report("emission", "Kafka acknowledges nothing: sending again" if late else None)
            now = reader()
            if now is None:
                continue
            lag = await self._lag(now)
            if lag is None:
                continue
            self._show(lag)
            behind = any(records > 0 for records in lag.values())
            still = time.monotonic() - self._progress_at
            tells = behind and still > STILL_SECONDS
            self._report("progress", f"read nothing for {still:.0f} s beside unread records" if tells else None)
            if not behind:
                self.progress()
            elif time.monotonic() - self._progress_at > STUCK_SECONDS and not busy.locked():
                metrics.WATCHDOG.labels(self._stage.name).inc()
                logs.get().warning("the consumer gives nothing beside a backlog: a new one", stage=self._stage.name)
                self.progress()
                self.stuck = True

    def _show(self, lag: Mapping[Place, int]) -> None:
        """Shows how far behind we are. What is unread came after the last record that was read, and after nothing was unread: so long at most
        does it wait. A number that was let go of shows nothing behind."""
        now, name = clock.now_ms() / 1000, self._stage.name
        oldest = now - self._in_work_ms / 1000 if self._in_work_ms is not None else 0.0
        for place in self._shown - lag.keys():
            self._read_all_at.pop(place, None)
            metrics.LAG_RECORDS.labels(name, *place).set(0)
            metrics.LAG_SECONDS.labels(name, *place).set(0)
        self._shown = set(lag)
        for place, records in lag.items():
            since = max(self._read_all_at.get(place, 0.0), self._held.read_up_to.get(place, 0) / 1000)
            if records <= 0 or not since:
                since = self._read_all_at[place] = now
            metrics.LAG_RECORDS.labels(name, *place).set(max(0, records))
            metrics.LAG_SECONDS.labels(name, *place).set(max(0.0, now - since))
            oldest = max(oldest, now - since)
        metrics.OLDEST_SECONDS.labels(name).set(max(0.0, oldest))

    async def _look_at_store(self) -> None:
        try:
            rows, seconds = await asyncio.wait_for(outbox.waiting(self._pool, stage=self._stage.name), 5.0)
            metrics.OUTBOX_ROWS.labels(self._stage.name).set(rows)
            metrics.OUTBOX_OLDEST_SECONDS.labels(self._stage.name).set(seconds)
            self._report("store", None)
        except Exception as error:
            self._report("store", f"the database does not answer ({type(error).__name__})")

    async def _lag(self, reader: Reader) -> dict[tuple[str, int], int] | None:
        """Records between our position and the end, by (topic, number); None when the broker does not tell."""
        try:
            # Who holds no number asks too: else it would call itself ready while the broker is away.
            ends = await asyncio.wait_for(reader.ends(self._held.epochs or (0,)), 8.0)
        except Exception as error:
            self._report("broker", f"Kafka does not answer ({type(error).__name__})")
            return None
        self._report("broker", None)
        lag = {
            place: end - await reader.position(*place) for place, end in ends.items() if place[1] in self._held.epochs
        }
        return {place: records for place, records in lag.items() if records <= ends[place]}  # an unknown position is -1

    async def _trim(self) -> None:
        """Now and then: event ids that are older than any topic keeps are forgotten, in slices."""
        if not self._stage.inbox or time.monotonic() - self._trimmed_at < TRIM_SECONDS:
            return
        self._trimmed_at = time.monotonic()
        with contextlib.suppress(Exception):  # the next time will do
            while await outbox.trim_inbox(self._pool, stage=self._stage.name, before=clock.now() - outbox.INBOX_MEMORY):
                await asyncio.sleep(0.1)

    def _report(self, part: str, trouble: str | None) -> None:
        self._health.report(f"{self._stage.name} {part}", trouble)
