"""A small HTTP/1.1 client for load: keep-alive connections used in turn, posts repeated when a connection closes. Knows no leads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast


class Post:
    """One request: where to, its bytes, and what its sender wants to know it by."""

    __slots__ = ("body", "path", "tag")

    def __init__(self, path: str, body: bytes, tag: Any) -> None:
        self.path = path
        self.body = body
        self.tag = tag


Answered = Callable[[Post, int], None]  # what was posted, status


class _Connection(asyncio.Protocol):
    __slots__ = ("_buffer", "_door", "_transport", "post")

    def __init__(self, door: Door) -> None:
        self._door = door
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.post: Post | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only

    def send(self, post: Post, head: bytes) -> None:
        assert self._transport is not None
        self.post = post
        self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(post.body), post.body))

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = data
            return
        if len(data) < end + 4 + _content_length(data[:end]):
            self._buffer = data
            return
        self._buffer = b""
        post, self.post = self.post, None
        if post is not None:
            self._door.answered(self, post, int(data[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    if at < 0:
        return 0
    line = head[at + 15 :].split(b"\r\n", 1)[0]
    return int(line)


class Door:
    """Posts to one server over at most `connections` connections; what finds none free waits in order."""

    def __init__(self, *, host: str, port: int, key: str, connections: int, on_answer: Answered) -> None:
        self._where = host, port
        self._key = key
        self._heads: dict[str, bytes] = {}
        self._most = connections
        self._on_answer = on_answer
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[Post] = deque()
        self._open = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._closing = False
        self.in_flight = 0
        self.retries = 0

    @property
    def waiting(self) -> int:
        """Posts that wait for a free connection."""
        return len(self._waiting)

    def post(self, post: Post) -> None:
        """Sends it now or as soon as a connection is free; `on_answer` hears of the answer, however many tries it takes."""
        self.in_flight += 1
        self._send(post)

    def _send(self, post: Post) -> None:
        if self._idle:
            self._idle.popleft().send(post, self._head(post.path))
            return
        self._waiting.append(post)
        if self._open + len(self._opening) < self._most:
            task = asyncio.ensure_future(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _head(self, path: str) -> bytes:
        head = self._heads.get(path)
        if head is None:
            host, port = self._where
            self._heads[path] = head = (
                f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {self._key}\r\n"
                "Content-Type: application/json\r\n"
                "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
                "Content-Length: "
            ).encode()
        return head

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            try:
                _, connection = await loop.create_connection(lambda: _Connection(self), *self._where)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            self._open += 1
            self._free(connection)
            return

    def _free(self, connection: _Connection) -> None:
        if self._waiting:
            post = self._waiting.popleft()
            connection.send(post, self._head(post.path))
        else:
            self._idle.append(connection)

    def answered(self, connection: _Connection, post: Post, status: int) -> None:
        """Called by a connection whose answer is whole."""
        self.in_flight -= 1
        self._free(connection)
        self._on_answer(post, status)

    def lost(self, connection: _Connection) -> None:
        """Called by a connection that was closed: what it had in flight is sent again."""
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        post, connection.post = connection.post, None
        if post is not None and not self._closing:
            self.retries += 1
            self._send(post)

    def close(self) -> None:
        """Closes all connections."""
        self._closing = True
        for task in self._opening:
            task.cancel()
        for connection in self._idle:
            connection.close()
