"""How many events each property had today (UTC), of all instances: counted here, added up in Postgres every few seconds. Nobody waits for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta

from services.capture.line import Line
from services.capture.store import Db, Property, usage
from shared import logs
from shared.database import FAILURES

FLUSH_SECONDS = 2.0  # so long several instances may together take more than the quota
_PATIENCE_SECONDS = 5.0


class Quota:
    """The counts. While Postgres is away, this instance goes by its own."""

    def __init__(self, dsn: str) -> None:
        self._line = Line(dsn)
        self._day = date.min
        self._midnight = datetime.min.replace(tzinfo=UTC)  # when the day ends
        self._swept = date.min  # the day on which we last deleted old counts
        self._known: dict[str, int] = {}  # of all instances, as of the last look
        self._new: dict[str, int] = {}  # ours, not yet in Postgres

    def take(self, owner: Property, at: datetime, events: int) -> bool:
        """Counts the events against the property's quota; False, and nothing is counted, when it is used up. With anything left all
        are given."""
        if at >= self._midnight:
            self._day, self._known, self._new = at.date(), {}, {}
            self._midnight = datetime.combine(self._day, time.min, UTC) + timedelta(days=1)
        property_ = owner.property
        new = self._new.get(property_, 0)
        if owner.quota is not None and self._known.get(property_, 0) + new >= owner.quota:
            return False
        self._new[property_] = new + events
        return True

    async def run(self) -> None:
        """Adds up for ever."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                if self._new:
                    await self.flush()
        finally:
            self.close()

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    async def flush(self) -> None:
        """Adds what is new to the counts of all instances, and learns those. A repeat after an unknown outcome may count twice."""
        day, added = self._day, dict(self._new)

        async def count(db: Db) -> dict[str, int]:
            if self._swept != day:  # yesterday may still be counted by an instance whose clock is behind
                await usage.forget_before(db, day - timedelta(days=1))
                self._swept = day
            return await usage.added(db, day, added)

        try:
            known = await self._line.do(count, within_seconds=_PATIENCE_SECONDS)
        except FAILURES as error:
            logs.get().warning("can't add up the quotas, counting on", error=type(error).__name__)
            return
        if day == self._day:
            self._known.update(known)
            for property_, events in added.items():
                self._new[property_] -= events
