"""Connections as HTTP wants them: order, keep-alive, and that a lost client costs nobody anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.capture.answers import lines
from shared.message import Message
from tests.unit.capture.client import Client
from tests.unit.capture.door import KEY, Durable, Visitor

BODY = b'{"userId":"u1","event":"x"}'


def a_post(path: str = "/v1/track", body: bytes = BODY, *, more: str = "", version: str = "1.1") -> bytes:
    """A whole request."""
    head = f"POST {path} HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{more}\r\n".encode() + body


class Slow(Durable):
    """A writer whose events become durable when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.flying: list[asyncio.Future[bool]] = []

    def put(self, message: Message) -> asyncio.Future[bool]:
        self.messages.append(message)
        self.flying.append(asyncio.get_running_loop().create_future())
        return self.flying[-1]


async def test_an_answer_is_one_write_with_the_date_and_the_connection_stays() -> None:
    client = Client(Visitor().door)
    client.state.default_headers = [(b"date", b"today")]
    client.send(a_post())
    [answered] = await client.answers(1)
    assert (answered.status, answered.headers["date"]) == (200, "today")
    assert len(client.transport.writes) == 1
    client.send(a_post())
    assert len(await client.answers(2)) == 2
    assert not client.transport.closed
    assert client.state.total_requests == 2


@pytest.mark.parametrize(("version", "more"), [("1.0", ""), ("1.1", "Connection: close\r\n")])
async def test_who_wants_the_connection_closed_gets_it_closed(version: str, more: str) -> None:
    client = Client(Visitor().door)
    client.send(a_post(version=version, more=more))
    [answered] = await client.answers(1)
    assert (answered.status, answered.headers["connection"]) == (200, "close")
    assert client.transport.closed


async def test_requests_byte_by_byte_are_whole_in_the_end() -> None:
    client = Client(Visitor().door)
    for byte in a_post() * 2:
        client.send(bytes([byte]))
    assert [one.status for one in await client.answers(2)] == [200, 200]


async def test_answers_come_in_the_order_of_the_requests_whoever_gives_them() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() + a_post("/v1/none") + a_post("/v1/forms/-") + a_post("/v1/none") + a_post())
    await asyncio.sleep(0.01)
    assert client.transport.writes == []
    flying: list[asyncio.Future[bool]] = visitor.durable.flying  # type: ignore[attr-defined]
    flying[0].set_result(True)
    while len(flying) < 2:
        await asyncio.sleep(0)
    flying[1].set_result(False)
    assert [one.status for one in await client.answers(5)] == [200, 299, 422, 299, 503]


async def test_a_long_line_of_requests_behind_a_slow_one_is_answered() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() + a_post("/v1/forms/-", b"") * 400)
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    assert len(await client.answers(401)) == 401


async def test_without_a_door_the_app_answers() -> None:
    client = Client(None)
    client.send(a_post())
    assert [one.status for one in await client.answers(1)] == [299]


async def test_go_on_is_said_to_who_asks() -> None:
    client = Client(Visitor().door)
    whole = a_post(more="Expect: 100-continue\r\n")
    client.send(whole[: -len(BODY)])
    assert client.transport.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    client.send(BODY)
    assert [one.status for one in await client.answers(1)] == [200]


async def test_a_body_of_many_small_pieces_is_put_together() -> None:
    body = b'{"userId":"u1","event":"x","properties":{"p":"' + b"y" * 6000 + b'"}}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    head = a_post(body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    client = Client(Visitor().door)
    client.send(head + chunks + b"0\r\n\r\n")
    assert [one.status for one in await client.answers(1)] == [200]


async def test_who_hangs_up_is_not_written_to_and_what_they_sent_is_kept() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() + a_post()[:-1])
    client.wire.connection_lost(None)
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)
    assert (client.transport.writes, len(visitor.durable.messages)) == ([], 1)


async def test_who_does_not_read_is_not_written_to() -> None:
    client = Client(Visitor().door)
    client.wire.pause_writing()
    client.send(a_post())
    await asyncio.sleep(0.01)
    assert client.transport.writes == []
    client.wire.resume_writing()
    assert [one.status for one in await client.answers(1)] == [200]


async def test_before_the_end_open_requests_are_answered_and_the_connection_closed() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post())
    client.wire.shutdown()
    assert not client.transport.closed
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    [answered] = await client.answers(1)
    assert (answered.status, client.transport.closed) == (200, True)


async def test_what_is_no_http_is_400() -> None:
    client = Client(Visitor().door)
    client.send(b"hello\r\n\r\n")
    assert client.transport.writes[0].startswith(b"HTTP/1.1 400 ")
    assert client.transport.closed


async def test_a_bug_of_ours_costs_its_own_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor()

    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(visitor.door, "judge", broken)
    client = Client(visitor.door)
    client.send(a_post())
    [answered] = await client.answers(1)
    assert (answered.status, client.transport.closed) == (500, True)


def test_no_header_ends_its_line_early() -> None:
    with pytest.raises(ValueError, match="control character"):
        lines(((b"location", b"https://x.example\r\nset-cookie: a=b"),))
