"""A broker in memory: logs with offsets, transactions that are fenced and end a moment after they were decided, and groups. No client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import ProducerFenced

from tests.simulation.loop import VirtualLoop

EPOCH_MS = 1_800_000_000_000  # when virtual time begins
TRANSACTION_TIMEOUT_SECONDS = 15.0
Place = tuple[str, int]


@dataclass(slots=True)
class Transaction:
    """One transaction of one producer epoch. Readers see its records once its markers are written."""

    state: str = "open"  # open, committing, aborting, committed, aborted
    begins: dict[Place, int] = field(default_factory=dict)  # its first offset in each log


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at one offset: a record, or the marker that ends a transaction."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    transaction: Transaction | None
    control: bool = False

    @property
    def visible(self) -> bool:
        """Whether a reader of committed records gets it."""
        return not self.control and (self.transaction is None or self.transaction.state == "committed")


@dataclass(slots=True)
class Coordinator:
    """What is known of one transactional id."""

    epoch: int = 0
    transaction: Transaction | None = None
    waiting: list[asyncio.Future[None]] = field(default_factory=list)  # for the markers of the last transaction


class Broker:
    """Its logs, its coordinators, its groups. `away` until a moment of virtual time."""

    def __init__(self, loop: VirtualLoop, rng: random.Random, partitions: int) -> None:
        self.loop = loop
        self.rng = rng
        self.partitions = partitions
        self.logs: dict[Place, list[Entry]] = {}
        self.unstable: dict[Place, set[int]] = {}  # first offsets of transactions without markers
        self.coordinators: dict[str, Coordinator] = {}
        self.groups: dict[str, Any] = {}
        self.away_until = 0.0
        self.readers: list[asyncio.Future[None]] = []

    @property
    def away(self) -> bool:
        return self.loop.virtual < self.away_until

    def log(self, place: Place) -> list[Entry]:
        found = self.logs.get(place)
        if found is None:
            found = self.logs[place] = []
        return found

    def now_ms(self) -> int:
        return EPOCH_MS + int(self.loop.virtual * 1000)

    def append(
        self,
        place: Place,
        rows: Sequence[tuple[bytes | None, bytes, Any]],
        transaction: Transaction | None = None,
    ) -> int:
        """Appends records; returns the first one's offset."""
        log = self.log(place)
        first = len(log)
        now = self.now_ms()
        for key, value, headers in rows:
            log.append(Entry(len(log), now, key, value, tuple(headers), transaction))
        if transaction is not None and place not in transaction.begins:
            transaction.begins[place] = first
            self.unstable.setdefault(place, set()).add(first)
        self._wake_readers()
        return first

    def _wake_readers(self) -> None:
        readers, self.readers = self.readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    def end(self, place: Place, *, committed_only: bool = False) -> int:
        """The end of a log; with `committed_only` the last stable offset."""
        end = len(self.log(place))
        return min(self.unstable.get(place, ()), default=end) if committed_only else end

    # -- transactions --------------------------------------------------------------------------------------------------

    def fence(self, transactional_id: str) -> Coordinator:
        """A new producer of that id: the epoch goes up, and what the last one left open is aborted."""
        coordinator = self.coordinators.setdefault(transactional_id, Coordinator())
        coordinator.epoch += 1
        if coordinator.transaction is not None and coordinator.transaction.state == "open":
            self._decide(coordinator, "aborting")
        return coordinator

    async def settled(self, coordinator: Coordinator) -> None:
        """Returns when the markers of the last transaction are written."""
        while coordinator.transaction is not None:
            waiter = self.loop.create_future()
            coordinator.waiting.append(waiter)
            await waiter

    def write(self, transactional_id: str, epoch: int, place: Place, rows: Sequence[Any]) -> int:
        """Appends in the transaction of that epoch, which it begins if need be. Raises ProducerFenced."""
        coordinator = self.coordinators[transactional_id]
        if coordinator.epoch != epoch:
            raise ProducerFenced
        if coordinator.transaction is None:
            coordinator.transaction = Transaction()
            self.loop.outside(TRANSACTION_TIMEOUT_SECONDS, self._time_out, coordinator, coordinator.transaction)
        if coordinator.transaction.state != "open":
            raise ProducerFenced
        return self.append(place, rows, coordinator.transaction)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Decides for the transaction; its markers come a moment later. Raises ProducerFenced."""
        coordinator = self.coordinators[transactional_id]
        if coordinator.epoch != epoch:
            raise ProducerFenced
        if coordinator.transaction is not None and coordinator.transaction.state == "open":
            self._decide(coordinator, "committing")

    def _time_out(self, coordinator: Coordinator, transaction: Transaction) -> None:
        if coordinator.transaction is transaction and transaction.state == "open":
            coordinator.epoch += 1
            self._decide(coordinator, "aborting")

    def _decide(self, coordinator: Coordinator, state: str) -> None:
        transaction = coordinator.transaction
        assert transaction is not None
        transaction.state = state
        delay = 0.001 if self.rng.random() < 0.7 else self.rng.random() * 0.5
        self.loop.outside(delay, self._mark, coordinator, transaction)

    def _mark(self, coordinator: Coordinator, transaction: Transaction) -> None:
        for place, first in transaction.begins.items():
            log = self.log(place)
            log.append(Entry(len(log), self.now_ms(), None, b"", (), transaction, control=True))
            self.unstable[place].discard(first)
        transaction.state = "committed" if transaction.state == "committing" else "aborted"
        coordinator.transaction = None
        waiting, coordinator.waiting = coordinator.waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._wake_readers()
