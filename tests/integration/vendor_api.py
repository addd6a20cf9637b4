"""A vendor's API, as far as fetching a lead goes: speaks HTTP, answers as it is told, notes who asked for what. For tests."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Asked:
    """One question: its path, its headers by lower-case name."""

    path: str
    headers: dict[str, str]


@dataclass(slots=True)
class VendorApi:
    """`answers` gives (status, headers, body) for the how manyth question for a path, counted from 1."""

    answers: Callable[[str, int], tuple[int, dict[str, str], bytes]]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                path = first.split(" ")[1]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                self.asked.append(Asked(path, headers))
                count = sum(one.path == path for one in self.asked)
                status, said, body = self.answers(path, count)
                fields = "".join(f"{name}: {value}\r\n" for name, value in said.items())
                writer.write(f"HTTP/1.1 {status} X\r\n{fields}content-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def vendor_api(answers: Callable[[str, int], tuple[int, dict[str, str], bytes]]) -> AsyncIterator[VendorApi]:
    """The API on a port of its own."""
    made = VendorApi(answers)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    made.url = f"http://{host}:{port}/api"
    try:
        yield made
    finally:
        server.close()
