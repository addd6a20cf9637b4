"""How long a connection may take over a request, and how many bytes: a clock and a count per connection. What then happens, wire.py knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SEND_SECONDS = 8.0  # from a request's first byte to its last; also how long a new connection may say nothing
READ_SECONDS = 8.0  # that the other end may leave answers unread
LINGER_SECONDS = 2.0  # that the other end may go on sending after an answer that says the end
MAX_HEAD_BYTES = 64 * 1024  # the request line and all headers
# As it comes over the wire: a body in chunks of one byte is six times as long as it is, and trailers have no limit of their own.
MAX_REQUEST_BYTES = 4 * 1024 * 1024


class Patience:
    """Of one connection. `over` is called when a request has taken its time and is not whole. One that comes in one piece costs no timer."""

    __slots__ = ("_loop", "_over", "_timer", "received")

    def __init__(self, loop: asyncio.AbstractEventLoop, over: Callable[[], None]) -> None:
        self._loop = loop
        self._over = over
        self._timer: asyncio.TimerHandle | None = None
        self.received = 0  # bytes of the request that is not whole

    def wait(self, size: int = 0) -> None:
        """So many bytes came, and the request is not whole: the clock runs from the first of them."""
        self.received += size
        if self._timer is None:
            self._timer = self._loop.call_later(SEND_SECONDS, self._end)

    def done(self) -> None:
        """The request is whole, or nobody waits for it any more."""
        self.received = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        self._over()
