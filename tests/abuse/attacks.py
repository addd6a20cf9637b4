"""The attacks: each takes capture's port and a write key, does its worst for a while, and tells what came of it. No judgement here.

python -m tests.abuse.attacks NAME PORT KEY SECONDS
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator

import msgspec
from msgspec import Struct

_HOST = "127.0.0.1"


Send = Callable[[int, asyncio.StreamWriter], Coroutine[None, None, None]]


class Came(Struct):
    """What came of an attack: connections made, answers by status (0: closed without one), seconds until the last was closed."""

    connections: int
    answers: dict[int, int]
    longest: float


def _head(path: str, key: str, more: str) -> bytes:
    first = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    return f"{first}Content-Type: application/json\r\n{more}\r\n".encode()


def _status(data: bytes) -> int:
    return int(data[9:12]) if data.startswith(b"HTTP/1.1 ") else 0


async def _until_closed(port: int, count: int, send: Send, *, at_once: int = 50) -> Came:
    """Opens so many connections, sends on each, and waits until the other end has closed it."""
    answers: Counter[int] = Counter()
    longest = 0.0
    opening = asyncio.Semaphore(at_once)

    async def one(index: int) -> None:
        nonlocal longest
        async with opening:
            reader, writer = await asyncio.open_connection(_HOST, port)
        began = time.monotonic()
        sending = asyncio.create_task(send(index, writer))
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := await reader.read(65536):
                said += more
        longest = max(longest, time.monotonic() - began)
        answers[_status(said)] += 1
        sending.cancel()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await sending
        writer.close()

    await asyncio.gather(*(one(index) for index in range(count)))
    return Came(count, dict(answers), longest)


async def trickling(port: int, key: str, _: float) -> Came:
    """500 connections that send a byte every half second: half of them heads, half of them bodies."""
    body = b'{"userId":"u1","event":"x"}' + b" " * 1000

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        head = _head("/v1/track", key, f"Content-Length: {len(body)}\r\n")
        if index % 2:
            writer.write(head)
        for byte in body if index % 2 else head:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.5)

    return await _until_closed(port, 500, send)


async def idle(port: int, key: str, _: float) -> Came:
    """1,000 connections: most never say a word, some end a line, some fall silent after a whole request."""

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        if index % 10 == 1:
            writer.write(b"\r\n")

    return await _until_closed(port, 1000, send)


async def silent_after_a_request(port: int, key: str, _: float) -> Came:
    """100 connections that fall silent after an answer: keep-alive, until it is over."""

    async def send(index: int, writer: asyncio.StreamWriter) -> None:
        body = b'{"userId":"u1","event":"x"}'
        writer.write(_head("/v1/track", key, f"Content-Length: {len(body)}\r\n") + body)

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

        transport, _protocol = await loop.create_connection(Deaf, _HOST, port)
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
        yield _head("/v1/track", key, "Content-Length: 100000000\r\n"), b"x" * 65536
        yield _head("/v1/batch", key, chunked), b"10000\r\n" + b"x" * 65536 + b"\r\n"
        yield _head("/v1/batch", key, chunked), b"1\r\nx\r\n" * 2000
        yield _head("/v1/forms/a", key, f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n") + bomb, b""
        yield _head("/v1/track", key, "").removesuffix(b"\r\n"), b"X-More: " + b"y" * 8000 + b"\r\n"
        yield _head("/v1/track", key, chunked) + b"0\r\n", b"X-More: " + b"y" * 8000 + b"\r\n"
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
        for status, count in came.answers.items():
            total.answers[status] = total.answers.get(status, 0) + count
    return total


async def _flood(port: int, seconds: float, requests: Iterator[bytes], *, connections: int = 64) -> Came:
    """As fast as it goes, each connection as soon as it has its answer."""
    answers: Counter[int] = Counter()
    until = time.monotonic() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(_HOST, port, limit=1 << 20)
        while time.monotonic() < until:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            await reader.readexactly(int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0)
            answers[_status(head)] += 1
            if b"connection: close" in head:
                writer.close()
                reader, writer = await asyncio.open_connection(_HOST, port, limit=1 << 20)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return Came(connections, dict(answers), seconds)


async def flood_on_one_key(port: int, key: str, seconds: float) -> Came:
    """64 connections that post with one key as fast as they can."""
    body = b'{"userId":"u1","event":"x"}'
    whole = _head("/v1/track", key, f"Content-Length: {len(body)}\r\n") + body
    return await _flood(port, seconds, itertools.repeat(whole))


async def wrong_keys(port: int, key: str, seconds: float) -> Came:
    """64 connections from one address that try one key after the other."""
    body = b'{"userId":"u1","event":"x"}'
    more = f"X-Forwarded-For: 8.8.8.8\r\nContent-Length: {len(body)}\r\n"
    return await _flood(port, seconds, (_head("/v1/track", f"wk_{one}", more) + body for one in itertools.count()))


async def never_the_same(port: int, key: str, seconds: float) -> Came:
    """What might be remembered, long and never the same: agents, origins, addresses, names of fields, ids, queries, passwords."""

    def requests() -> Iterator[bytes]:
        for one in itertools.count():
            long = f"{one}".rjust(20_000, "x")
            body = f"user_id={long[:15000]}&{long}=1&page={long[:9000]}".encode()
            more = (
                f"User-Agent: {long}\r\nOrigin: https://{long[:8000]}\r\nX-Forwarded-For: {long[:8000]}, {_address(one)}\r\n"
                f"Content-Length: {len(body)}\r\n"
            )
            head = _head(f"/v1/forms/a?key={key}&utm_source={long[:8000]}", key, more)
            yield head.replace(b"application/json", b"application/x-www-form-urlencoded") + body

    return await _flood(port, seconds, requests(), connections=16)


def _address(number: int) -> str:
    """One public address after the other."""
    return f"2a00:{number & 0xFFFF:x}:{number >> 16:x}::1"


ATTACKS = {
    one.__name__: one
    for one in (
        trickling,
        idle,
        silent_after_a_request,
        unreading,
        oversized,
        flood_on_one_key,
        wrong_keys,
        never_the_same,
    )
}


def main() -> None:
    """The command line."""
    name, port, key, seconds = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    came = asyncio.run(ATTACKS[name](int(port), key, float(seconds)))
    print(msgspec.json.encode(came).decode())


if __name__ == "__main__":
    main()
