"""What a connection may not do: be slow, be silent, send or ask without end. Each is answered where there is a word to say, and ended."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from services.capture import patience
from tests.unit.capture.client import Client
from tests.unit.capture.door import Visitor, problem
from tests.unit.capture.test_wire import Slow, a_post


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.01)


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


async def test_of_who_goes_on_sending_so_much_is_taken_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LINGER_BYTES", 100_000)
    client = Client(Visitor().door)
    client.transport.polite = False
    client.send(a_post(body=b"").replace(b"Content-Length: 0", b"Content-Length: 10000000"))
    [answered] = await client.answers(1)
    assert (problem(answered), answered.headers["connection"]) == ((413, "too-large"), "close")
    client.send(b"y" * 100_000)
    assert not client.wire.flow.read_paused
    client.send(b"y")
    assert client.wire.flow.read_paused


@pytest.mark.parametrize("path", ["/v1/track", "/v1/none"])
@pytest.mark.parametrize("said", [True, False])
async def test_a_body_too_large_ends_the_connection_whoever_it_is_for(path: str, said: bool) -> None:
    client = Client(Visitor().door)
    client.transport.polite = False
    if said:
        client.send(a_post(path, body=b"").replace(b"Content-Length: 0", b"Content-Length: 600000"))
    else:
        client.send(a_post(path, body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        for _ in range(11):
            client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    [answered] = await client.answers(1)
    assert (problem(answered), answered.headers["connection"]) == ((413, "too-large"), "close")
    assert client.transport.ended


async def test_a_body_in_too_many_pieces_ends_the_connection() -> None:
    client = Client(Visitor().door)
    client.send(a_post(body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
    client.send(b"1\r\nx\r\n" * 8192)
    assert not client.transport.writes
    client.send(b"1\r\nx\r\n")
    [answered] = await client.answers(1)
    assert problem(answered) == (413, "too-large")


async def test_a_body_that_unpacks_to_too_much_ends_the_connection() -> None:
    client = Client(Visitor().door)
    bomb = gzip.compress(b'{"userId":"' + b"u" * 600_000 + b'"}')
    client.send(a_post(body=bomb, more="Content-Encoding: gzip\r\n") + a_post())
    [answered] = await client.answers(2)
    assert (answered.status, answered.headers["connection"]) == (413, "close")
    assert client.transport.closed


async def test_what_is_wrong_behind_a_request_in_flight_ends_the_connection_after_its_answer() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.transport.polite = False
    client.send(a_post() + b"POST /v1/track HTTP/1.1\r\nX: " + b"y" * 70_000)
    assert (client.transport.writes, client.transport.ended) == ([], False)
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    [answered] = await client.answers(1)
    assert (answered.status, answered.headers["connection"]) == (200, "close")
    assert client.transport.ended


async def test_a_line_without_end_is_not_taken_on() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() + a_post("/v1/forms/-", b"") * 2000)
    visitor.durable.flying[0].set_result(True)  # type: ignore[attr-defined]
    answered = await client.answers(2001)
    assert 1000 <= len(answered) <= 1002
    assert answered[-1].headers["connection"] == "close"


async def test_nothing_is_read_until_the_line_is_answered() -> None:
    visitor = Visitor(durable=Slow())
    client = Client(visitor.door)
    client.send(a_post() * 3)
    flying: list[asyncio.Future[bool]] = visitor.durable.flying  # type: ignore[attr-defined]
    for number in range(3):
        assert client.wire.flow.read_paused == (number < 2)
        while len(flying) <= number:
            await asyncio.sleep(0)
        flying[number].set_result(True)
        await client.answers(number + 1)


async def test_after_an_early_answer_and_the_rest_of_its_body_the_connection_does_not_stay_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(Visitor().door)
    client.wire.timeout_keep_alive = 0
    client.send(a_post("/v1/none")[:-1])
    client.wire.cycle.response_complete = True
    client.send(b"}")
    async with asyncio.timeout(5):
        while not client.transport.closed:
            await asyncio.sleep(0.01)


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
