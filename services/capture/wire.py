"""HTTP/1.1 connections: requests to the hot routes go straight to the door and their answers straight back, all others through uvicorn to the app. What requests mean, door/ knows."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.capture import answers, patience
from services.capture.answers import Answer
from services.capture.door.desk import Judged
from services.capture.door.door import Door, is_hot
from services.capture.opened import Open
from services.capture.patience import Patience
from services.capture.request import Request, target
from shared import logs
from shared.problem import Problem

# File descriptors are for Kafka and Postgres too: they must find one when they come back.
_MOST_CONNECTIONS = max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200, 100)


class Wire(HttpToolsProtocol):
    """One connection, for uvicorn's `http=`. `door` gives the door, or None as long as there is none: then the app gets everything.

    uvicorn has no limit for a request that does not become whole; this has, for the app's requests too.
    """

    def __init__(self, door: Callable[[], Door | None], **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._find_door = door
        self._patience = Patience(self.loop, self._too_slow)
        self._in_head = self._sending = False  # where in a request the other end is
        self._whole = 0  # requests so far
        self._lingering = False  # the end was said, and what still comes is thrown away
        self._unread: asyncio.TimerHandle | None = None

    # -- requests come -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected: who then says nothing is cut off too."""
        super().connection_made(transport)
        self._patience.wait()
        if len(self.connections) > _MOST_CONNECTIONS:
            self._write(answers.of_problem(answers.BUSY), keep_alive=False)
            self._end()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._lingering:
            return
        whole = self._whole
        super().data_received(data)
        if (
            self._sending or self._whole == whole
        ):  # the latter: empty lines before a request, which end the wait for one
            self._patience.wait(len(data))
            if self._in_head and self._patience.received > patience.MAX_HEAD_BYTES:
                self._cut(answers.HEAD_TOO_LARGE)
            elif self._patience.received > patience.MAX_REQUEST_BYTES:
                self._cut(answers.TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins. Whose it is shows in its path."""
        self.url = b""
        self.headers = []
        self._in_head = self._sending = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        path, query = target(self.url)
        if not is_hot(path) or self._find_door() is None or (self.parser.should_upgrade() and self._should_upgrade()):
            self._on_headers_of_the_app()
            return
        parser = self.parser
        cycle = Open(
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
        if type(cycle) is not Open:
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.take(body)
            if cycle.too_large and cycle.begun:
                self._go_on(cycle)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._sending = False
        self._whole += 1
        self._patience.done()
        cycle: Any = self.cycle
        if type(cycle) is not Open:
            super().on_message_complete()
        elif not cycle.response_complete:
            cycle.whole = True
            if cycle.begun:
                self._go_on(cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone. What has been judged is kept all the same, and nobody hears of it."""
        cycle: Any = self.cycle
        super().connection_lost(exc)
        self._patience.done()
        self.flow.resume_writing()
        if self._unread is not None:
            self._unread.cancel()
        for one in (cycle, *(waiting for waiting, _ in self.pipeline)):
            if type(one) is Open:
                one.disconnected = True

    # -- one request has its turn --------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is not Open:
            super()._start_asgi_task(cycle, app)
            return
        self.loop.call_soon(self._begin, cycle)  # not at once: a line of answers would be as deep as it is long

    def _begin(self, cycle: Open) -> None:
        cycle.begun = True
        if cycle.headers.get(b"expect", b"").lower() == b"100-continue" and not (cycle.size or cycle.too_large):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._go_on(cycle)

    def _go_on(self, cycle: Open) -> None:
        if cycle.too_large:
            self._stop(cycle, answers.TOO_LARGE)
        elif cycle.whole:
            try:
                self._judged(cycle, self._judge(cycle))
            except Exception as error:  # a bug of ours costs its own request only
                logs.get().error("a request failed", error=type(error).__name__, exc_info=error)
                cycle.keep_alive = False
                self._answer(cycle, answers.broke_down())

    def _judge(self, cycle: Open) -> Judged:
        door = self._find_door()
        assert door is not None  # it was there when the request began
        peer = self.client[0] if self.client else None
        body = cycle.pieces[0] if len(cycle.pieces) == 1 else b"".join(cycle.pieces)
        return door.judge(Request(cycle.method, cycle.path, cycle.query, cycle.headers, peer, body))

    def _judged(self, cycle: Open, judged: Judged) -> None:
        cycle.limits_said = judged.limits_said
        if judged.durable is None:
            self._answer(cycle, judged.answer)
            return

        def known(durable: asyncio.Future[bool]) -> None:
            sure = not durable.cancelled() and durable.exception() is None and durable.result()
            self._answer(cycle, judged.answer if sure else judged.unavailable())

        judged.durable.add_done_callback(known)

    # -- requests that do not become whole -----------------------------------------------------------------------------

    def _too_slow(self) -> None:
        if self.flow.read_paused:  # it is we who do not read on: the requests before it are not answered yet
            self._patience.wait()
        elif self._sending:
            self._cut(answers.TOO_SLOW)
        else:
            self._end()  # nothing came that could be answered

    def _cut(self, problem: Problem) -> None:
        """The end of the connection, with this answer where none is on its way."""
        cycle: Any = self.cycle
        if not self._in_head and type(cycle) is Open:
            cycle.keep_alive = False
            self._stop(cycle, problem)
        elif cycle is None or cycle.response_complete or not (self._in_head or cycle.response_started):
            self._write(answers.of_problem(problem), keep_alive=False)
        self._end()

    def _stop(self, cycle: Open, problem: Problem) -> None:
        door = self._find_door()
        answer = answers.of_problem(problem)
        self._answer(cycle, door.stopped(answer, cycle.path, cycle.headers) if door is not None else answer)

    # -- answers go ----------------------------------------------------------------------------------------------------

    def _answer(self, cycle: Open, answer: Answer) -> None:
        """Writes the whole answer at once: uvicorn would write head and body apart, a system call and often a packet more."""
        if cycle.response_complete:
            return
        if self.flow.write_paused and not cycle.disconnected:
            task = self.loop.create_task(self._answer_later(cycle, answer))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            return
        cycle.response_complete = True
        cycle.pieces.clear()
        if cycle.disconnected or self.transport.is_closing():
            return
        self._write(answer, keep_alive=cycle.keep_alive, said=cycle.limits_said, head_only=cycle.method == "HEAD")
        if not cycle.keep_alive:
            self._end()
        self.on_response_complete()

    async def _answer_later(self, cycle: Open, answer: Answer) -> None:
        await self.flow.drain()
        self._answer(cycle, answer)

    def _write(self, answer: Answer, *, keep_alive: bool, said: bytes = b"", head_only: bool = False) -> None:
        head = answers.head(answer.status, answer.headers)
        always = answers.lines(tuple(self.server_state.default_headers))
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((head, always, said, end, b"" if head_only else answer.body)))

    def _end(self) -> None:
        """Closes as soon as the other end has read what was written, or has had its time to. Where it is still sending, closing at once
        would make its system throw the answer away (RFC 9112, 9.6)."""
        if self._sending and self.transport.can_write_eof():
            self._lingering = True
            self._patience.done()
            self.transport.write_eof()
            self._hurry(patience.LINGER_SECONDS)
            return
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._hurry(patience.READ_SECONDS)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came for long after an answer."""
        self._end()

    def pause_writing(self) -> None:
        """The other end leaves answers unread. It has so long to read on."""
        super().pause_writing()
        self._hurry(patience.READ_SECONDS)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._unread is not None and not self._lingering and not self.transport.is_closing():
            self._unread.cancel()
            self._unread = None

    def _hurry(self, seconds: float) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(seconds, self.transport.abort)
