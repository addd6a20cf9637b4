"""The honest sender beside an attack: posts at a steady rate over connections of its own, and notes how long each answer took."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import time
from dataclasses import dataclass, field

PER_SECOND = 50


@dataclass(slots=True)
class Honest:
    """What it saw: seconds until each answer, from when the post was due; statuses that were not 200 (0: hung up on)."""

    port: int
    key: str
    took: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def run(self) -> None:
        """Until it is cancelled; then waits for the answers that are due. Moments are random within their share of the time, so that
        they don't keep step with anything."""
        began, number = time.monotonic(), 0
        posts: set[asyncio.Task[None]] = set()
        try:
            while True:
                number += 1
                due = began + (number + random.random()) / PER_SECOND
                await asyncio.sleep(due - time.monotonic())
                task = asyncio.create_task(self._post(due, number))
                posts.add(task)
                task.add_done_callback(posts.discard)
        finally:
            await asyncio.gather(*posts)
            for writer in self.connections:
                writer.close()

    async def _post(self, due: float, number: int) -> None:
        body = b'{"userId":"honest-%d","event":"x"}' % number
        basic = base64.b64encode(f"{self.key}:".encode())
        head = (
            b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %b\r\nContent-Type: application/json\r\n"
            % basic
        )
        status = 0
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(30):
                if self._idle:
                    reader, writer = self._idle.pop()
                else:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    self.connections.add(writer)
                writer.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
                said = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
                status = int(said[9:12])
                self._idle.append((reader, writer))
        self.took.append(time.monotonic() - due)
        if status != 200:
            self.refused.append(status)


def share(values: list[float], part: float) -> float:
    """The value that so large a part of them does not exceed; 0 where there are none."""
    return sorted(values)[int(len(values) * part)] if values else 0.0
