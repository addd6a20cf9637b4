"""Posts, and the connections on which they come to a capture without sockets: for benches that take its CPU with and without something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from services.capture.domain import captured
from shared.message import Message
from tests.unit.capture.client import Client, Transport
from tests.unit.capture.door import KEY, Durable, Visitor

CONNECTIONS = 50
_PEOPLE = 997
CALL = (
    b'{"userId":"u%d","event":"webinar-attended","messageId":"m%d","traits":{"email":"jo%d@acme.example"},"properties":{"webinar":"spring"},'
    b'"context":{"page":{"url":"https://shop.example/w?utm_source=search&gclid=g1"},"locale":"de-DE"}}'
)
FORM = b"email=jo%d%%40acme.example&name=Jo+Doe&company=Acme&message=Please+call+me&submission_id=%d&_t=179360%d&consent%%5Bmail%%5D=on"


class Forgetful(Durable):
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


def posts_of(path: str, media: str, body: bytes, count: int) -> Iterator[bytes]:
    for number in range(count):
        whole = body % (number % _PEOPLE, number, number % _PEOPLE)
        yield (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {media}\r\n"
            f"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\nContent-Length: {len(whole)}\r\n\r\n"
        ).encode() + whole


class Side:
    """A visitor and its connections, and the CPU that its posts took so far."""

    def __init__(self, visitor: Visitor, switched_off: Callable[[Visitor], ExitStack]) -> None:
        self._visitor = visitor
        self._switched_off = switched_off
        self._clients = [Client(visitor.door, peer=f"8.8.{number}.8") for number in range(CONNECTIONS)]
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


def without_limits(visitor: Visitor) -> ExitStack:
    """Every key is the one property's at once, and nothing is judged but what the form's own fields say."""
    properties = visitor.door._desk.properties
    owner = properties.by_key(KEY)
    off = ExitStack()
    off.enter_context(patch.object(properties, "by_header", lambda _: owner))
    off.enter_context(patch.object(captured, "is_disposable", lambda _: False))
    off.enter_context(patch.object(captured, "_marks", lambda found, *_, **__: list(found.marks) or None))
    return off
