"""The loop itself: gather, decode, write one transaction for as long as it takes, send, look at the clock. What each step does stands elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from shared import batch, logs, metrics, recall
from shared.claims import Held
from shared.crash import point
from shared.database import Pool, is_worlds_fault
from shared.documents.keeping import Keeping
from shared.health import Health
from shared.once import OnceWriter
from shared.ownership import Fenced, SeenMeanwhile
from shared.producer import Emitter
from shared.reader import Reader
from shared.rejects import LimitReached, RejectLimit
from shared.runner.membership import Membership
from shared.runner.sending import Sending
from shared.runner.timers import Timers
from shared.runner.watch import Watch
from shared.stage import Input, Place, Record, Stage

COMMIT_SECONDS = 1.0
RECALL_SECONDS = 0.25  # how often is looked whether a recall has come to its end
COMMIT_AGAIN_SECONDS = 30.0  # what has not changed: in case somebody moved the group's offsets


class Runner:
    """Runs one stage. `run` returns after `drain` was called and what was begun is finished."""

    def __init__(
        self,
        stage: Stage,
        pool: Pool,
        *,
        kafka: str,
        member: str,
        partitions: int,
        session_timeout_ms: int,
        health: Health,
        reject_limit: RejectLimit | None = None,
    ) -> None:
        self._stage = stage
        self._pool = pool
        self._partitions = partitions
        self._health = health
        self._rejects = reject_limit or RejectLimit()
        self._held = Held()
        self._emitter = Emitter(kafka, client_id=member)
        self._once = OnceWriter(kafka, stage=stage.name)
        self._busy = asyncio.Lock()  # held while a batch, a claim or an emission is under way
        self._sending = Sending(
            stage,
            pool,
            held=self._held,
            emitter=self._emitter,
            once=self._once,
            fenced=lambda lost: self._membership.fenced(lost),
        )
        self._membership = Membership(
            stage,
            pool,
            kafka=kafka,
            member=member,
            partitions=partitions,
            session_timeout_ms=session_timeout_ms,
            held=self._held,
            emitter=self._emitter,
            once=self._once,
            busy=self._busy,
            settle=self._sending.settle,
        )
        self._timers = Timers(stage, pool, held=self._held, partitions=partitions)
        self._keeping = Keeping(stage, pool)
        self._watch = Watch(stage, pool, held=self._held, sending=self._sending, health=health)
        self._draining = asyncio.Event()
        self._committed: dict[Place, int] = {}
        self._committed_at = 0.0
        self._recalls_at = 0.0
        self._log = logs.get()

    def drain(self) -> None:
        """Asks the loop to finish what it has begun and to return."""
        self._draining.set()

    async def run(self) -> None:
        """The loop. Raises reader.OffsetGone, which needs an operator, and whatever says that our own code or
        schema is wrong (the process ends, loudly); what the world does to it, it deals with."""
        self._health.report(self._stage.name, "joining the group")
        metrics.begin(self._stage.name)
        watch = asyncio.create_task(self._watch.run(reader=lambda: self._membership.reader, busy=self._busy))
        try:
            while not self._draining.is_set():
                try:
                    await self._turn()
                except (Fenced, SeenMeanwhile) as error:
                    self._membership.read_again()
                    self._log.warning(
                        "a turn of the loop failed, trying again", stage=self._stage.name, error=type(error).__name__
                    )
                    await asyncio.sleep(0.2)
                except Exception as error:
                    if not isinstance(error, KafkaError) and not is_worlds_fault(error):
                        raise
                    self._membership.read_again()
                    self._trouble(error)
                    await asyncio.sleep(0.2 if isinstance(error, KafkaError) else 0.5)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await self._finish()

    async def _turn(self) -> None:
        if self._watch.stuck:
            self._watch.stuck = False
            await self._membership.leave()
        reader = await self._membership.joined()
        async with self._busy:
            if await self._membership.claim(reader):
                self._watch.progress()
        complete = self._membership.complete(reader)
        self._health.report(self._stage.name, None if complete else "claiming its numbers")
        if not self._held.epochs:
            await asyncio.sleep(0.05)
        if not await self._knows_what_was_told():
            self._watch.progress()
            await asyncio.sleep(0.05)
            return
        reader.in_order = bool(self._held.recalling)
        reader.waits = not self._timers.has_more
        gathering = time.perf_counter()
        records = await reader.gather(self._held.epochs, self._held.next_offsets)
        point("after_gather")
        async with self._busy:
            places = self._held.next_offsets
            records = [one for one in records if one.offset >= places.get((one.topic, one.part), one.offset + 1)]
            if records:
                self._watch.progress()
                metrics.STEP_SECONDS.labels(self._stage.name, "gather").observe(time.perf_counter() - gathering)
                self._watch.begin(min([one.timestamp_ms for one in records]))
                try:
                    await self._batch(records)
                finally:
                    self._watch.end()
                reader.follow(self._sending.took_seconds)
            await self._clock(reader)
            if not records:
                await self._sending.settle()
            await self._end_recalls()
            await self._commit_offsets(reader)

    async def _knows_what_was_told(self) -> bool:
        """Whether nothing is to be waited for before a store that is built anew reads: what is told in one number may be of another's leads."""
        if self._stage.recall is None or not self._held.recalling:
            return True
        phase = await recall.phase(self._pool, stage=self._stage.name, partitions=self._partitions)
        waits = phase.rebuilding and not phase.claimed
        self._health.report(f"{self._stage.name} recall", "waiting for all numbers to be claimed" if waits else None)
        return not waits

    async def _end_recalls(self) -> None:
        """Numbers that know by themselves again what they had decided stop comparing with it. Not only at rest: there may be none."""
        if not self._held.recalling or time.monotonic() - self._recalls_at < RECALL_SECONDS:
            return
        self._recalls_at = time.monotonic()
        for part in list(self._held.recalling):
            epoch = self._held.epochs.get(part)  # a number may be let go while we wait for another
            if epoch is None or not self._timers.is_through(part, epoch):
                continue
            if await recall.end(
                self._pool, stage=self._stage.name, part=part, epoch=epoch, partitions=self._partitions
            ):
                self._held.recalling.discard(part)

    async def _batch(self, records: Sequence[Record]) -> None:
        began = time.monotonic()
        for stage, run in self._keeping.runs(records):
            await self._keeping.refresh(self._held.epochs)
            if not await self._run(stage, run, began=began):
                return

    async def _run(self, stage: Stage, records: Sequence[Record], *, began: float) -> bool:
        """Decides on records one after the other, and begins to send what was said; False when it is to drain first."""
        decoding = time.perf_counter()
        decoded = batch.decode(stage, records)
        metrics.STEP_SECONDS.labels(stage.name, "decode").observe(time.perf_counter() - decoding)
        point("after_decode")
        while decoded and not self._draining.is_set():
            written = await self._write(stage, decoded, ())
            if written is None:  # a number was lost: what is left of the batch is done again
                decoded = [one for one in decoded if one.record.part in self._held.epochs]
                continue
            for one in decoded:
                place = (one.record.topic, one.record.part)
                self._held.next_offsets[place] = one.record.offset + 1
                self._held.read_up_to[place] = one.record.timestamp_ms
            for topic, count in Counter([one.record.topic for one in decoded]).items():
                metrics.RECORDS_IN.labels(stage.name, topic).inc(count)
            self._sending.begin(written, began=began)
            break
        return not self._draining.is_set()

    async def _clock(self, reader: Reader) -> None:
        await self._keeping.refresh(self._held.epochs)
        due = await self._timers.slice(reader)
        if not due:
            return
        began = time.monotonic()
        written = await self._write(self._stage, (), due)
        if written is None:
            return
        self._timers.set_aside(written)
        self._sending.begin(written, began=began)

    async def _write(
        self, stage: Stage, decoded: Sequence[batch.Decoded], timers: Sequence[Input]
    ) -> list[batch.Written] | None:
        """Commits a batch, for as long as it takes. None when a number turned out to be lost (it is let go of)."""
        wait = 0.1
        while True:
            await self._sending.acknowledged()
            try:
                if self._sending.in_doubt:
                    await self._sending.resolve_doubt()
                if not {one.record.part for one in decoded} | {one.part for one in timers} <= self._held.epochs.keys():
                    return None  # lost while the last batch was sent
                sweeping = list(self._sending.unswept)
                known = dict(self._held.known)
                written = await batch.write(
                    self._pool,
                    stage,
                    decoded,
                    terms=batch.Terms(self._held.epochs, self._partitions, frozenset(self._held.recalling), known),
                    acknowledged=sweeping,
                    rejects=self._rejects,
                    timers=timers,
                )
            except Fenced as lost:
                self._sending.in_doubt = True  # of a batch that was cut in two, the first part may stand
                await self._membership.fenced(lost)
                return None
            except SeenMeanwhile:
                self._sending.in_doubt = True
                continue
            except LimitReached as reached:
                self._sending.in_doubt = True
                await self._stopped_by_limit(reached)
                if self._draining.is_set():
                    return None
                continue
            except Exception as error:
                if not is_worlds_fault(error):
                    raise
                self._sending.in_doubt = True  # it may have been committed before the answer was lost
                self._health.report(f"{self._stage.name} transaction", f"{type(error).__name__}: trying again")
                self._log.warning("trying again", stage=self._stage.name, error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 2.0)
                if timers or self._draining.is_set():
                    return None  # no inbox knows a timer: it may be done, so the clock is asked again what is due
                continue
            self._health.report(f"{self._stage.name} transaction", None)
            self._sending.swept(len(sweeping))
            for place, offset in known.items():
                if self._held.known.get(place) == offset:
                    del self._held.known[place]
            return written

    async def _stopped_by_limit(self, reached: LimitReached) -> None:
        self._health.report(f"{self._stage.name} rejects", str(reached))
        self._log.error("stopped by the reject limit", stage=self._stage.name, detail=str(reached))
        await asyncio.sleep(1.0)
        await self._rejects.read_passes(self._pool, stage=self._stage.name)
        self._health.report(f"{self._stage.name} rejects", None)

    async def _commit_offsets(self, reader: Reader) -> None:
        """For lag and tools only: Postgres is the truth. A commit costs us and the broker milliseconds, so at rest there is none."""
        offsets = self._held.next_offsets
        wait = COMMIT_AGAIN_SECONDS if offsets == self._committed else COMMIT_SECONDS
        if time.monotonic() - self._committed_at < wait or not offsets:
            return
        self._committed_at = time.monotonic()
        wanted = dict(offsets)
        self._committed = wanted if await reader.commit(wanted) else {}
        point("after_offset_commit")

    def _trouble(self, error: BaseException) -> None:
        where = "broker" if isinstance(error, KafkaError) else "store"
        self._health.report(f"{self._stage.name} {where}", f"{type(error).__name__}: trying again")
        self._log.warning("trying again", stage=self._stage.name, error=type(error).__name__)

    async def _finish(self) -> None:
        reader = self._membership.reader
        with contextlib.suppress(Exception):
            # Not beside a revocation that settles too: both would send what is in doubt, and a handover would be there twice.
            async with asyncio.timeout(8.0), self._busy:
                await self._sending.settle()
                if reader is not None:
                    await reader.commit(self._held.next_offsets)
        self._sending.cancel()
        if reader is not None:
            await reader.close()
        await self._once.close()
        await self._emitter.close()
