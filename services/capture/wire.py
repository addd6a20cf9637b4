"""HTTP/1.1 connections: requests to the hot routes go straight to the door and their answers straight back, all others through uvicorn to the app. What requests mean, door/ knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.capture import answers, request
from services.capture.answers import Answer
from services.capture.door.desk import Judged
from services.capture.door.door import Door, is_hot
from services.capture.request import Headers, Request
from shared import logs
from shared.problem import Problem

_MOST_PIECES = 4096  # of a body, before they are put together: a sender chooses how small they are


class _Open:
    """A hot request until it is answered: stands where uvicorn's protocol has a request of its own, so that those that come before
    their turn (pipelined) wait in its line."""

    __slots__ = (
        "begun",
        "disconnected",
        "headers",
        "keep_alive",
        "late",
        "method",
        "path",
        "pieces",
        "query",
        "response_complete",
        "size",
        "too_large",
        "whole",
    )

    def __init__(self, method: str, path: str, query: bytes, headers: Headers, *, keep_alive: bool) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.keep_alive = keep_alive
        self.pieces: list[bytes] = []
        self.size = 0
        self.too_large = request.said_too_large(headers)
        self.whole = False
        self.begun = False
        self.late: asyncio.TimerHandle | None = None
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> _Open:
        """What uvicorn wakes an app with; here nobody waits."""
        return self

    def set(self) -> None:
        """See `message_event`."""

    def take(self, piece: bytes) -> None:
        """One more piece of the body; none is kept once there are too many bytes."""
        self.size += len(piece)
        if self.size > request.MAX_BODY_BYTES:
            self.too_large = True
        if self.too_large:
            self.pieces.clear()
            return
        if len(self.pieces) >= _MOST_PIECES:
            self.pieces = [b"".join(self.pieces)]
        self.pieces.append(piece)


class Wire(HttpToolsProtocol):
    """One connection, for uvicorn's `http=`. `door` gives the door, or None as long as there is none: then the app gets everything."""

    def __init__(self, door: Callable[[], Door | None], **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._find_door = door

    # -- requests come -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        super().data_received(data)
        self._watch(self.cycle)

    def on_message_begin(self) -> None:
        """A request begins. Whose it is shows in its path."""
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        path, query = _target(self.url)
        if not is_hot(path) or self._find_door() is None or (self.parser.should_upgrade() and self._should_upgrade()):
            self._on_headers_of_the_app()
            return
        parser = self.parser
        cycle = _Open(
            parser.get_method().decode("ascii"),
            path,
            query,
            dict(self.headers),
            keep_alive=parser.get_http_version() != "1.0" and parser.should_keep_alive(),
        )
        before: Any = self.cycle
        self.cycle = cycle  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._begin(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def _on_headers_of_the_app(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        cycle: Any = self.cycle
        if type(cycle) is not _Open:
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.take(body)
            if cycle.too_large and cycle.begun:
                self._go_on(cycle)

    def on_message_complete(self) -> None:
        """The request is whole."""
        cycle: Any = self.cycle
        if type(cycle) is not _Open:
            super().on_message_complete()
        elif not cycle.response_complete:
            cycle.whole = True
            if cycle.begun:
                self._go_on(cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone. What has been judged is kept all the same, and nobody hears of it."""
        cycle: Any = self.cycle
        super().connection_lost(exc)
        for one in (cycle, *(waiting for waiting, _ in self.pipeline)):
            if type(one) is _Open:
                one.disconnected = True
                if one.late is not None:
                    one.late.cancel()

    # -- one request has its turn --------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is not _Open:
            super()._start_asgi_task(cycle, app)
            return
        self.loop.call_soon(self._take_turn, cycle)  # not at once: a line of answers would be as deep as it is long

    def _take_turn(self, cycle: _Open) -> None:
        self._begin(cycle)
        self._watch(cycle)

    def _begin(self, cycle: _Open) -> None:
        cycle.begun = True
        if cycle.headers.get(b"expect", b"").lower() == b"100-continue" and not (cycle.size or cycle.too_large):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._go_on(cycle)

    def _go_on(self, cycle: _Open) -> None:
        if cycle.too_large:
            self._stop(cycle, answers.TOO_LARGE)
        elif cycle.whole:
            try:
                self._judged(cycle, self._judge(cycle))
            except Exception as error:  # a bug of ours costs its own request only
                logs.get().error("a request failed", error=type(error).__name__, exc_info=error)
                cycle.keep_alive = False
                self._answer(cycle, answers.broke_down())

    def _judge(self, cycle: _Open) -> Judged:
        door = self._find_door()
        assert door is not None  # it was there when the request began
        peer = self.client[0] if self.client else None
        body = cycle.pieces[0] if len(cycle.pieces) == 1 else b"".join(cycle.pieces)
        return door.judge(Request(cycle.method, cycle.path, cycle.query, cycle.headers, peer, body))

    def _judged(self, cycle: _Open, judged: Judged) -> None:
        if judged.durable is None:
            self._answer(cycle, judged.answer)
            return

        def known(durable: asyncio.Future[bool]) -> None:
            sure = not durable.cancelled() and durable.exception() is None and durable.result()
            self._answer(cycle, judged.answer if sure else judged.unavailable())

        judged.durable.add_done_callback(known)

    def _watch(self, cycle: Any) -> None:
        """A request whose turn it is has so long to come whole."""
        if (
            type(cycle) is _Open
            and cycle.begun
            and not cycle.whole
            and cycle.late is None
            and not cycle.response_complete
        ):
            cycle.late = self.loop.call_later(request.SEND_SECONDS, self._stop, cycle, answers.TOO_SLOW)

    def _stop(self, cycle: _Open, problem: Problem) -> None:
        door = self._find_door()
        answer = answers.of_problem(problem)
        self._answer(cycle, door.stopped(answer, cycle.headers) if door is not None else answer)

    # -- answers go ----------------------------------------------------------------------------------------------------

    def _answer(self, cycle: _Open, answer: Answer) -> None:
        """Writes the whole answer at once: uvicorn would write head and body apart, a system call and often a packet more."""
        if cycle.response_complete:
            return
        if self.flow.write_paused and not cycle.disconnected:
            task = self.loop.create_task(self._answer_later(cycle, answer))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return
        if cycle.late is not None:
            cycle.late.cancel()
        cycle.response_complete = True
        cycle.pieces.clear()
        if cycle.disconnected or self.transport.is_closing():
            return
        head = answers.head(answer.status, answer.headers)
        always = answers.lines(tuple(self.server_state.default_headers))
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        body = b"" if cycle.method == "HEAD" else answer.body
        self.transport.write(b"".join((head, always, end, body)))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    async def _answer_later(self, cycle: _Open, answer: Answer) -> None:
        await self.flow.drain()
        self._answer(cycle, answer)


@lru_cache(maxsize=4096)
def _target(url: bytes) -> tuple[str, bytes]:
    """Path and query of a request's target. Raises an HttpParserError for what is none."""
    parsed = httptools.parse_url(url)
    path = (parsed.path or b"").decode("ascii")
    return unquote(path) if "%" in path else path, parsed.query or b""
