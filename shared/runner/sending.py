"""What is committed and not yet on a topic: begins to send it, waits for the broker, sweeps the outbox, and clears up a doubt."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from shared import batch, clock, metrics, outbox
from shared.claims import Held
from shared.crash import point
from shared.database import Pool
from shared.message import Message
from shared.once import OnceWriter
from shared.ownership import Fenced
from shared.producer import Emitter
from shared.stage import Stage


class Sending:
    """One stage's way from the outbox to its topics. `fenced` is told of numbers whose transactional output a successor has taken over."""

    def __init__(
        self,
        stage: Stage,
        pool: Pool,
        *,
        held: Held,
        emitter: Emitter,
        once: OnceWriter,
        fenced: Callable[[Fenced], Awaitable[None]],
    ) -> None:
        self._stage = stage
        self._pool = pool
        self._held = held
        self._emitter = emitter
        self._once = once
        self._fenced = fenced
        self._transactional = frozenset(topic.name for topic in stage.writes if topic.transactional)
        self._task: asyncio.Task[None] | None = None
        self._since = 0.0
        self.took_seconds = 0.0  # the last batch: from its records to the broker's acknowledgement
        self.in_doubt = False  # a transaction may stand whose answer was lost
        self.unswept: list[int] = []  # outbox rows that the broker has acknowledged

    def begin(self, written: Sequence[batch.Written], *, began: float) -> None:
        """Begins to send what was committed; the next gather runs beside it, the next transaction waits for it (`acknowledged`).
        `began` is when the batch did, by the monotonic clock."""
        self._since = time.monotonic()
        if any(one.rows for one in written):
            self._task = asyncio.create_task(self._send(written, began))
        else:
            self.took_seconds = self._since - began

    def late_seconds(self) -> float:
        """For how long the broker has owed an acknowledgement."""
        return time.monotonic() - self._since if self._task is not None and not self._task.done() else 0.0

    async def acknowledged(self) -> None:
        """Returns when everything that was sent has its acknowledgement, or its number was lost (`fenced` knows then)."""
        if self._task is None:
            return
        try:
            await asyncio.shield(self._task)  # who stops waiting does not stop the sending
        except Fenced as lost:
            self._task = None
            # Of a batch that was cut, other numbers' parts may stand behind the one that was lost, unsent.
            self.in_doubt = True
            await self._fenced(lost)
        self._task = None

    async def resolve_doubt(self) -> None:
        """A transaction whose answer was lost may stand: then its messages are in the outbox, and nobody else will send them while
        the number is ours. Done again, the batch finds its events counted and emits nothing."""
        for part, epoch in list(self._held.epochs.items()):
            for row, messages in await outbox.left(self._pool, stage=self._stage.name, part=part, epoch=epoch):
                if row not in self.unswept:
                    await self._send([batch.Written({part: row}, {part: messages})])
        self.in_doubt = False

    async def settle(self) -> None:
        """The loop is idle, or about to let go: nothing in flight stays, and acknowledged outbox rows go at once."""
        await self.acknowledged()
        if self.in_doubt:
            await self.resolve_doubt()
        if self.unswept:
            sweeping = list(self.unswept)
            await outbox.sweep(self._pool, acknowledged=sweeping)
            self.swept(len(sweeping))

    def swept(self, count: int) -> None:
        """The `count` oldest of `unswept` are deleted."""
        self.unswept = self.unswept[count:]

    def cancel(self) -> None:
        """Stops sending; what has no acknowledgement is in the outbox for whoever comes next."""
        if self._task is not None:
            self._task.cancel()

    async def _send(self, written: Sequence[batch.Written], began: float | None = None) -> None:
        for one in written:
            point("in_emit")
            strict: dict[int, list[Message]] = {}
            ordinary: list[Message] = []
            for part, messages in one.messages.items():
                for message in messages:
                    if message.topic in self._transactional:
                        strict.setdefault(part, []).append(message)
                    else:
                        ordinary.append(message)
            await self._emitter.send(ordinary)
            lost = await asyncio.gather(
                *(self._send_once(part, strict[part]) for part in strict), return_exceptions=True
            )
            point("after_ack")
            unsent = {part for part, error in zip(strict, lost, strict=True) if error is not None}
            self.unswept.extend(row for part, row in one.rows.items() if part not in unsent)
            for topic, count in Counter([message.topic for message in ordinary]).items():
                metrics.RECORDS_OUT.labels(self._stage.name, topic).inc(count)
            if not unsent:
                _measure(one)
            for error in lost:
                if error is not None:
                    raise error
        if began is not None:
            metrics.STEP_SECONDS.labels(self._stage.name, "emit").observe(time.monotonic() - self._since)
            self.took_seconds = time.monotonic() - began

    async def _send_once(self, part: int, messages: Sequence[Message]) -> None:
        known = await self._once.send(part, messages)
        if part in self._held.epochs:
            self._held.known.update({(topic, part): offset for topic, offset in known.items()})
        metrics.RECORDS_OUT.labels(self._stage.name, messages[0].topic).inc(len(messages))


def _measure(written: batch.Written) -> None:
    """Kafka has all of it now."""
    now = clock.now_ms() / 1000
    for topic, accepted in written.accepted.items():
        waited = [max(0.0, now - at) for at in accepted.at]
        metrics.END_TO_END_SECONDS.observe_all((topic,), waited, greatest=accepted.oldest, at=now)
