"""How long a connection may take, and how many bytes: the limits, three deadlines per connection, and one look at all of them every quarter of a second. What happens at a deadline, wire.py knows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

SEND_SECONDS = 8.0  # from a request's first byte to its last; also how long a new connection may say nothing
READ_SECONDS = 8.0  # that the other end may leave answers unread
LINGER_SECONDS = 2.0  # that the other end may go on sending after an answer that says the end
LINGER_BYTES = 1024 * 1024  # that are still taken then, so that a sender who only reads afterwards comes to it
MAX_HEAD_BYTES = 64 * 1024  # the request line and all headers
# As it comes over the wire: a body in chunks of one byte is six times as long as it is, and trailers have no limit of their own.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
MAX_APP_BYTES = 640 * 1024  # to the operator's routes, which keep a body in whatever form it comes

_NEVER = float("inf")
LOOK_SECONDS = 0.25
_MOST_IN_A_TURN = 8  # connections are ended: a thousand that came together must not stop the loop when they go


class Deadlines:
    """Of one connection, as moments of the loop's clock."""

    __slots__ = ("_loop", "begun_by", "read_by", "received", "whole_by")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.whole_by = _NEVER  # the request that comes has to be whole
        self.begun_by = _NEVER  # the next request has to begin
        self.read_by = _NEVER  # the other end has to have read what was written, or the connection is cut
        self.received = 0  # bytes of the request that is not whole

    def more(self, size: int = 0) -> None:
        """So many bytes came, and the request is not whole: the time runs from the first of them."""
        self.received += size
        if self.whole_by == _NEVER:
            self.whole_by = self._loop.time() + SEND_SECONDS

    def whole(self) -> None:
        """The request is whole, or nobody waits for it any more."""
        self.received = 0
        self.whole_by = _NEVER

    def idle(self, seconds: float) -> None:
        """So long the next request may be a while."""
        self.begun_by = self._loop.time() + seconds

    def busy(self) -> None:
        """Something came."""
        self.begun_by = _NEVER

    def read_within(self, seconds: float) -> None:
        """From now, unless that runs already."""
        if self.read_by == _NEVER:
            self.read_by = self._loop.time() + seconds

    def read(self) -> None:
        """The other end has read."""
        self.read_by = _NEVER

    def are_over(self, now: float) -> bool:
        """Any of them."""
        return self.whole_by <= now or self.begun_by <= now or self.read_by <= now


class Patient(Protocol):
    """A connection."""

    deadlines: Deadlines

    def late(self) -> None:
        """What happens when a deadline is over. Afterwards it is another, or none."""


class Patience:
    """Of one process, for all its connections. A timer for each would cost each request two, and a thousand that came together would
    stop the loop when they are over together."""

    def __init__(self) -> None:
        self._connections: set[Patient] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, connection: Patient) -> None:
        """From now on."""
        self._connections.add(connection)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(LOOK_SECONDS, self._look, self._loop)

    def forget(self, connection: Patient) -> None:
        """It is gone."""
        self._connections.discard(connection)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._end(loop, [one for one in self._connections if one.deadlines.are_over(now)])

    def _end(self, loop: asyncio.AbstractEventLoop, late: Sequence[Patient]) -> None:
        now = loop.time()
        for one in late[:_MOST_IN_A_TURN]:
            if one in self._connections and one.deadlines.are_over(now):
                one.late()
        if len(late) > _MOST_IN_A_TURN:
            loop.call_soon(self._end, loop, late[_MOST_IN_A_TURN:])
        elif self._connections:
            loop.call_later(LOOK_SECONDS, self._look, loop)
        else:
            self._loop = None
