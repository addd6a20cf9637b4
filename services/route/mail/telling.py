"""Tells what became of mails on the topics, until the broker has it: at least once, under ids of its own, so that it counts once. What is said,
domain/mail/telling says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.route.domain.mail.telling import activity, suppression
from services.route.store.mail import happening
from shared import logs
from shared.commands import Send
from shared.database import FAILURES, Pool

_LOOK_SECONDS = 0.5
_MOST = 50
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Tells for one store."""

    pool: Pool
    send: Send
    secret: bytes
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """Tells for ever. What fails is tried again."""
        while True:
            try:
                while await self.some():
                    pass
            except FAILURES as error:
                logs.get().warning("what became of mails can't be told now", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def some(self) -> bool:
        """Tells some of what is to be told, suppressions first; whether there was any."""
        found = await happening.take(self.pool, now=self.now(), lease=_LEASE, most=_MOST)
        for seen in found:
            now = self.now()
            for record in (suppression(seen, now=now), activity(seen, secret=self.secret, now=now)):
                if record is not None:
                    await self.send(record.topic, record.key, record.value, record.headers)
            await happening.told(self.pool, [seen.event_id], self.now())
        return bool(found)
