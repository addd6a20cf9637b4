"""Reading from Kafka: the group's consumer, which numbers it is assigned, gathering at the broker, and reading a topic's tail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared import address, cloudevent, lenient
from shared.ordered import Ahead, when
from shared.stage import Record

WINDOW_PER_BATCH = 2.0  # of what the last batches took: half of its time a stage is free
LONGEST_WINDOW_MS = 80.0
IDLE_AFTER_SECONDS = 2.0  # then the broker answers the first byte at once, and rest costs nothing
IDLE_MS = 500
LENIENT_SECONDS = 60.0  # how long the slow reader is used after a header name that is no UTF-8


def window_ms(before_ms: float, *, took_ms: float, least_ms: float) -> float:
    """How long the broker gathers next, after a batch that took `took_ms`: a quarter of the way from `before_ms` to twice that.

    A batch costs every stage milliseconds, here, in Postgres and at the broker, whatever it carries. Where it takes long, the machine
    is slow or busy: then fewer and fuller ones cost less and are sooner through. From `least_ms` to LONGEST_WINDOW_MS; who wants to
    wait longer than that anyway waits `least_ms`.
    """
    wanted_ms = max(least_ms, min(WINDOW_PER_BATCH * took_ms, LONGEST_WINDOW_MS))
    return before_ms + (wanted_ms - before_ms) / 4


class OffsetGone(Exception):
    """A position lies outside of what its topic keeps. Going on would skip records or read them under wrong numbers."""


class Reader:
    """One member of a stage's group. It tells which numbers it is assigned; what may be written for them, Postgres tells."""

    def __init__(
        self,
        kafka: str,
        *,
        group: str,
        member: str,
        topics: Sequence[str],
        session_timeout_ms: int,
        gather_ms: int,
        gather_bytes: int = 128 * 1024,
        most_records: int = 1000,
        on_revoked: Callable[[Collection[int]], Awaitable[None]],
    ) -> None:
        self.topics = tuple(topics)
        self._on_revoked = on_revoked
        self._least_ms = gather_ms
        self._gather_bytes = gather_bytes  # gather at the broker, up to this much or for a window (`window_ms`)
        self._most_records = most_records
        self._window_ms = float(gather_ms)
        self.assigned: dict[int, int] = {}  # number -> which assignment gave it: a later one means claim again
        self._round = 0
        self._last_record_at = time.monotonic()
        self._lenient_until = 0.0
        # While a store is being rebuilt its records are given in the order of their times (shared/ordered.py).
        self.in_order = False
        self.waits = True  # for records where there are none; not while timers have more to do
        self._ahead = Ahead()
        self._consumer = AIOKafkaConsumer(
            **address.client(kafka),
            client_id=member,
            group_id=group,
            group_instance_id=member,  # static membership: a restart is no rebalance
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=min(1000, session_timeout_ms // 3),
            max_poll_interval_ms=24 * 3600 * 1000,  # a database that is away must not cost the membership
            rebalance_timeout_ms=30_000,
            partition_assignment_strategy=(RangePartitionAssignor,),
            enable_auto_commit=False,
            auto_offset_reset="none",  # never a silent skip: positions come from Postgres
            fetch_min_bytes=gather_bytes,
            fetch_max_wait_ms=gather_ms,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            request_timeout_ms=20_000,
            retry_backoff_ms=100,
        )

    async def start(self) -> None:
        """Joins the group. Raises KafkaError when the broker is away."""
        self._consumer.subscribe(list(self.topics), listener=_Listener(self))
        try:
            await self._consumer.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stops without leaving the group: a static member that comes back within the session time-out finds its numbers."""
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.wait_for(self._consumer.stop(), 5.0)
        self.assigned.clear()

    def seek(self, part: int, offsets: Mapping[str, int]) -> None:
        """From now on number `part` is read from these offsets; what was fetched before is forgotten."""
        self._ahead.forget(part)
        for topic in self.topics:
            self._consumer.seek(TopicPartition(topic, part), offsets[topic])

    async def gather(self, held: Collection[int], held_offsets: Mapping[tuple[str, int], int]) -> list[Record]:
        """The next records of the numbers in `held`, in the order of their times; nothing after half a second of silence, or at once
        where it is not to wait.

        `held_offsets` is how far each (topic, number) is read: from there it goes on when a fetch could not be parsed.
        """
        try:
            if self.in_order or self._ahead:
                return await self._gather_in_order(held)
            timeout_ms = IDLE_MS if self.waits else 0
            found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=self._most_records)
        except NoOffsetForPartitionError:
            await asyncio.sleep(0.005)  # assigned but not claimed yet: the claim will seek
            return []
        except OffsetOutOfRangeError as error:
            raise OffsetGone(
                f"a position lies outside of what its topic keeps ({error.args[0] if error.args else error}): records were deleted "
                "before they were read, or the topic was made anew. Restore the topic, or rebuild the store: leads rebuild SERVICE"
            ) from None
        except UnicodeDecodeError:
            # A header name that is no UTF-8. What was fetched is lost to the client: read it again, the lenient way.
            lenient.use(True)
            self._lenient_until = time.monotonic() + LENIENT_SECONDS
            for part in held:
                self.seek(part, {topic: held_offsets[topic, part] for topic in self.topics})
            return []
        records = [_record(row) for partition, rows in found.items() if partition.partition in held for row in rows]
        self._tune(bool(records))
        return sorted(records, key=when)

    def follow(self, took_seconds: float) -> None:
        """Tells what a batch took, from its records to the broker's acknowledgement of what it said: the next windows follow it."""
        self._window_ms = window_ms(self._window_ms, took_ms=took_seconds * 1000, least_ms=self._least_ms)

    async def _gather_in_order(self, held: Collection[int]) -> list[Record]:
        """As `gather`, but waits with a record until every other partition has come as far: what a store decides on in a rebuild comes in
        the order in which it came at first, though the partitions are read at different speeds."""
        ahead = self._ahead
        ends = await self.ends([part for part in held if part in self.assigned])
        hungry = [place for place, end in ends.items() if not ahead.has(place) and await self._position(place) < end]
        if hungry:
            places = [TopicPartition(*place) for place in hungry]
            found = await self._consumer.getmany(*places, timeout_ms=IDLE_MS, max_records=self._most_records)
            for place, rows in found.items():
                ahead.add((place.topic, place.partition), [_record(row) for row in rows])
        open_ = {place for place, end in ends.items() if await self._position(place) < end}
        records = ahead.take(held, open_, limit=self._most_records)
        if not records and not hungry:
            await asyncio.sleep(IDLE_MS / 1000)
        self._tune(bool(records))
        return records

    def _tune(self, busy: bool) -> None:
        """Gathers while there is traffic, answers at once after two seconds of rest. aiokafka reads these values for each fetch."""
        now = time.monotonic()
        if busy:
            self._last_record_at = now
        if self._lenient_until and now > self._lenient_until:
            self._lenient_until = 0.0
            lenient.use(False)
        eager = now - self._last_record_at > IDLE_AFTER_SECONDS
        fetcher = self._consumer._fetcher
        fetcher._fetch_min_bytes = 1 if eager else self._gather_bytes
        fetcher._fetch_max_wait_ms = IDLE_MS if eager else round(self._window_ms)

    async def ends(self, parts: Collection[int]) -> dict[tuple[str, int], int]:
        """The end of each topic's partition now, by (topic, number)."""
        places = [TopicPartition(topic, part) for topic in self.topics for part in parts]
        found = await self._consumer.end_offsets(places)
        return {(place.topic, place.partition): offset for place, offset in found.items()}

    @property
    def joined(self) -> bool:
        """Whether the group has told us our numbers at least once (there may be none for us)."""
        return self._round > 0

    async def position(self, topic: str, part: int) -> int:
        """The next offset that will be gathered."""
        waiting = self._ahead.first((topic, part))
        return await self._position((topic, part)) if waiting is None else waiting

    async def _position(self, place: tuple[str, int]) -> int:
        try:
            return int(await asyncio.wait_for(self._consumer.position(TopicPartition(*place)), 2.0))
        except (KafkaError, TimeoutError, ValueError):
            return -1  # not assigned any more, or not claimed yet

    async def begins(self, part: int) -> dict[str, int]:
        """Where each topic's partition begins now."""
        found = await self._consumer.beginning_offsets([TopicPartition(topic, part) for topic in self.topics])
        return {place.topic: offset for place, offset in found.items()}

    async def committed(self, part: int) -> dict[str, int]:
        """What this stage last told Kafka it had read, by topic; nothing where it never did."""
        found = {}
        for topic in self.topics:
            offset = await self._consumer.committed(TopicPartition(topic, part))
            if offset is not None:
                found[topic] = offset
        return found

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Tells Kafka how far the numbers are read, for lag and tools only. A failure costs nothing; says whether Kafka knows all of it now."""
        wanted = {
            TopicPartition(topic, part): offset for (topic, part), offset in offsets.items() if part in self.assigned
        }
        if wanted:
            try:
                await asyncio.wait_for(self._consumer.commit(wanted), 2.0)
            except (KafkaError, TimeoutError, ValueError):
                return False
        return len(wanted) == len(offsets)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what the group says. It never touches a record or a store: what raises here would only be logged."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        parts = {place.partition for place in revoked}
        for part in parts:
            self._reader.assigned.pop(part, None)
        if parts:
            await self._reader._on_revoked(parts)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        topics_of: dict[int, set[str]] = {}
        for place in assigned:
            topics_of.setdefault(place.partition, set()).add(place.topic)
        self._reader._round += 1
        for part, topics in topics_of.items():
            if topics == set(self._reader.topics):  # the range assignor gives equal numbers together
                self._reader.assigned[part] = self._reader._round


def _record(row: Any) -> Record:
    headers = cloudevent.by_name(row.headers)
    return Record(row.topic, row.partition, row.offset, row.timestamp, row.key, row.value or b"", headers, row.headers)


async def read(kafka: str, places: Mapping[tuple[str, int], int], *, committed_only: bool) -> AsyncIterator[Record]:
    """Every record of each (topic, number) from its offset up to where it ends now.

    With `committed_only` up to the last stable offset: an open transaction is not seen. Raises KafkaError when the broker is
    away, TimeoutError when it gives nothing for ten seconds before the end.
    """
    consumer = AIOKafkaConsumer(
        **address.client(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed_only else "read_uncommitted",
        request_timeout_ms=20_000,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        wanted = {TopicPartition(topic, part): offset for (topic, part), offset in places.items()}
        ends: dict[Any, int] = await consumer.end_offsets(list(wanted))
        begins: dict[Any, int] = await consumer.beginning_offsets(list(wanted))
        left = {place for place, offset in wanted.items() if ends[place] > max(offset, begins[place])}
        consumer.assign(list(left))
        for place in left:
            consumer.seek(place, max(wanted[place], begins[place]))
        seen: dict[Any, int] = {}
        silent_since = time.monotonic()
        while left:
            try:
                found = await consumer.getmany(timeout_ms=25, max_records=5000)
            except UnicodeDecodeError:  # a header name that is no UTF-8: from here on the lenient way
                lenient.use(True)
                for place in left:
                    consumer.seek(place, seen.get(place, max(wanted[place], begins[place])))
                continue
            for place, rows in found.items():
                seen[place] = rows[-1].offset + 1
                for row in rows:
                    if row.offset < ends[place]:
                        yield _record(row)
                silent_since = time.monotonic()
            for place in list(left):
                if await consumer.position(place) >= ends[place]:
                    left.discard(place)
            if left and time.monotonic() - silent_since > 10:
                raise TimeoutError(f"no records of {sorted(left)} for ten seconds before their end")
    finally:
        with contextlib.suppress(Exception):
            await consumer.stop()
