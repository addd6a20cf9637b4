"""The loop of one stage in one instance: claim, gather, decode, one transaction, emit, commit. Everything else is called from here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from aiokafka.errors import KafkaError

from shared import batch, claims, clock, logs, metrics, outbox, recall
from shared.crash import point
from shared.database import Pool, is_worlds_fault
from shared.health import Health
from shared.message import Message
from shared.once import OnceWriter
from shared.ownership import Fenced, SeenMeanwhile
from shared.producer import Emitter
from shared.reader import Reader
from shared.rejects import LimitReached, RejectLimit
from shared.stage import Input, Record, Stage

TIMER_PERIOD_SECONDS = 0.25  # how often the clock is looked at, and the most by which fresh records wait for a slice
TIMER_SLICE = 500  # due inputs in one transaction
RECLAIM_SECONDS = 4.0  # after being fenced: time for the group to tell us whether the number is still ours
WATCHDOG_SECONDS = 30.0  # a backlog beside a consumer that gives nothing for this long: a new consumer
COMMIT_SECONDS = 1.0
TRIM_SECONDS = 3600.0
CLOCK_SLACK_MS = 50  # how far the broker's clock may be behind ours


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
        self._kafka = kafka
        self._member = member
        self._partitions = partitions
        self._session_timeout_ms = session_timeout_ms
        self._health = health
        self._rejects = reject_limit or RejectLimit()
        self._held = claims.Held()
        self._transactional = frozenset(topic.name for topic in stage.writes if topic.transactional)
        self._emitter = Emitter(kafka, client_id=member)
        self._once = OnceWriter(kafka, stage=stage.name)
        self._reader: Reader | None = None
        self._busy = asyncio.Lock()  # held while a batch, a claim or an emission is under way
        self._emitting: asyncio.Task[None] | None = None
        self._emitting_since = 0.0
        self._in_doubt = False
        self._unswept: list[int] = []  # outbox rows that the broker has acknowledged
        self._draining = asyncio.Event()
        self._not_before: dict[int, float] = {}  # numbers that were fenced: when to look again
        self._progress_at = time.monotonic()
        self._committed_at = 0.0
        self._timers_at = 0.0
        self._trimmed_at = time.monotonic()
        self._stuck_timers: set[str] = set()  # Postgres refuses what they would save; their dead letters are written
        self._rebuild = False
        self._log = logs.get()

    def drain(self) -> None:
        """Asks the loop to finish what it has begun and to return."""
        self._draining.set()

    async def run(self) -> None:
        """The loop. Raises reader.OffsetGone, which needs an operator, and whatever says that our own code or
        schema is wrong (the process ends, loudly); what the world does to it, it deals with."""
        self._health.report(self._stage.name, "joining the group")
        watch = asyncio.create_task(self._watch())
        try:
            while not self._draining.is_set():
                try:
                    await self._turn()
                except (KafkaError, Fenced, SeenMeanwhile) as error:
                    self._read_again()
                    self._log.warning(
                        "a turn of the loop failed, trying again", stage=self._stage.name, error=type(error).__name__
                    )
                    await asyncio.sleep(0.2)
                except Exception as error:
                    if not is_worlds_fault(error):
                        raise
                    self._read_again()
                    self._trouble(error)
                    await asyncio.sleep(0.5)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await self._finish()

    def _read_again(self) -> None:
        """A turn failed after the consumer gave records: it goes on from where the batches have come to."""
        reader = self._reader
        for part in self._held.epochs if reader is not None else ():
            if reader is not None and part in reader.assigned:
                reader.seek(part, {topic: self._held.next_offsets[topic, part] for topic in reader.topics})

    async def _turn(self) -> None:
        reader = await self._joined()
        async with self._busy:
            await self._claim(reader)
        if not self._held.epochs:
            await asyncio.sleep(0.05)
        records = await reader.gather(self._held.epochs, self._held.next_offsets)
        point("after_gather")
        async with self._busy:
            places = self._held.next_offsets
            records = [one for one in records if one.offset >= places.get((one.topic, one.part), one.offset + 1)]
            if records:
                self._progress_at = time.monotonic()
                await self._batch(records)
            if self._stage.due is not None and time.monotonic() - self._timers_at > TIMER_PERIOD_SECONDS:
                await self._timers(reader)
            if not records:
                await self._settle()
            await self._commit_offsets(reader)

    # -- membership and numbers ----------------------------------------------------------------------------------------

    async def _joined(self) -> Reader:
        if self._rebuild and self._reader is not None:
            self._rebuild = False
            await self._leave(self._reader)
        if self._reader is None:
            reader = Reader(
                self._kafka,
                group=f"leadflow-{self._stage.name}",
                member=f"{self._stage.name}-{self._member}",
                topics=claims.stage_topics(self._stage),
                session_timeout_ms=self._session_timeout_ms,
                on_revoked=self._revoked,
            )
            try:
                await reader.start()
            except (KafkaError, OSError) as error:
                self._trouble(error)
                raise
            self._reader = reader
            self._progress_at = time.monotonic()
        return self._reader

    async def _leave(self, reader: Reader) -> None:
        async with self._busy:
            await self._settle()
            await reader.close()
            for part in list(self._held.epochs):
                await self._let_go(part)
            self._reader = None

    async def _claim(self, reader: Reader) -> None:
        """Claims what the group gave us and is not claimed yet. No record of a number is touched before its claim succeeded."""
        for part in [part for part in self._held.epochs if part not in reader.assigned]:
            await self._let_go(part)
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
            self._progress_at = time.monotonic()
        metrics.HELD.labels(self._stage.name).set(len(self._held.epochs))
        complete = reader.joined and set(self._held.epochs) == set(reader.assigned)
        self._health.report(self._stage.name, None if complete else "claiming its numbers")

    async def _take_over(self, reader: Reader, part: int, given_in: int) -> None:
        await self._let_go(part)
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
            await self._let_go(part)

    async def _let_go(self, part: int) -> None:
        self._held.drop(part)
        await self._once.drop(part)

    async def _revoked(self, parts: Collection[int]) -> None:
        """The group takes numbers away: finish the batch that is under way, but do not hold the others up for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                async with self._busy:
                    await self._settle()
                    for part in parts:
                        await self._let_go(part)

    # -- a batch -------------------------------------------------------------------------------------------------------

    async def _batch(self, records: Sequence[Record]) -> None:
        decoded = batch.decode(self._stage, records)
        point("after_decode")
        metrics.OLDEST_SECONDS.labels(self._stage.name).set(
            max(0.0, clock.now_ms() / 1000 - records[0].timestamp_ms / 1000)
        )
        if self._stage.prepare is not None:
            await self._stage.prepare()
        while decoded and not self._draining.is_set():
            written = await self._write(decoded, ())
            if written is None:  # a number was lost: what is left of the batch is done again
                decoded = [one for one in decoded if one.record.part in self._held.epochs]
                continue
            for one in decoded:
                place = (one.record.topic, one.record.part)
                self._held.next_offsets[place] = one.record.offset + 1
                self._held.read_up_to[place] = one.record.timestamp_ms
            for topic, count in Counter(one.record.topic for one in decoded).items():
                metrics.RECORDS_IN.labels(self._stage.name, topic).inc(count)
            self._emit(written)
            return

    async def _write(self, decoded: Sequence[batch.Decoded], timers: Sequence[Input]) -> list[batch.Written] | None:
        """Commits a batch, for as long as it takes. None when a number turned out to be lost (it is let go of)."""
        wait = 0.1
        while True:
            await self._acknowledged()
            try:
                if self._in_doubt:
                    await self._resolve_doubt()
                if not {one.record.part for one in decoded} | {one.part for one in timers} <= self._held.epochs.keys():
                    return None  # lost while the last batch was sent
                sweeping = list(self._unswept)
                known = dict(self._held.known)
                written = await batch.write(
                    self._pool,
                    self._stage,
                    decoded,
                    terms=batch.Terms(self._held.epochs, self._partitions, frozenset(self._held.recalling), known),
                    acknowledged=sweeping,
                    rejects=self._rejects,
                    timers=timers,
                )
            except Fenced as lost:
                self._in_doubt = True  # of a batch that was cut in two, the first part may stand
                await self._fenced(lost)
                return None
            except SeenMeanwhile:
                self._in_doubt = True
                continue
            except LimitReached as reached:
                self._in_doubt = True
                await self._stopped_by_limit(reached)
                if self._draining.is_set():
                    return None
                continue
            except Exception as error:
                if not is_worlds_fault(error):
                    raise
                self._in_doubt = True  # it may have been committed before the answer was lost
                self._health.report(f"{self._stage.name} transaction", f"{type(error).__name__}: trying again")
                self._log.warning("trying again", stage=self._stage.name, error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 2.0)
                if self._draining.is_set():
                    return None
                continue
            self._health.report(f"{self._stage.name} transaction", None)
            self._unswept = self._unswept[len(sweeping) :]
            for place, offset in known.items():
                if self._held.known.get(place) == offset:
                    del self._held.known[place]
            return written

    async def _resolve_doubt(self) -> None:
        """A transaction whose answer was lost may stand: then its messages are in the outbox, and nobody else will send them while
        the number is ours. Done again, the batch finds its events counted and emits nothing."""
        for part in list(self._held.epochs):
            for row, messages in await outbox.left(self._pool, stage=self._stage.name, part=part):
                if row not in self._unswept:
                    await self._send([batch.Written({part: row}, {part: messages})])
        self._in_doubt = False

    def _emit(self, written: Sequence[batch.Written]) -> None:
        """Begins to send what was committed; the next gather runs beside it, the next transaction waits for it."""
        if any(one.rows for one in written):
            self._emitting = asyncio.create_task(self._send(written))
            self._emitting_since = time.monotonic()

    async def _send(self, written: Sequence[batch.Written]) -> None:
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
            self._unswept.extend(row for part, row in one.rows.items() if part not in unsent)
            for topic, count in Counter(message.topic for message in ordinary).items():
                metrics.RECORDS_OUT.labels(self._stage.name, topic).inc(count)
            for error in lost:
                if error is not None:
                    raise error

    async def _send_once(self, part: int, messages: Sequence[Message]) -> None:
        known = await self._once.send(part, messages)
        if part in self._held.epochs:
            self._held.known.update({(topic, part): offset for topic, offset in known.items()})
        metrics.RECORDS_OUT.labels(self._stage.name, messages[0].topic).inc(len(messages))

    async def _acknowledged(self) -> None:
        """Returns when everything that was sent has its acknowledgement."""
        if self._emitting is None:
            return
        try:
            await asyncio.shield(self._emitting)  # who stops waiting does not stop the sending
        except Fenced as lost:
            self._emitting = None
            await self._fenced(lost)
        self._emitting = None

    async def _settle(self) -> None:
        """The loop is idle, or about to let go: nothing in flight stays, and acknowledged outbox rows go at once."""
        await self._acknowledged()
        if self._in_doubt:
            await self._resolve_doubt()
        if self._unswept:
            sweeping = list(self._unswept)
            await outbox.sweep(self._pool, acknowledged=sweeping)
            self._unswept = self._unswept[len(sweeping) :]
        for part in list(self._held.recalling):
            if await recall.end(self._pool, stage=self._stage.name, part=part):
                self._held.recalling.discard(part)

    async def _fenced(self, lost: Fenced) -> None:
        for part in lost.parts:
            metrics.FENCED.labels(self._stage.name).inc()
            self._log.warning("number lost to a successor", stage=self._stage.name, part=part)
            await self._let_go(part)
            self._not_before[part] = time.monotonic() + RECLAIM_SECONDS

    async def _stopped_by_limit(self, reached: LimitReached) -> None:
        self._health.report(f"{self._stage.name} rejects", str(reached))
        self._log.error("stopped by the reject limit", stage=self._stage.name, detail=str(reached))
        await asyncio.sleep(1.0)
        await self._rejects.read_passes(self._pool, stage=self._stage.name)
        self._health.report(f"{self._stage.name} rejects", None)

    # -- the clock -----------------------------------------------------------------------------------------------------

    async def _timers(self, reader: Reader) -> None:
        """One slice of what the clock has made due, for numbers whose records up to that time have all been read."""
        self._timers_at = time.monotonic()
        watermarks = await self._watermarks(reader)
        if not watermarks or self._stage.due is None:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            due = await self._stage.due(connection, watermarks, TIMER_SLICE)
        due = [
            input_ for input_ in due if input_.event_id not in self._stuck_timers and input_.part in self._held.epochs
        ]
        if not due:
            return
        if self._stage.prepare is not None:
            await self._stage.prepare()
        written = await self._write((), due)
        if written is None:
            return
        if len(written) > 1:  # Postgres refused some of them: their dead letters are written, they are not tried again
            async with self._pool.acquire() as connection, connection.transaction():
                still = {input_.event_id for input_ in await self._stage.due(connection, watermarks, TIMER_SLICE)}
            self._stuck_timers |= still & {input_.event_id for input_ in due}
        self._emit(written)
        if len(due) >= TIMER_SLICE:
            self._timers_at = 0.0  # more is due: go on after the next records

    async def _watermarks(self, reader: Reader) -> dict[int, datetime]:
        """Up to which time all records of each number have been read: nearly now where it is caught up, else the last record's time.

        A timer that is due before that time comes before every record that is still to be read: so a replay, which meets the
        same records, decides the same in the same order.
        """
        if not self._held.epochs:
            return {}
        now_ms = clock.now_ms() - CLOCK_SLACK_MS
        ends = await reader.ends(self._held.epochs)
        watermarks: dict[int, int] = {}
        for (topic, part), end in ends.items():
            caught_up = await reader.position(topic, part) >= end
            read_ms = now_ms if caught_up else self._held.read_up_to.get((topic, part), 0)
            watermarks[part] = min(watermarks.get(part, read_ms), read_ms)
        return {part: clock.from_ms(ms) for part, ms in watermarks.items()}

    # -- beside the loop -----------------------------------------------------------------------------------------------

    async def _commit_offsets(self, reader: Reader) -> None:
        if time.monotonic() - self._committed_at < COMMIT_SECONDS or not self._held.next_offsets:
            return
        self._committed_at = time.monotonic()
        await reader.commit(self._held.next_offsets)
        point("after_offset_commit")

    async def _watch(self) -> None:
        """Every few seconds: is the database there, how far behind are we, does the consumer still give what is there?"""
        while True:
            await asyncio.sleep(3.0)
            try:
                await asyncio.wait_for(self._pool.fetchval("SELECT 1"), 5.0)
                self._health.report(f"{self._stage.name} store", None)
            except Exception as error:
                self._health.report(
                    f"{self._stage.name} store", f"the database does not answer ({type(error).__name__})"
                )
            await self._trim()
            slow = (
                self._emitting is not None and not self._emitting.done() and time.monotonic() - self._emitting_since > 5
            )
            self._health.report(
                f"{self._stage.name} emission", "Kafka acknowledges nothing: sending again" if slow else None
            )
            reader = self._reader
            if reader is None:
                continue
            if not self._held.epochs:
                self._health.report(f"{self._stage.name} broker", None)
                continue
            try:
                ends = await asyncio.wait_for(reader.ends(self._held.epochs), 8.0)
                self._health.report(f"{self._stage.name} broker", None)
            except Exception as error:
                self._health.report(f"{self._stage.name} broker", f"Kafka does not answer ({type(error).__name__})")
                continue
            lag = {
                place: end - await reader.position(*place)
                for place, end in ends.items()
                if place[1] in self._held.epochs
            }
            lag = {
                place: records for place, records in lag.items() if records <= ends[place]
            }  # a position that is not known is -1
            for (topic, part), records in lag.items():
                metrics.LAG_RECORDS.labels(self._stage.name, topic, part).set(max(0, records))
            if not any(records > 0 for records in lag.values()):
                metrics.OLDEST_SECONDS.labels(self._stage.name).set(0)
                self._progress_at = time.monotonic()
            elif time.monotonic() - self._progress_at > WATCHDOG_SECONDS and not self._busy.locked():
                metrics.WATCHDOG.labels(self._stage.name).inc()
                self._log.warning("the consumer gives nothing beside a backlog: a new one", stage=self._stage.name)
                self._progress_at = time.monotonic()
                self._rebuild = True

    async def _trim(self) -> None:
        """Now and then: event ids that are older than any topic keeps are forgotten, in slices."""
        if not self._stage.inbox or time.monotonic() - self._trimmed_at < TRIM_SECONDS:
            return
        self._trimmed_at = time.monotonic()
        with contextlib.suppress(Exception):  # the next time will do
            while await outbox.trim_inbox(self._pool, stage=self._stage.name, before=clock.now() - outbox.INBOX_MEMORY):
                await asyncio.sleep(0.1)

    def _trouble(self, error: BaseException) -> None:
        where = "broker" if isinstance(error, KafkaError) else "store"
        self._health.report(f"{self._stage.name} {where}", f"{type(error).__name__}: trying again")
        self._log.warning("trying again", stage=self._stage.name, error=type(error).__name__)

    async def _finish(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(8.0):
                await self._settle()
                if self._reader is not None:
                    await self._reader.commit(self._held.next_offsets)
        if self._emitting is not None:
            self._emitting.cancel()
        if self._reader is not None:
            await self._reader.close()
        await self._once.close()
        await self._emitter.close()
