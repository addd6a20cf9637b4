"""CPU of capture per event, measured from outside: posts events to a running capture and reads its process's CPU time.

python -m tests.bench.capture_cpu URL WRITE_KEY PID [--batch 50] [--rate 1000] [--seconds 10] [--connections 32]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from base64 import b64encode
from typing import cast
from urllib.parse import urlsplit

import msgspec
import psutil
import uvloop

_FILLER = "We would like to know how it works with our own system, and what it costs for forty people. " * 5


def event(number: int) -> dict[str, object]:
    """A believable lead of about 1 KB."""
    return {
        "type": "identify",
        "messageId": f"m-{time.time_ns()}-{number}",
        "anonymousId": f"a-{number % 10_000}",
        "timestamp": "2026-11-01T10:00:00.000Z",
        "sentAt": "2026-11-01T10:00:01.000Z",
        "traits": {
            "email": f"jo.{number}@acme-{number % 500}.example",
            "phone": "+49 30 1234567",
            "firstName": "Jo",
            "lastName": "Doe",
            "company": "Acme GmbH",
            "title": "Head of Sales",
            "message": _FILLER,
        },
        "context": {
            "page": {"url": "https://shop.example/demo?utm_source=search&utm_medium=cpc", "title": "Demo"},
            "campaign": {"source": "search", "medium": "cpc", "name": "autumn"},
            "locale": "de-DE",
        },
    }


class Connection(asyncio.Protocol):
    """One keep-alive connection that has one request open at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if self.answered is None or not found or self.answered.done():
            return
        length = head.lower().rpartition(b"content-length: ")[2].partition(b"\r")[0]
        if len(body) >= int(length):
            self.answered.set_result(self._got)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("closed"))

    async def post(self, request: bytes) -> None:
        """Sends and awaits an accepting answer."""
        assert self.transport is not None
        self._got = b""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        answer = await self.answered
        if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
            raise RuntimeError(answer[:300].decode(errors="replace"))


def request(host: str, key: str, path: str, body: object) -> bytes:
    """One whole request."""
    encoded = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {b64encode(f'{key}:'.encode()).decode()}\r\n"
        f"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(encoded)}\r\n\r\n"
    )
    return head.encode() + encoded


async def measure(options: argparse.Namespace) -> None:
    """Runs for so long and prints rate, latency and CPU per event."""
    where = urlsplit(options.url)
    loop = asyncio.get_running_loop()
    numbers = itertools.count()
    latencies: list[float] = []
    events = 0
    ends = 0.0

    async def client(every: float, offset: float) -> None:
        nonlocal events
        _, connection = await loop.create_connection(Connection, where.hostname, where.port)
        due = time.perf_counter() + offset
        while time.perf_counter() < ends:
            if every:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                due += every
            if options.batch > 1:
                body: object = {"batch": [event(next(numbers)) for _ in range(options.batch)]}
                made = request(where.netloc, options.key, "/v1/batch", body)
            else:
                made = request(where.netloc, options.key, "/v1/identify", event(next(numbers)))
            began = time.perf_counter()
            await connection.post(made)
            latencies.append(time.perf_counter() - began)
            events += options.batch
        assert connection.transport is not None
        connection.transport.close()

    every = options.connections * options.batch / options.rate if options.rate else 0.0
    process = psutil.Process(options.pid)
    before, began = process.cpu_times(), time.perf_counter()
    ends = began + options.seconds
    await asyncio.gather(*(client(every, every * k / options.connections) for k in range(options.connections)))
    after, took = process.cpu_times(), time.perf_counter() - began
    cpu = after.user + after.system - before.user - before.system
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    print(
        f"{events} events in {took:.1f} s: {events / took:,.0f}/s, capture {cpu / events * 1e6:.1f} us of CPU an event "
        f"({cpu / took:.0%} of a core), answer p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("pid", type=int)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=32)
    uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
