"""How many connections there may be, and how their bytes are taken: a portion at a time, and whoever sends much in line."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from services.capture import reception
from services.capture.reception import PORTION_BYTES, Intake, Reception
from shared.metrics.door import TURNED_AWAY
from tests.unit.capture.client import Transport
from tests.unit.capture.door import Visitor
from tests.unit.capture.test_wire import BODY, a_post


class Socket(Transport):
    """A transport that notes whether it is read from."""

    def __init__(self, peer: str) -> None:
        super().__init__(peer)
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return None


class House:
    """A reception and the connections to it."""

    def __init__(self, **more: Any) -> None:
        visitor = Visitor()
        self.reception = Reception(lambda: visitor.door, **more)
        self._state = ServerState()
        self._config = Config(lambda: None, http="httptools", ws="none", log_config=None, lifespan="off")

    def connect(self, peer: str = "8.8.8.8") -> tuple[Intake, Socket]:
        """One more."""
        intake = self.reception(config=self._config, server_state=self._state, app_state={})
        socket = Socket(peer)
        intake.connection_made(socket)
        return intake, socket


def send(intake: Intake, data: bytes) -> None:
    """At most a portion, as the loop would."""
    intake.get_buffer(-1)[: len(data)] = data
    intake.buffer_updated(len(data))


async def test_beyond_the_most_connections_a_new_one_is_turned_away_until_one_is_gone() -> None:
    house, before = House(most=1), TURNED_AWAY._value.get()
    first, _ = house.connect()
    turned_away, socket = house.connect()
    assert socket.writes[0].startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in socket.writes[0]
    assert b"retry-after: 5" in socket.writes[0]
    assert socket.closed
    send(turned_away, a_post())  # what it had sent already
    turned_away.connection_lost(None)
    first.connection_lost(None)
    assert not house.connect()[1].closed
    assert house.connect()[1].closed
    assert TURNED_AWAY._value.get() == before + 2


@pytest.mark.parametrize("peers", [("8.8.8.8", "8.8.8.8"), ("2a00:1:2:3::1", "2a00:1:2:3:4::1")])
async def test_one_address_or_one_network_of_ipv6_has_so_many_connections(peers: tuple[str, str]) -> None:
    house = House(each=1)
    first, _ = house.connect(peers[0])
    assert house.connect(peers[1])[1].closed
    assert not house.connect("9.9.9.9")[1].closed
    first.connection_lost(None)
    assert not house.connect(peers[1])[1].closed


async def test_proxies_and_addresses_of_the_house_have_as_many_as_there_are() -> None:
    house = House(each=1, proxies=(ip_network("8.8.8.0/24"),))
    assert not any(house.connect("8.8.8.8")[1].closed for _ in range(3))
    assert not any(house.connect("10.0.0.1")[1].closed for _ in range(3))


async def test_of_those_who_send_much_two_get_on_in_a_turn_and_who_sends_little_at_once() -> None:
    house = House()
    heavy = [house.connect() for _ in range(5)]
    for intake, _ in heavy:
        send(intake, b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n".ljust(PORTION_BYTES, b"x"))
    assert [socket.reading for _, socket in heavy] == [False] * 5
    light, socket = house.connect()
    send(light, a_post())
    assert socket.reading
    await asyncio.sleep(0)
    assert [socket.reading for _, socket in heavy] == [True, True, False, False, False]
    for _ in range(2):
        await asyncio.sleep(0)
    assert all(socket.reading for _, socket in heavy)


async def test_what_comes_when_the_turn_is_over_waits_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    connected = [house.connect() for _ in range(3)]
    monkeypatch.setattr(reception, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1.0)  # all in one turn
    for intake, _ in connected:
        send(intake, a_post("/v1/forms/-"))
    send(connected[2][0], a_post("/v1/forms/-"))
    assert [(len(socket.writes), socket.reading) for _, socket in connected] == [(1, True), (0, True), (0, False)]
    monkeypatch.setattr(reception, "_TURN_SECONDS", 1.0)
    await asyncio.sleep(0)
    assert [(len(socket.writes), socket.reading) for _, socket in connected] == [(1, True), (1, True), (2, True)]


async def test_what_was_held_of_who_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    monkeypatch.setattr(reception, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1.0)
    (first, _), (gone, socket) = house.connect(), house.connect()
    for intake in (first, gone):
        send(intake, a_post("/v1/forms/-"))
    socket.close()
    gone.connection_lost(None)
    monkeypatch.setattr(reception, "_TURN_SECONDS", 1.0)
    await asyncio.sleep(0)
    assert socket.writes == []


async def test_nobody_reads_on_for_a_line_that_waits_or_for_who_is_gone() -> None:
    house = House()
    waiting, socket = house.connect()
    line = a_post() + a_post("/v1/forms/-", BODY)
    send(waiting, (line * 200)[:PORTION_BYTES])
    gone, closed = house.connect()
    send(gone, b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n".ljust(PORTION_BYTES, b"x"))
    closed.close()
    gone.connection_lost(None)
    await asyncio.sleep(0)
    assert (socket.reading, closed.reading) == (False, False)


async def test_what_was_held_counts_when_the_other_end_sends_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    monkeypatch.setattr(reception, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1.0)
    (first, _), (last, socket) = house.connect(), house.connect()
    for intake in (first, last):
        send(intake, a_post("/v1/forms/-"))
    assert socket.writes == []
    last.eof_received()
    assert len(socket.writes) == 1


async def test_however_many_wait_a_turn_goes_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    turns = 0
    go_on = house.reception._go_on

    def counted() -> None:
        nonlocal turns
        turns += 1
        go_on()

    monkeypatch.setattr(house.reception, "_go_on", counted)
    for _ in range(20):
        intake, _ = house.connect()
        send(intake, b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n".ljust(PORTION_BYTES, b"x"))
        intake._held = b"x" * PORTION_BYTES  # and it goes on to stand in line
    for _ in range(10):
        await asyncio.sleep(0)
    assert turns <= 10
