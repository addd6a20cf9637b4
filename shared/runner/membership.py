"""Which numbers are ours: the group's member and its consumer, claims of what the group gives, letting go of what it takes or a successor has."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection

from shared import claims, logs, metrics
from shared.claims import Held
from shared.database import Pool
from shared.once import OnceWriter
from shared.ownership import Fenced
from shared.producer import Emitter
from shared.reader import Reader
from shared.stage import Stage

RECLAIM_SECONDS = 4.0  # after being fenced: time for the group to tell us whether the number is still ours


class Membership:
    """One instance in the group of its stage. `settle` ends what is in flight; `busy` is held while a batch, a claim or an emission is under way."""

    def __init__(
        self,
        stage: Stage,
        pool: Pool,
        *,
        kafka: str,
        member: str,
        partitions: int,
        session_timeout_ms: int,
        held: Held,
        emitter: Emitter,
        once: OnceWriter,
        busy: asyncio.Lock,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._stage = stage
        self._pool = pool
        self._kafka = kafka
        self._member = member
        self._partitions = partitions
        self._session_timeout_ms = session_timeout_ms
        self._held = held
        self._emitter = emitter
        self._once = once
        self._busy = busy
        self._settle = settle
        self._not_before: dict[int, float] = {}  # numbers that were fenced: when to look again
        self._log = logs.get()
        self.reader: Reader | None = None

    async def joined(self) -> Reader:
        """The consumer; a new one where there is none. Raises KafkaError or OSError when the broker is away."""
        if self.reader is None:
            reader = Reader(
                self._kafka,
                group=f"leadflow-{self._stage.name}",
                member=f"{self._stage.name}-{self._member}",
                topics=claims.stage_topics(self._stage),
                session_timeout_ms=self._session_timeout_ms,
                gather_ms=self._stage.gather_ms,
                gather_bytes=self._stage.gather_bytes,
                most_records=self._stage.most_records,
                on_revoked=self._revoked,
            )
            await reader.start()
            self.reader = reader
        return self.reader

    async def leave(self) -> None:
        """Settles, closes the consumer, and lets all numbers go; `joined` makes a new one."""
        if self.reader is None:
            return
        async with self._busy:
            await self._settle()
            await self.reader.close()
            for part in list(self._held.epochs):
                await self.let_go(part)
            self.reader = None

    async def claim(self, reader: Reader) -> bool:
        """Claims what the group gave us and is not claimed yet; says whether there was anything. No record of a number is touched
        before its claim succeeded."""
        for part in [part for part in self._held.epochs if part not in reader.assigned]:
            await self.let_go(part)
        wanted = {
            part: given_in
            for part, given_in in reader.assigned.items()
            if self._held.rounds.get(part) != given_in and self._not_before.get(part, 0) <= time.monotonic()
        }
        if wanted:
            await self._settle()
            done = await asyncio.gather(
                *(self._take_over(reader, part, given_in) for part, given_in in wanted.items()), return_exceptions=True
            )
            for failure in done:
                if failure is not None:
                    raise failure
        metrics.HELD.labels(self._stage.name).set(len(self._held.epochs))
        return bool(wanted)

    def complete(self, reader: Reader) -> bool:
        """Whether all that the group gave us is claimed."""
        return reader.joined and set(self._held.epochs) == set(reader.assigned)

    def read_again(self) -> None:
        """A turn failed after the consumer gave records: it goes on from where the batches have come to."""
        reader = self.reader
        if reader is None:
            return
        for part in self._held.epochs:
            if part in reader.assigned:
                reader.seek(part, {topic: self._held.next_offsets[topic, part] for topic in reader.topics})

    async def fenced(self, lost: Fenced) -> None:
        """A successor has these numbers: lets them go, and does not claim them back at once."""
        for part in lost.parts:
            metrics.FENCED.labels(self._stage.name).inc()
            self._log.warning("number lost to a successor", stage=self._stage.name, part=part)
            await self.let_go(part)
            self._not_before[part] = time.monotonic() + RECLAIM_SECONDS

    async def let_go(self, part: int) -> None:
        """Forgets number `part`."""
        self._held.drop(part)
        await self._once.drop(part)

    async def _take_over(self, reader: Reader, part: int, given_in: int) -> None:
        await self.let_go(part)
        await claims.take_over(
            self._pool,
            self._stage,
            part,
            reader=reader,
            once=self._once,
            emitter=self._emitter,
            kafka=self._kafka,
            owner=self._member,
            partitions=self._partitions,
            held=self._held,
        )
        if reader.assigned.get(part) == given_in:
            self._held.rounds[part] = given_in
            self._log.info("number claimed", stage=self._stage.name, part=part, epoch=self._held.epochs[part])
        else:  # the group changed its mind while we claimed
            await self.let_go(part)

    async def _revoked(self, parts: Collection[int]) -> None:
        """The group takes numbers away: finish the batch that is under way, but do not hold the others up for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                async with self._busy:
                    await self._settle()
                    for part in parts:
                        await self.let_go(part)
