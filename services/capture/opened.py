"""A hot request while it comes and until it is answered: its pieces within the limit. Who puts them there, wire.py knows."""

from __future__ import annotations

from services.capture import request
from services.capture.request import Headers

_MOST_PIECES = 4096  # of a body, before they are put together: a sender chooses how small they are


class Open:
    """A hot request until it is answered: stands where uvicorn's protocol has a request of its own, so that those that come before
    their turn (pipelined) wait in its line."""

    __slots__ = (
        "begun",
        "disconnected",
        "headers",
        "keep_alive",
        "limits_said",
        "method",
        "path",
        "pieces",
        "query",
        "response_complete",
        "size",
        "too_large",
        "whole",
    )

    def __init__(self, method: str, path: str, query: bytes, headers: Headers, *, keep_alive: bool) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.keep_alive = keep_alive
        self.pieces: list[bytes] = []
        self.size = 0
        self.limits_said = b""
        self.too_large = request.said_too_large(headers)
        self.whole = False
        self.begun = False
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> Open:
        """What uvicorn wakes an app with; here nobody waits."""
        return self

    def set(self) -> None:
        """See `message_event`."""

    def take(self, piece: bytes) -> None:
        """One more piece of the body; none is kept once there are too many bytes."""
        self.size += len(piece)
        if self.size > request.MAX_BODY_BYTES:
            self.too_large = True
        if self.too_large:
            self.pieces.clear()
            return
        if len(self.pieces) >= _MOST_PIECES:
            self.pieces = [b"".join(self.pieces)]
        self.pieces.append(piece)
