"""Connections as HTTP wants them: order, keep-alive, time limits, and that a lost client costs nobody anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.capture import patience, wire
from services.capture.answers import lines
from shared.message import Message
from tests.unit.capture.client import Client
from tests.unit.capture.door import KEY, Durable, Visitor, problem

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


@pytest.mark.parametrize("before", [b"", a_post()])
async def test_a_body_that_does_not_come_is_408(before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.02)
    client = Client(Visitor().door)
    client.send(before + a_post(more="Origin: https://x.example\r\n")[:-1])
    *_, answered = await client.answers(2 if before else 1)
    assert problem(answered) == (408, "too-slow")
    assert answered.headers["access-control-allow-origin"] == "https://x.example"


@pytest.mark.parametrize("sent", [b"POST /v1/track HT", b"GET /v1/properties HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_does_not_come_is_408_whoever_it_is_for(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.02)
    client = Client(Visitor().door)
    client.send(sent)
    [answered] = await client.answers(1)
    assert problem(answered) == (408, "too-slow")
    assert client.transport.closed


async def test_the_time_is_for_the_whole_request_and_no_byte_begins_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.05)
    client = Client(Visitor().door)
    for byte in a_post():
        if client.transport.closed:
            break
        client.send(bytes([byte]))
        await asyncio.sleep(0.002)
    [answered] = await client.answers(1)
    assert problem(answered) == (408, "too-slow")


async def test_the_app_is_spared_from_bodies_that_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.02)
    client = Client(Visitor().door)
    client.send(a_post("/v1/none")[:-1])
    [answered] = await client.answers(1)
    assert (answered.status, client.transport.closed) == (408, True)


@pytest.mark.parametrize("sent", [b"", b"\r\n", a_post() + b"", b"\r\n\r\n"])
async def test_who_says_nothing_is_cut_off_without_a_word(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.02)
    client = Client(Visitor().door)
    client.wire.timeout_keep_alive = 1 if sent.startswith(b"POST") else 60
    if sent:
        client.send(sent)
    async with asyncio.timeout(5):
        while not client.transport.closed:
            await asyncio.sleep(0.01)
    assert len(client.transport.writes) == (1 if sent.startswith(b"POST") else 0)


async def test_a_request_behind_one_that_is_not_answered_has_time_until_it_can_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.02)
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() + a_post()[:-1])
    await asyncio.sleep(0.1)
    assert not client.transport.closed
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    answered = await client.answers(2)
    assert [one.status for one in answered] == [200, 408]


async def test_heads_and_trailers_without_end_are_cut() -> None:
    client = Client(Visitor().door)
    client.send(b"POST /v1/track HTTP/1.1\r\n")
    while not client.transport.closed:
        client.send(b"X: " + b"y" * 5000 + b"\r\n")
    assert problem((await client.answers(1))[0]) == (431, "head-too-large")
    client = Client(Visitor().door)
    client.send(a_post(body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n")
    while not client.transport.closed:
        client.send(b"X: " + b"y" * 5000 + b"\r\n")
    assert problem((await client.answers(1))[0]) == (413, "too-large")


async def test_who_goes_on_sending_after_the_end_is_listened_to_for_a_moment_and_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "LINGER_SECONDS", 0.05)
    client = Client(Visitor().door)
    client.transport.polite = False
    client.send(b"POST /v1/track HTTP/1.1\r\nX: " + b"y" * 70_000)
    for _ in range(10):
        client.send(b"y" * 10_000)
    assert (client.transport.ended, client.transport.closed) == (True, False)
    assert len(client.transport.writes) == 1
    await asyncio.sleep(0.1)
    assert client.transport.aborted


async def test_who_leaves_answers_unread_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 0.02)
    paused, ended = Client(Visitor().door), Client(Visitor().door)
    paused.wire.pause_writing()
    ended.transport.unsent = 1
    ended.send(a_post(more="Connection: close\r\n"))
    await asyncio.sleep(0.05)
    assert paused.transport.aborted
    assert ended.transport.aborted


async def test_who_reads_on_in_time_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 0.02)
    client = Client(Visitor().door)
    client.wire.pause_writing()
    client.wire.resume_writing()
    await asyncio.sleep(0.05)
    assert not client.transport.closed


async def test_beyond_the_most_connections_a_new_one_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MOST_CONNECTIONS", 0)
    client = Client(Visitor().door)
    [answered] = await client.answers(1)
    assert problem(answered) == (503, "busy")
    assert client.transport.closed


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
