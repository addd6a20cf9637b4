"""Capture's door without sockets, Kafka or Postgres: requests as plain calls, durable events in a list. For tests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import msgspec

from services.capture.domain.captured import Scribe
from services.capture.hot import Door
from services.capture.properties import Properties, hashed
from services.capture.store import Property
from services.capture.writer import Writer
from shared import topology
from shared.message import Message

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


class Visitor:
    """Sends requests through a door and remembers what became durable."""

    def __init__(self, *properties: Property, durable: Durable | None = None, proxies: Sequence[str] = ()) -> None:
        self.durable = durable or Durable()
        self.door = Door(
            self._behind,
            properties=Properties(properties or (a_property(),)),
            writer=self.durable,
            scribe=a_scribe(),
            now=lambda: NOW,
            proxies=tuple(ip_network(proxy) for proxy in proxies),
        )

    async def _behind(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"behind"})

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
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "client": (peer, 40000),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("utf-8", "surrogateescape")) for name, value in said.items()
        ],
    }
    await door(scope, receive, send)
    start, body_message = sent
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    if start["status"] not in (204, 299):
        assert answered["content-length"] == str(len(body_message["body"]))
    return Answered(start["status"], answered, body_message["body"])


def problem(answered: Answered) -> tuple[int, str]:
    """Status and kind of an answer, which is a whole problem."""
    assert answered.headers["content-type"] == "application/problem+json"
    told = answered.json
    assert told["status"] == answered.status
    assert {"type", "title", "detail", "request_id"} <= told.keys()
    return answered.status, told["type"].removeprefix("urn:leadflow:problem:")
