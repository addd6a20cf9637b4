"""uvicorn's HTTP protocol with one write per answer: it writes head and body apart, which costs a system call and often a packet more."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _HeadWaits:
    """A transport that holds the head of an answer until its body comes; everything else is the real one's."""

    __slots__ = ("_head", "_real", "_write")

    def __init__(self, real: asyncio.Transport) -> None:
        self._real = real
        self._write = real.write
        self._head = b""

    def write(self, data: bytes) -> None:
        """Writes, or holds a final answer's head. uvicorn always has a body message follow, be it empty, or closes."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head + data)
        elif data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n") and data[9:10] != b"1":
            self._head = data
        else:
            self._write(data)

    def close(self) -> None:
        """Writes what is held, then closes."""
        head, self._head = self._head, b""
        if head:
            self._write(head)
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class OneWrite(HttpToolsProtocol):
    """The protocol, for uvicorn's `http=`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(cast(asyncio.Transport, _HeadWaits(transport)))
