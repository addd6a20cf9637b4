"""One HTTP connection to capture's door without a socket: bytes in, answers out, other paths to an app that says 299. For tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from uvicorn import Config
from uvicorn.server import ServerState

from services.capture.door.door import Door
from services.capture.patience import Patience
from services.capture.wire import Wire


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


class Transport(asyncio.Transport):
    """A transport that notes each write."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 40000), "sockname": ("127.0.0.1", 8010)})
        self.writes: list[bytes] = []
        self.closed = self.aborted = self.ended = False
        self.polite = True  # the other end hangs up when it hears that this is the end
        self.unsent = 0  # bytes that the other end has not read
        self.something = asyncio.Event()

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self.something.set()

    def close(self) -> None:
        self.closed = True
        self.something.set()

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True
        if self.polite:
            self.close()

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        return None

    def resume_reading(self) -> None:
        return None


async def _behind(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 299, "headers": [(b"content-length", b"6")]})
    await send({"type": "http.response.body", "body": b"behind"})


class Client:
    """The other end of a connection."""

    def __init__(self, door: Door | None, *, peer: str = "203.0.113.7") -> None:
        config = Config(_behind, http="httptools", ws="none", access_log=False, log_config=None, lifespan="off")
        self.state = ServerState()
        self.wire = Wire(lambda: door, Patience(), config=config, server_state=self.state, app_state={})
        self.transport = Transport(peer)
        self._read, self._begun = 0, b""
        self._found: list[Answered] = []
        self.wire.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        """Bytes, as they come in."""
        self.wire.data_received(data)

    async def answers(self, count: int, *, seconds: float = 30) -> list[Answered]:
        """The first `count` final answers, as soon as they are there; fewer when the connection is closed before."""
        async with asyncio.timeout(seconds):
            while len(self._answered()) < count and not self.transport.closed:
                self.transport.something.clear()
                await self.transport.something.wait()
        return self._answered()

    def _answered(self) -> list[Answered]:
        """All final answers so far."""
        new = self.transport.writes[self._read :]
        self._read += len(new)
        found, self._begun = _answers(b"".join([self._begun, *new]))
        self._found += found
        return self._found


def _answers(data: bytes) -> tuple[list[Answered], bytes]:
    """The whole ones, and what is left."""
    found: list[Answered] = []
    while data:
        head, whole, rest = data.partition(b"\r\n\r\n")
        if not whole:
            break
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        pairs = [line.partition(": ") for line in lines]
        headers = {name: value.encode("latin-1").decode("utf-8", "replace") for name, _, value in pairs}
        if status == 100:
            data = rest
            continue
        if status not in (204, 304):
            assert "content-length" in headers
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            break
        found.append(Answered(status, headers, rest[:length]))
        data = rest[length:]
    return found, data
