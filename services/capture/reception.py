"""Connections as they come: how many there may be, and how much of the loop's time their bytes get in a turn. What the bytes mean, wire.py knows.

The loop goes from turn to turn: reads what has come, calls what is due. An event's way to Kafka and back takes some ten turns, so a turn
in which all that sixty-four flooders sent is judged costs everybody ten times as much. So a turn has an end, and what comes later waits for
the next one: first come, first served, but for those who send much, who get on two at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from services.capture import answers
from services.capture.domain import connection
from services.capture.domain.connection import Network
from services.capture.door.door import Door
from services.capture.patience import Patience
from services.capture.wire import Wire
from shared.metrics.door import TURNED_AWAY

PORTION_BYTES = 16 * 1024  # in chunks of one byte they take a millisecond or two
_PORTIONS_IN_A_TURN = 2  # of all who send more than one
_TURN_SECONDS = 0.0005  # for what has come, in a turn of the loop
_ANSWER_BYTES = 16 * 1024  # that may wait for who does not read

_MOST_FILES = 65_536

# One for all: what came is understood before the next read.
_BUFFER = bytearray(PORTION_BYTES)
_VIEW = memoryview(_BUFFER)


def most_connections() -> int:
    """As many as the system lets this process have, which is asked for all that it may. Some are left for Kafka and Postgres: they must
    find one when they come back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    with contextlib.suppress(OSError, ValueError):  # macOS says infinity, and gives less
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(soft - 200, 100)


class Reception:
    """Of one process, for uvicorn's `http=`. `door` gives the door, or None as long as there is none. `each` is how many connections one
    public address (IPv6: /64) may have; a trusted proxy's may be anybody's."""

    def __init__(
        self, door: Callable[[], Door | None], *, most: int = 1000, each: int = 0, proxies: tuple[Network, ...] = ()
    ) -> None:
        self._door = door
        self._most = most
        self._each = each
        self._proxies = proxies
        self._patience = Patience()
        self._held: deque[Intake] = deque()  # came when the turn was over
        self._heavy: deque[Intake] = deque()  # sent a whole portion, and may have more
        self._called = False  # the next turn will go on with them
        self._turn, self._turn_ends = -1.0, 0.0
        self._open = 0
        self._by_source: Counter[str] = Counter()

    def __call__(self, **uvicorn: Any) -> Intake:
        """One connection more."""
        return Intake(self, lambda: Wire(self._door, self._patience, **uvicorn))

    def source(self, peer: str) -> str | None:
        """Whom the connection counts for; None where it may be anybody's."""
        if not self._each or connection.trusted(peer, self._proxies):
            return None
        return connection.source(peer)

    def admits(self, source: str | None) -> bool:
        """Counts one more connection of this source; False, and nothing is counted, where there are too many."""
        if self._open >= self._most or (source is not None and self._by_source[source] >= self._each):
            TURNED_AWAY.inc()
            return False
        self._open += 1
        if source is not None:
            self._by_source[source] += 1
        return True

    def gone(self, source: str | None) -> None:
        """One that was admitted is gone."""
        self._open -= 1
        if source is not None:
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]

    def has_time(self) -> bool:
        """Whether what has come may be judged in this turn. Where others wait already it may not."""
        if self._held:
            return False
        now = asyncio.get_running_loop().time()  # stands still in a turn
        if now != self._turn:
            self._turn, self._turn_ends = now, time.perf_counter() + _TURN_SECONDS
            return True
        return time.perf_counter() < self._turn_ends

    def hold(self, intake: Intake) -> None:
        """Until a later turn."""
        self._call()
        self._held.append(intake)

    def stand_in_line(self, heavy: Intake) -> None:
        """Until its portion's turn comes."""
        self._call()
        self._heavy.append(heavy)

    def _call(self) -> None:
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        ends = time.perf_counter() + _TURN_SECONDS
        while self._held and time.perf_counter() < ends:
            self._held.popleft().go_on()
        for _ in range(min(_PORTIONS_IN_A_TURN, len(self._heavy))):
            self._heavy.popleft().go_on()
        self._called = bool(self._held or self._heavy)
        if self._called:
            asyncio.get_running_loop().call_soon(self._go_on)


class Intake(asyncio.BufferedProtocol):
    """One connection. As a plain protocol it would get up to 256 KB in an object of their own, and up to 32 of these in one turn."""

    def __init__(self, reception: Reception, wire: Callable[[], Wire]) -> None:
        self._reception = reception
        self._make = wire
        self._wire: Wire | None = None
        self._source: str | None = None
        self._held = b""  # what came and has not been judged

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._source = self._reception.source(peer[0]) if peer else None
        if not self._reception.admits(self._source):
            transport.write(answers.busy())
            transport.close()
            return
        transport.set_write_buffer_limits(high=_ANSWER_BYTES)
        self._wire = wire = self._make()
        self.pause_writing = wire.pause_writing  # type: ignore[method-assign]
        self.resume_writing = wire.resume_writing  # type: ignore[method-assign]
        wire.connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """They are there."""
        if self._wire is None:
            return
        if self._held:  # a second time: that is enough
            self._held += _VIEW[:nbytes]
            self._transport.pause_reading()
            return
        if not self._reception.has_time():
            self._held = bytes(_VIEW[:nbytes])
            self._reception.hold(self)
            return
        self._wire.data_received(_VIEW[:nbytes])
        if nbytes == PORTION_BYTES and not self._transport.is_closing():
            self._transport.pause_reading()
            self._reception.stand_in_line(self)

    def go_on(self) -> None:
        """Takes what was held, or the next portion, unless nobody wants it now."""
        if self._wire is None or self._transport.is_closing():
            return
        held, self._held = self._held, b""
        if held:
            self._wire.data_received(held)
        if len(held) >= PORTION_BYTES:
            self._transport.pause_reading()
            self._reception.stand_in_line(self)
        elif not self._wire.flow.read_paused:
            self._transport.resume_reading()

    def eof_received(self) -> None:
        """The other end sends no more: what it has sent counts."""
        held, self._held = self._held, b""
        if held and self._wire is not None:
            self._wire.data_received(held)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone."""
        if self._wire is not None:
            self._wire.connection_lost(exc)
            self._reception.gone(self._source)
