"""CPU that keys, limits and marks cost capture for each event: the same posts, bytes in and bytes out, with them and without them in turn.

python -m tests.bench.limits_cost [--pairs 60] [--posts 500]

One process, no socket, no Kafka: the wire and the door as they are, a writer that keeps nothing. Without: every key is the one
property's at once, no rate, no quota, no mark but those that the form's own fields make. With: the rates of the settings' defaults, a
quota, public addresses, the marks. The median of the pairs' differences, and the interval that holds it in 95 of 100 such runs (by ranks).
"""

from __future__ import annotations

import argparse
import asyncio
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


async def _microseconds(visitor: Visitor, posts: list[bytes]) -> float:
    clients = [Client(visitor.door, peer=f"8.8.{number}.8") for number in range(_CONNECTIONS)]
    for client in clients:
        client.wire.transport = client.transport = _Deaf(client.transport.get_extra_info("peername")[0])
    _Deaf.accepted = 0
    began = time.process_time()
    for number, post in enumerate(posts):
        clients[number % _CONNECTIONS].send(post)
        if number % _CONNECTIONS == _CONNECTIONS - 1:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    took = time.process_time() - began
    await asyncio.sleep(0)
    assert _Deaf.accepted == len(posts), f"{_Deaf.accepted} of {len(posts)} posts were accepted"
    for client in clients:
        client.wire.connection_lost(None)
    return took / len(posts) * 1e6


def _with(posts: list[bytes]) -> float:
    fields = Settings.model_fields
    rates = Rates(
        key_events=fields["key_events_per_second"].default,
        address_requests=fields["address_requests_per_second"].default,
        address_invalid=fields["address_invalid_per_second"].default,
    )
    owner = replace(a_property(), quota=10**12)
    limits = Limits(rates, Quota("postgresql://nobody@127.0.0.1:9/none"))
    return uvloop.run(_microseconds(Visitor(owner, durable=_Forgetful(), limits=limits), posts))


def _without(posts: list[bytes]) -> float:
    visitor = Visitor(a_property(), durable=_Forgetful())
    properties = visitor.door._desk.properties
    owner = properties.by_key(KEY)
    with ExitStack() as off:
        off.enter_context(patch.object(properties, "by_header", lambda _: owner))
        off.enter_context(patch.object(captured, "_marks", lambda found, *_: list(found.marks) or None))
        return uvloop.run(_microseconds(visitor, posts))


def _told(name: str, posts: list[bytes], pairs: int) -> str:
    off: list[float] = []
    on: list[float] = []
    order: list[tuple[list[float], Callable[[list[bytes]], float]]] = [(off, _without), (on, _with)]
    for _, measure in order:
        measure(posts)  # warm
    for pair in range(pairs):
        for into, measure in order if pair % 2 else reversed(order):
            into.append(measure(posts))
    differences = sorted(one - other for one, other in zip(on, off, strict=True))
    reach = int(0.98 * sqrt(pairs))  # ranks to either side of the median: 1.96 / 2 standard deviations of a binomial
    low, high = differences[max(0, pairs // 2 - 1 - reach)], differences[min(pairs - 1, (pairs + 1) // 2 + reach)]
    return (
        f"{name}: {statistics.median(off):.1f} us without, {statistics.median(on):.1f} us with, difference "
        f"{statistics.median(differences):+.2f} us (95 %: {low:+.2f} to {high:+.2f}; {pairs} pairs of {len(posts)} posts)"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--posts", type=int, default=500)
    given = parser.parse_args()
    for name, path, media, body in (
        ("track", "/v1/track", "application/json", _CALL),
        ("form", "/v1/forms/contact", "application/x-www-form-urlencoded", _FORM),
    ):
        print(_told(name, list(_posts(path, media, body, given.posts)), given.pairs), flush=True)


if __name__ == "__main__":
    main()
