"""CPU that keys, limits and marks cost capture for each event: the same posts, bytes in and bytes out, with them and without them in turn.

python -m tests.bench.limits_cost [--pairs 60] [--posts 500]

One process, no socket, no Kafka: the wire and the door as they are, a writer that keeps nothing. Without: every key is the one
property's at once, no rate, no quota, no mark but those that the form's own fields make. With: the rates of the settings' defaults, a
quota, public addresses, the marks. The two take turns of fifty posts within a pair, so that what else the machine does meets both; the
collector is set as main.py sets it. The median of the pairs' differences, and the interval that holds it in 95 of 100 such runs (by ranks).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from math import sqrt
from typing import Any
from unittest.mock import patch

import uvloop

from services.capture.domain import captured
from services.capture.limits import Limits, Rates
from services.capture.main import COLLECT_AFTER
from services.capture.quota import Quota
from services.capture.settings import Settings
from shared.message import Message
from tests.unit.capture.client import Client, Transport
from tests.unit.capture.door import KEY, Durable, Visitor, a_property

_CONNECTIONS = 50
_PEOPLE = 997
_CALL = (
    b'{"userId":"u%d","event":"webinar-attended","messageId":"m%d","traits":{"email":"jo%d@acme.example"},"properties":{"webinar":"spring"},'
    b'"context":{"page":{"url":"https://shop.example/w?utm_source=search&gclid=g1"},"locale":"de-DE"}}'
)
_FORM = b"email=jo%d%%40acme.example&name=Jo+Doe&company=Acme&message=Please+call+me&submission_id=%d&_t=179360%d&consent%%5Bmail%%5D=on"


class _Forgetful(Durable):
    """Everything is durable, and nothing is kept."""

    def put(self, message: Message) -> asyncio.Future[bool]:
        future = super().put(message)
        self.messages.clear()
        return future


class _Deaf(Transport):
    """Keeps no answer but counts the accepted ones."""

    accepted = 0

    def write(self, data: Any) -> None:
        type(self).accepted += data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202"))


def _posts(path: str, media: str, body: bytes, count: int) -> Iterator[bytes]:
    for number in range(count):
        whole = body % (number % _PEOPLE, number, number % _PEOPLE)
        yield (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {media}\r\n"
            f"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\nContent-Length: {len(whole)}\r\n\r\n"
        ).encode() + whole


class _Side:
    """A visitor and its connections, and the CPU that its posts took so far."""

    def __init__(self, visitor: Visitor, switched_off: Callable[[Visitor], ExitStack]) -> None:
        self._visitor = visitor
        self._switched_off = switched_off
        self._clients = [Client(visitor.door, peer=f"8.8.{number}.8") for number in range(_CONNECTIONS)]
        for client in self._clients:
            client.wire.transport = client.transport = _Deaf(client.transport.get_extra_info("peername")[0])
        self.seconds = 0.0

    async def turn(self, posts: list[bytes]) -> None:
        """One post on each connection."""
        with self._switched_off(self._visitor):
            before, began = _Deaf.accepted, time.process_time()
            for client, post in zip(self._clients, posts, strict=True):
                client.send(post)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.seconds += time.process_time() - began
        assert _Deaf.accepted - before == len(posts), "not all posts were accepted"

    def close(self) -> None:
        """Everybody hangs up."""
        for client in self._clients:
            client.wire.connection_lost(None)


def _with() -> _Side:
    fields = Settings.model_fields
    rates = Rates(
        key_events=fields["key_events_per_second"].default,
        address_requests=fields["address_requests_per_second"].default,
        address_invalid=fields["address_invalid_per_second"].default,
    )
    owner = replace(a_property(), quota=10**12)
    limits = Limits(rates, Quota("postgresql://nobody@127.0.0.1:9/none"))
    return _Side(Visitor(owner, durable=_Forgetful(), limits=limits), lambda _: ExitStack())


def _without() -> _Side:
    return _Side(Visitor(a_property(), durable=_Forgetful()), _all_off)


def _all_off(visitor: Visitor) -> ExitStack:
    properties = visitor.door._desk.properties
    owner = properties.by_key(KEY)
    off = ExitStack()
    off.enter_context(patch.object(properties, "by_header", lambda _: owner))
    off.enter_context(patch.object(captured, "is_disposable", lambda _: False))
    off.enter_context(patch.object(captured, "_marks", lambda found, *_, **__: list(found.marks) or None))
    return off


async def _pair(posts: list[bytes], *, first_off: bool) -> tuple[float, float]:
    """Microseconds of CPU a post: without, and with."""
    made = {side: side() for side in ((_without, _with) if first_off else (_with, _without))}
    off, on = made[_without], made[_with]
    for at in range(0, len(posts), _CONNECTIONS):
        for side in (off, on) if at // _CONNECTIONS % 2 else (on, off):
            await side.turn(posts[at : at + _CONNECTIONS])
    off.close()
    on.close()
    return off.seconds / len(posts) * 1e6, on.seconds / len(posts) * 1e6


def _told(name: str, posts: list[bytes], pairs: int) -> str:
    uvloop.run(_pair(posts, first_off=True))  # warm
    found = [uvloop.run(_pair(posts, first_off=pair % 2 == 0)) for pair in range(pairs)]
    differences = sorted(on - off for off, on in found)
    reach = int(0.98 * sqrt(pairs))  # ranks to either side of the median: 1.96 / 2 standard deviations of a binomial
    low, high = differences[max(0, pairs // 2 - 1 - reach)], differences[min(pairs - 1, (pairs + 1) // 2 + reach)]
    return (
        f"{name}: {statistics.median(off for off, _ in found):.1f} us without, {statistics.median(on for _, on in found):.1f} us with, difference "
        f"{statistics.median(differences):+.2f} us (95 %: {low:+.2f} to {high:+.2f}; {pairs} pairs of {len(posts)} posts)"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--posts", type=int, default=500)
    given = parser.parse_args()
    posts = given.posts // _CONNECTIONS * _CONNECTIONS
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    for name, path, media, body in (
        ("track", "/v1/track", "application/json", _CALL),
        ("form", "/v1/forms/contact", "application/x-www-form-urlencoded", _FORM),
    ):
        print(_told(name, list(_posts(path, media, body, posts)), given.pairs), flush=True)


if __name__ == "__main__":
    main()
