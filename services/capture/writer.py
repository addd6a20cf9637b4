"""Group commit: many requests' events fly to Kafka together, and each request learns when its own are durable. What durable means beside Kafka, spool.py knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from services.capture.store import Lane
from shared import logs
from shared.message import Message

# How long a flight waits for company. A flight costs as much as ten to twenty events, here and at the broker, so it pays at every rate.
# One that took long says that the machine is short of CPU: then the next ones wait longer, are fewer and leave more of it.
LINGER_SECONDS = 0.02
LONGEST_LINGER_SECONDS = 0.05
_LINGER_PER_FLIGHT = 2.0  # of what the last flight took
# With fewer on board fewer flights save next to nothing: then who waited for a slow one to land has waited for company already.
_MANY = 20
MOST_WAITING_BYTES = 64 * 1_048_576  # then the answer is 503: memory is not a place where accepted events wait

Lanes = Mapping[Lane, Sequence[Message]]


class Write(Protocol):
    """Broker.write: sends lanes, calls `acknowledged` for each that is on the topic, returns when it gives up on the others."""

    def __call__(
        self, lanes: Lanes, *, within_seconds: float, acknowledged: Callable[[Lane], None]
    ) -> Awaitable[None]: ...


class Keep(Protocol):
    """The spool, as far as the writer needs it."""

    def holds(self, lane: Lane) -> bool:
        """Whether fresh events of the lane have to queue behind older ones there."""

    def full(self) -> bool:
        """Whether it is past the operator's bound."""

    async def catch_up(self) -> None:
        """Called between two flights: may hold them back for a moment while the last rows go."""

    async def keep(self, lanes: Lanes) -> bool:
        """Commits the events; False when it can't, or may not have."""


class _Waiting:
    """The events of one lane that fly together, and the one future that all their requests await."""

    __slots__ = ("durable", "messages")

    def __init__(self, durable: asyncio.Future[bool]) -> None:
        self.messages: list[Message] = []
        self.durable = durable

    def settle(self, durable: bool) -> None:
        if not self.durable.done():
            self.durable.set_result(durable)


class Writer:
    """Makes events durable: on Kafka, else in the spool, else it says no. One flight at a time, so that a lane keeps its order."""

    def __init__(self, *, write: Write, spool: Keep, budget_seconds: float) -> None:
        self._write = write
        self._spool = spool
        self._budget_seconds = budget_seconds
        self._gathering: dict[Lane, _Waiting] = {}
        self._bytes = 0
        self._since = 0.0  # when the first of those that gather came
        self._something = asyncio.Event()
        self._closing = False
        self.durable_on_kafka = 0
        self.durable_in_spool = 0
        self.refused = 0

    def put(self, message: Message) -> asyncio.Future[bool]:
        """Takes one event on the next flight. The future tells whether it became durable; False means: not, or nobody knows."""
        if self._bytes > MOST_WAITING_BYTES:
            refused: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            refused.set_result(False)
            return refused
        lane = (message.topic, message.part)
        waiting = self._gathering.get(lane)
        if waiting is None:
            if not self._gathering:
                self._since = asyncio.get_running_loop().time()
            waiting = self._gathering[lane] = _Waiting(asyncio.get_running_loop().create_future())
            self._something.set()
        waiting.messages.append(message)
        self._bytes += len(message.value)
        return waiting.durable

    async def durable(self, messages: Sequence[Message]) -> bool:
        """Whether all of these became durable."""
        futures = {self.put(message) for message in messages}
        return all([await future for future in futures])

    async def run(self) -> None:
        """Flies until `close`, and then until nothing waits any more."""
        clock, took, many = asyncio.get_running_loop().time, 0.0, False
        while True:
            await self._something.wait()
            if self._closing and not self._gathering:
                return
            if many:
                wait = min(max(LINGER_SECONDS, _LINGER_PER_FLIGHT * took), LONGEST_LINGER_SECONDS)
            elif took < LINGER_SECONDS / 2:
                wait = LINGER_SECONDS
            else:
                wait = self._since + LINGER_SECONDS - clock()
            await asyncio.sleep(wait)
            flight, self._gathering = self._gathering, {}
            self._bytes = 0
            many = sum(len(waiting.messages) for waiting in flight.values()) >= _MANY
            if not self._closing:
                self._something.clear()
            began = clock()
            try:
                await self._fly(flight)
            except (
                Exception
            ) as error:  # a bug of ours must not leave requests without an answer, nor stop the next flight
                logs.get().error("a flight failed", error=type(error).__name__, exc_info=error)
            finally:
                took = clock() - began
                for waiting in flight.values():
                    if not waiting.durable.done():
                        self.refused += len(waiting.messages)
                        waiting.settle(False)

    def close(self) -> None:
        """No more will be put: `run` ends after the last flight."""
        self._closing = True
        self._something.set()

    async def _fly(self, flight: dict[Lane, _Waiting]) -> None:
        await self._spool.catch_up()
        if self._spool.full():
            return
        queued = {lane: waiting for lane, waiting in flight.items() if self._spool.holds(lane)}
        direct = {lane: waiting for lane, waiting in flight.items() if lane not in queued}
        if not queued:
            await self._to_kafka_else_spool(direct)
        else:
            await asyncio.gather(self._to_kafka_else_spool(direct), self._to_spool_else_kafka(queued))

    async def _to_kafka_else_spool(self, flight: dict[Lane, _Waiting]) -> None:
        """What Kafka did not acknowledge in time has an unknown fate, and is kept: its repeat is dropped by its id."""
        await self._to_kafka(flight)
        await self._to_spool(flight)

    async def _to_spool_else_kafka(self, flight: dict[Lane, _Waiting]) -> None:
        """Behind what waits in the spool already; without Postgres Kafka may have it out of order, which is better than a no."""
        await self._to_spool(flight)
        await self._to_kafka(flight)

    async def _to_kafka(self, flight: dict[Lane, _Waiting]) -> None:
        left = _left(flight)
        if not left:
            return

        def acknowledged(lane: Lane) -> None:
            self.durable_on_kafka += len(flight[lane].messages)
            flight[lane].settle(True)

        await self._write(left, within_seconds=self._budget_seconds, acknowledged=acknowledged)

    async def _to_spool(self, flight: dict[Lane, _Waiting]) -> None:
        left = _left(flight)
        if left and await self._spool.keep(left):
            for lane in left:
                self.durable_in_spool += len(flight[lane].messages)
                flight[lane].settle(True)


def _left(flight: dict[Lane, _Waiting]) -> dict[Lane, list[Message]]:
    return {lane: waiting.messages for lane, waiting in flight.items() if not waiting.durable.done()}
