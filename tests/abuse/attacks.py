"""The attacks that hold connections open: each takes capture's port and write key, does its worst, and tells what came of it. Floods are in floods.py; no judgement here."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator

from msgspec import Struct

HOST = "127.0.0.1"
EVENT = b'{"userId":"u1","event":"x"}'

Send = Callable[[int, asyncio.StreamWriter], Coroutine[None, None, None]]


class Came(Struct):
    """What came of an attack: connections made, answers by status (0: closed without one), seconds until the last was closed, seconds of
    CPU that it took itself."""

    connections: int
    answers: dict[int, int]
    longest: float
    cpu: float = 0.0


def head(path: str, key: str, more: str) -> bytes:
    """Of a POST of JSON."""
    first = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    return f"{first}Content-Type: application/json\r\n{more}\r\n".encode()


def status(data: bytes) -> int:
    """Of an answer; 0 where there is none."""
    return int(data[9:12]) if data.startswith(b"HTTP/1.1 ") else 0


async def nothing(port: int, key: str, seconds: float) -> Came:
    """No attack: what the machine by itself costs the honest sender."""
    await asyncio.sleep(seconds)
    return Came(0, {}, 0.0)


async def _until_closed(port: int, count: int, send: Send) -> Came:
    """Opens so many connections at once, sends on each, and waits until the other end has closed it."""
    answers: Counter[int] = Counter()
    longest = 0.0

    async def one(index: int) -> None:
        nonlocal longest
        reader, writer = await asyncio.open_connection(HOST, port)
        began = time.monotonic()
        sending = asyncio.create_task(send(index, writer))
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := await reader.read(65536):
                said += more
        longest = max(longest, time.monotonic() - began)
        answers[status(said)] += 1
        sending.cancel()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await sending
        writer.close()

    await asyncio.gather(*(one(index) for index in range(count)))
    return Came(count, dict(answers), longest)


async def trickling(port: int, key: str, _: float) -> Came:
    """500 connections that send a byte every half second: half of them heads, half of them bodies."""
    body = EVENT + b" " * 1000

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        first = head("/v1/track", key, f"Content-Length: {len(body)}\r\n")
        if index % 2:
            writer.write(first)
        for byte in body if index % 2 else first:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.5)

    return await _until_closed(port, 500, send)


async def idle(port: int, key: str, _: float) -> Came:
    """1,000 connections at once: most never say a word, some end a line."""

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        if index % 10 == 1:
            writer.write(b"\r\n")

    return await _until_closed(port, 1000, send)


async def silent_after_a_request(port: int, key: str, _: float) -> Came:
    """100 connections that fall silent after an answer: keep-alive, until it is over."""

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        writer.write(head("/v1/track", key, f"Content-Length: {len(EVENT)}\r\n") + EVENT)

    return await _until_closed(port, 100, send)


async def unreading(port: int, key: str, _: float) -> Came:
    """50 connections that ask for much and read nothing of it."""

    async def one() -> float:
        loop = asyncio.get_running_loop()
        closed = loop.create_future()

        class Deaf(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                transport.pause_reading()  # type: ignore[attr-defined]

            def connection_lost(self, exc: Exception | None) -> None:
                if not closed.done():
                    closed.set_result(None)

        transport, _protocol = await loop.create_connection(Deaf, HOST, port)
        began = time.monotonic()
        ask = b"GET /leads.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(40):
                while not closed.done() and not transport.is_closing():
                    if transport.get_write_buffer_size() < 65536:
                        transport.write(ask)
                    await asyncio.sleep(0.05)
        transport.abort()
        return time.monotonic() - began

    took = await asyncio.gather(*(one() for _ in range(50)))
    return Came(50, {0: 50}, max(took))


async def oversized(port: int, key: str, seconds: float) -> Came:
    """Bodies that are too large, said and unsaid, in chunks of one byte, packed, with heads and trailers without end."""
    bomb = gzip.compress(b'{"userId":"' + b"u" * 50_000_000 + b'"}')
    chunked = "Transfer-Encoding: chunked\r\n"

    def kinds() -> Iterator[tuple[bytes, bytes]]:
        yield head("/v1/track", key, "Content-Length: 100000000\r\n"), b"x" * 65536
        yield head("/v1/batch", key, chunked), b"10000\r\n" + b"x" * 65536 + b"\r\n"
        yield head("/v1/batch", key, chunked), b"1\r\nx\r\n" * 2000
        yield head("/v1/forms/a", key, f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n") + bomb, b""
        yield head("/v1/track", key, "").removesuffix(b"\r\n"), b"X-More: " + b"y" * 8000 + b"\r\n"
        yield head("/v1/track", key, chunked) + b"0\r\n", b"X-More: " + b"y" * 8000 + b"\r\n"
        yield b"POST /v1/properties HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", b"x" * 65536

    every = list(kinds())
    total = Came(0, {}, 0.0)
    until = time.monotonic() + seconds

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        first, again = every[index % len(every)]
        writer.write(first)
        while again:
            writer.write(again)
            await writer.drain()

    while time.monotonic() < until:
        came = await _until_closed(port, 7 * 3, send)
        total.connections += came.connections
        total.longest = max(total.longest, came.longest)
        for code, count in came.answers.items():
            total.answers[code] = total.answers.get(code, 0) + count
    return total
