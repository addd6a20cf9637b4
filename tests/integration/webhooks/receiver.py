"""A subscriber to webhooks as one should be: checks the signature, acts once a key, and misbehaves as a test wants. For tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook

Behaviour = Callable[["Receiver", str], bytes]  # the answer's bytes to the message of this key; none: silence
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def status(code: int, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {code} X", "Content-Length: 0", *headers, "", ""]).encode()


@dataclass
class Receiver:
    """`acted`: messages acted on, by key, once each; `asked`: requests by key; `forged`: those whose signature was none."""

    port: int = 0
    secrets: list[str] = field(default_factory=list)
    behaves: Behaviour = lambda *_: OK
    acted: dict[str, Any] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    signatures: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            raw = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head.split("\r\n")[1:] if line}
            body = await reader.readexactly(int(headers["content-length"]))
            key = raw["webhook-id"]
            self.asked[key] += 1
            self.signatures.append(len(raw["webhook-signature"].split()))
            if not all(self._signed(secret, body, raw) for secret in self.secrets):
                self.forged += 1
            elif key not in self.acted:
                self.acted[key] = msgspec.json.decode(body)
                self.order.append(key)
            answer = self.behaves(self, key)
            if not answer:
                await asyncio.sleep(60)
            writer.write(answer)
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()

    @staticmethod
    def _signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
        """By any time: tests move the sender's clock."""
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        return Webhook(secret).sign(headers["webhook-id"], at, body.decode()) in headers["webhook-signature"].split()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    made = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
