"""Capture's door without sockets, Kafka or Postgres: requests as plain calls, durable events in a list. For tests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import msgspec

from services.capture.domain.captured import Scribe
from services.capture.domain.mailed import Links
from services.capture.door.desk import Desk
from services.capture.door.door import ROUTES, Door
from services.capture.limits import Limits
from services.capture.properties import Properties, hashed
from services.capture.store import Property, StoredHook, Told
from services.capture.writer import Writer
from shared import topology
from shared.message import Message
from tests.unit.capture.client import Answered, Client

POSTS = [path for path, route in ROUTES.items() if route.methods == ("POST",)]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = b"a secret of thirty-two bytes ...."
KEY = "wk_the-shop's-own-key"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def a_property(
    name: str = "shop", *, key: str = KEY, origins: tuple[str, ...] = (), thank_you_url: str | None = None
) -> Property:
    """A property with one write key."""
    return Property(name, name.title(), origins, thank_you_url, None, None, NOW, (key[:11],), (hashed(key),))


def a_scribe() -> Scribe:
    """Writes with ids that count up."""
    numbers = itertools.count(1)
    return Scribe(secret=SECRET, partitions=4, new_id=lambda: f"00000000-0000-7000-8000-{next(numbers):012d}")


class Durable(Writer):
    """A writer for which everything is durable at once, or nothing."""

    def __init__(self, *, works: bool = True) -> None:
        self.works = works
        self.messages: list[Message] = []

    def put(self, message: Message) -> asyncio.Future[bool]:
        """Keeps it in the list."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        future.set_result(self.works)
        if self.works:
            self.messages.append(message)
        return future

    def on(self, topic: topology.Topic) -> list[dict[str, Any]]:
        """What stands on a topic, decoded."""
        return [msgspec.json.decode(message.value) for message in self.messages if message.topic == topic.name]

    @property
    def captured(self) -> list[dict[str, Any]]:
        """The accepted events."""
        return self.on(topology.CAPTURED)

    @property
    def dead(self) -> list[dict[str, Any]]:
        """The dead letters."""
        return self.on(topology.DEAD)


class Visitor:
    """Sends requests through a door and remembers what became durable."""

    def __init__(
        self,
        *properties: Property,
        hooks: Sequence[StoredHook] = (),
        durable: Durable | None = None,
        proxies: Sequence[str] = (),
        country_headers: Sequence[str] = (),
        public_url: str = "",
        limits: Limits | None = None,
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self.durable = durable or Durable()
        self.notices: list[Told] = []

        async def keep(notices: Sequence[Told]) -> bool:
            if self.durable.works:
                self.notices += notices
            return self.durable.works

        self.door = Door(
            Desk(
                properties=Properties(properties or (a_property(),), hooks),
                writer=self.durable,
                scribe=a_scribe(),
                now=lambda: NOW,
                limits=limits or Limits(),
                proxies=tuple(ip_network(proxy) for proxy in proxies),
                country_headers=tuple(name.lower().encode() for name in country_headers),
                keep_notices=keep,
                public_url=public_url,
                behind=behind,
                links=Links(SECRET, {"www.acme.example"}, 4),
            )
        )

    async def post(self, path: str, body: bytes | str | dict[str, Any] | list[Any], **more: Any) -> Answered:
        """One request; `request` says what there is beside path and body."""
        return await request(self.door, path, body, **more)


async def request(
    door: Door,
    path: str,
    body: bytes | str | dict[str, Any] | list[Any],
    *,
    key: str | None = KEY,
    method: str = "POST",
    query: str = "",
    peer: str = "203.0.113.7",
    pieces: int = 1,
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> Answered:
    """One request. A dict or list goes as JSON; header names in keywords have underscores for hyphens."""
    said = {**(headers or {}), **more}
    if isinstance(body, dict | list):
        body = msgspec.json.encode(body)
        said.setdefault("content_type", "application/json")
    elif isinstance(body, str):
        body = body.encode()
    if key is not None:
        said.setdefault("authorization", f"Bearer {key}")
    said.setdefault("user_agent", BROWSER)
    size = max(1, -(-len(body) // pieces))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    if pieces > 1 and "content_length" not in said:
        said["transfer_encoding"] = "chunked"
        chunks = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks] + [b"0\r\n\r\n"]
    else:
        said.setdefault("content_length", str(len(body)))
    line = b"%b %b HTTP/1.1\r\n" % (method.encode(), (path + (f"?{query}" if query else "")).encode())
    fields = [
        b"%b: %b\r\n" % (name.replace("_", "-").encode(), value.encode("utf-8", "surrogateescape"))
        for name, value in said.items()
    ]
    client = Client(door, peer=peer)
    client.send(b"".join((line, *fields, b"\r\n", chunks.pop(0) if chunks else b"")))
    for chunk in chunks:
        client.send(chunk)
    [answered] = await client.answers(1)
    return answered


def problem(answered: Answered) -> tuple[int, str]:
    """Status and kind of an answer, which is a whole problem."""
    assert answered.headers["content-type"] == "application/problem+json"
    told = answered.json
    assert told["status"] == answered.status
    assert {"type", "title", "detail", "request_id"} <= told.keys()
    return answered.status, told["type"].removeprefix("urn:leadflow:problem:")
