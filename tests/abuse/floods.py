"""The attacks that come as fast as they can, and the process that does one attack. The attacks that hold connections open are in attacks.py; no judgement here.

python -m tests.abuse.floods NAME PORT KEY SECONDS [aside]
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator

import msgspec

from tests.abuse import attacks
from tests.abuse.attacks import EVENT, HOST, Came, head, status


async def _flood(port: int, seconds: float, requests: Iterator[bytes], *, connections: int = 64) -> Came:
    """As fast as it goes, each connection as soon as it has its answer."""
    answers: Counter[int] = Counter()
    until = time.monotonic() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(HOST, port, limit=1 << 20)
        while time.monotonic() < until:
            writer.write(next(requests))
            said = await reader.readuntil(b"\r\n\r\n")
            at = said.lower().find(b"content-length:")
            await reader.readexactly(int(said[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0)
            answers[status(said)] += 1
            if b"connection: close" in said:
                writer.close()
                reader, writer = await asyncio.open_connection(HOST, port, limit=1 << 20)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return Came(connections, dict(answers), seconds)


def _event(key: str, address: str) -> bytes:
    """A post as a trusted proxy passes it on."""
    return head("/v1/track", key, f"X-Forwarded-For: {address}\r\nContent-Length: {len(EVENT)}\r\n") + EVENT


async def flood_on_one_key(port: int, key: str, seconds: float) -> Came:
    """64 connections that post with one key as fast as they can, each time from another address."""
    return await _flood(port, seconds, (_event(key, _stranger(one)) for one in itertools.count()))


async def wrong_keys(port: int, key: str, seconds: float) -> Came:
    """64 connections from one address that try one key after the other."""
    return await _flood(port, seconds, (_event(f"wk_{one}", "8.8.8.8") for one in itertools.count()))


async def from_one_network(port: int, key: str, seconds: float) -> Came:
    """64 connections from ever new addresses of one IPv6 /64, with the right key and with wrong ones."""

    def requests() -> Iterator[bytes]:
        for one in itertools.count():
            yield _event(f"wk_{one}" if one % 2 else key, f"2a00:1:2:3:{one >> 16 & 0xFFFF:x}:{one & 0xFFFF:x}::1")

    return await _flood(port, seconds, requests())


async def strangers(port: int, key: str, seconds: float) -> Came:
    """64 connections that try one key after the other, each time from another network: no limit by address knows them."""
    return await _flood(port, seconds, (_event(f"wk_{one}", _stranger(one)) for one in itertools.count()))


async def never_the_same(port: int, key: str, seconds: float) -> Came:
    """What might be remembered, long and never the same: agents, origins, addresses, names of fields, ids, queries. Every fourth form is
    longer than an event may be."""

    def requests() -> Iterator[bytes]:
        for one in itertools.count():
            long = f"{one}".rjust(30_000, "x")
            body = f"user_id={long[-200:]}&{long[-900:]}=1&page=https://x.example/{long[-8000:]}".encode()
            if one % 4 == 0:
                body += f"&message={long[-15000:]}&note={long[-15000:]}".encode()
            more = (
                f"User-Agent: {long[-20000:]}\r\nOrigin: https://{long[-8000:]}\r\n"
                f"X-Forwarded-For: {long[-8000:]}, {_stranger(one)}\r\nContent-Length: {len(body)}\r\n"
            )
            first = head(f"/v1/forms/a?key={key}&utm_source={long[-8000:]}", key, more)
            yield first.replace(b"application/json", b"application/x-www-form-urlencoded") + body

    return await _flood(port, seconds, requests(), connections=16)


async def coming_and_going(port: int, key: str, seconds: float) -> Came:
    """16 connections at a time, each gone as soon as it has begun to say something."""
    count = 0
    until = time.monotonic() + seconds

    async def one() -> None:
        nonlocal count
        while time.monotonic() < until:
            _, writer = await asyncio.open_connection(HOST, port)
            count += 1
            writer.write(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            await asyncio.sleep(0)
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(16)))
    return Came(count, {0: count}, seconds)


def _stranger(number: int) -> str:
    """One public address after the other, each of another network."""
    return f"2a00:{number & 0xFFFF:x}:{number >> 16:x}::1"


ATTACKS = {
    one.__name__: one
    for one in (
        attacks.nothing,
        attacks.trickling,
        attacks.idle,
        attacks.silent_after_a_request,
        attacks.unreading,
        attacks.oversized,
        flood_on_one_key,
        wrong_keys,
        from_one_network,
        strangers,
        never_the_same,
        coming_and_going,
    )
}


def main() -> None:
    """The command line. `aside`: takes what CPU all others leave, since an attacker has a machine of his own."""
    name, port, key, seconds, *aside = sys.argv[1:]
    if aside and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif aside:
        os.nice(19)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    came = asyncio.run(ATTACKS[name](int(port), key, float(seconds)))
    came.cpu = time.process_time()
    print(msgspec.json.encode(came).decode())


if __name__ == "__main__":
    main()
