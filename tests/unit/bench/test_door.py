"""The load's HTTP client: connections in turn, one request each at a time, posts repeated when a connection closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.bench.door import Door, Post

Answer = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """A server that reads whole requests and leaves the answer, and the connection, to `answer`."""
    requests = 0

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while not writer.is_closing():
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            requests += 1
            await answer(requests, body, writer)
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def posted(answer: Answer, bodies: list[bytes], *, connections: int = 2) -> tuple[list[tuple[bytes, int]], Door]:
    answers: list[tuple[bytes, int]] = []
    async with serving(answer) as port:
        door = Door(
            host="127.0.0.1",
            port=port,
            key="k",
            connections=connections,
            on_answer=lambda post, status: answers.append((post.body, status)),
        )
        for body in bodies:
            door.post(Post("/v1/forms/contact", body, None))
        async with asyncio.timeout(5):
            while door.in_flight:
                await asyncio.sleep(0.001)
        door.close()
        await asyncio.sleep(0.01)
    return answers, door


async def accept(_: int, body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def test_every_post_is_answered_once_over_few_connections() -> None:
    bodies = [b"%d" % n for n in range(50)]
    answers, door = await posted(accept, bodies)
    assert sorted(answers) == sorted((body, 202) for body in bodies)
    assert door.retries == 0


async def test_an_answer_in_pieces_is_waited_for() -> None:
    async def in_pieces(_: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in (b"HTTP/1.1 422 Unproc", b"essable\r\nContent-Length: 4\r", b"\n\r\nno", b"no"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)

    answers, _ = await posted(in_pieces, [b"a", b"b", b"c"], connections=1)
    assert [status for _, status in answers] == [422, 422, 422]


async def test_a_post_whose_connection_closes_is_sent_again_on_another() -> None:
    async def close_every_third(request: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if request % 3 == 0:
            writer.close()
        else:
            await accept(request, body, writer)

    bodies = [b"%d" % n for n in range(20)]
    answers, door = await posted(close_every_third, bodies)
    assert sorted(answers) == sorted((body, 202) for body in bodies)
    assert door.retries > 0
