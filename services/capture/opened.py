"""A hot request while it comes and until it is answered: its pieces within the limit. Who puts them there, wire.py knows."""

from __future__ import annotations

import time

import httptools

from services.capture import request
from services.capture.request import Headers, Request

# Of a body. A sender chooses how small they are, and each costs as much as a whole one; a body of 512 KiB in chunks of 64 bytes has as many.
MOST_PIECES = 8192


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
        "since",
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
        self.since = time.perf_counter()
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

    def request(self, peer: str | None) -> Request:
        """The whole request, from this address."""
        body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        return Request(self.method, self.path, self.query, self.headers, peer, body)

    def take(self, piece: bytes) -> None:
        """One more piece of the body; none is kept once there are too many, or too many bytes."""
        self.size += len(piece)
        if self.size > request.MAX_BODY_BYTES or len(self.pieces) >= MOST_PIECES:
            self.too_large = True
        if self.too_large:
            self.pieces.clear()
            return
        self.pieces.append(piece)


def begun(parser: httptools.HttpRequestParser, path: str, query: bytes, headers: Headers) -> Open:
    """The request whose head the parser has just read."""
    keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
    return Open(parser.get_method().decode("ascii"), path, query, headers, keep_alive=keep_alive)
