"""HTTP/1.1 connections: requests to the hot routes go straight to the door and their answers straight back, all others through uvicorn to the app. What requests mean, door/ knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.capture import answers, opened, patience
from services.capture.answers import Answer
from services.capture.door.desk import Judged
from services.capture.door.door import Door, is_hot, named
from services.capture.metrics import answered
from services.capture.opened import Open
from services.capture.patience import Deadlines, Patience
from services.capture.request import said_too_large, target
from shared import logs
from shared.problem import Problem

_MOST_IN_LINE = 1000  # requests sent before those before them are answered


class Wire(HttpToolsProtocol):
    """One connection, in the place of uvicorn's own protocol, which has no limit for a request that does not become whole. `door` gives the
    door, or None as long as there is none: then the app gets everything."""

    def __init__(self, door: Callable[[], Door | None], every: Patience, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._find_door = door
        self._patience = every
        self.deadlines = Deadlines(self.loop)
        self._in_head = self._sending = False  # where in a request the other end is
        self._whole = 0  # requests so far
        self._most = patience.MAX_REQUEST_BYTES  # of this one
        self._deaf = False  # the end was said, or will be: what still comes is thrown away

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected: who then says nothing is cut off too."""
        super().connection_made(transport)
        self._patience.watch(self)
        self.deadlines.more()

    def data_received(self, data: bytes | memoryview) -> None:
        """Bytes came."""
        if self._deaf:
            self.deadlines.received += len(data)
            if self.deadlines.received > patience.LINGER_BYTES:
                self.flow.pause_reading()
            return
        self.deadlines.busy()
        whole = self._whole
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # it stays as it is
        except httptools.HttpParserError:
            self._cut(answers.NOT_HTTP)
            return
        # The latter: empty lines before a request, which end the wait for one.
        if (self._sending or self._whole == whole) and not self._deaf:
            self.deadlines.more(len(data))
            if self._in_head and self.deadlines.received > patience.MAX_HEAD_BYTES:
                self._cut(answers.HEAD_TOO_LARGE)
            elif self.deadlines.received > self._most:
                self._cut(answers.TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins. Whose it is shows in its path. Raises EOFError after the end, which ends the parsing of what came."""
        if self._deaf or self.transport.is_closing():
            raise EOFError
        self.url = b""
        self.headers = []
        self._in_head = self._sending = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Trailers are none: nobody reads them."""
        if self._in_head:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole. Raises EOFError where too many wait for their turn."""
        self._in_head = False
        self._most = patience.MAX_REQUEST_BYTES
        path, query = target(self.url)
        before: Any = self.cycle
        in_line = before is not None and not before.response_complete
        if in_line:
            if len(self.pipeline) >= _MOST_IN_LINE:
                raise EOFError
            self.flow.pause_reading()
        if not is_hot(path) or self._find_door() is None or (self.parser.should_upgrade() and self._should_upgrade()):
            self._on_headers_of_the_app()
            return
        self.cycle = cycle = opened.begun(self.parser, path, query, dict(self.headers))  # type: ignore[assignment]
        if in_line:
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]
        else:
            self._begin(cycle)

    def _on_headers_of_the_app(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        self._most = patience.MAX_APP_BYTES
        if said_too_large(dict(self.headers)):
            self._cut(answers.TOO_LARGE)

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
        self.deadlines.whole()
        cycle: Any = self.cycle
        if cycle.response_complete:
            self.deadlines.idle(self.timeout_keep_alive)
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
        self._patience.forget(self)
        self.flow.resume_writing()
        for one in (cycle, *(waiting for waiting, _ in self.pipeline)):
            if type(one) is Open:
                one.disconnected = True

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
            door = self._find_door()
            assert door is not None  # it was there when the request began
            try:
                self._judged(cycle, door.judge(cycle.request(self.client[0] if self.client else None)))
            except Exception as error:  # a bug of ours costs its own request only
                logs.get().error("a request failed", error=type(error).__name__, exc_info=error)
                cycle.keep_alive = False
                self._answer(cycle, answers.broke_down())

    def _judged(self, cycle: Open, judged: Judged) -> None:
        cycle.limits_said = judged.limits_said

        def known(durable: asyncio.Future[bool]) -> None:
            sure = not durable.cancelled() and durable.exception() is None and durable.result()
            self._answer(cycle, judged.answer if sure else judged.unavailable())

        if judged.durable is None:
            self._answer(cycle, judged.answer)
        else:
            judged.durable.add_done_callback(known)

    def late(self) -> None:
        """A deadline is over."""
        now, deadlines = self.loop.time(), self.deadlines
        if deadlines.read_by <= now:
            deadlines.read()
            self.transport.abort()
        elif (
            self.flow.read_paused and deadlines.whole_by <= now
        ):  # it is we who do not read on: the requests before it are not answered yet
            deadlines.whole()
            deadlines.more()
        elif self._sending:
            self._cut(answers.TOO_SLOW)
        else:
            self._end()  # nothing came that could be answered
            deadlines.busy()

    def _cut(self, problem: Problem) -> None:
        """The end of the connection: with this answer where none is on its way; where others have to come before it, after those."""
        if self._deaf or self.transport.is_closing():
            return  # it has come already
        cycle: Any = self.cycle
        unanswered = cycle is not None and not cycle.response_complete
        hot = type(cycle) is Open
        if unanswered and (self._in_head or self.pipeline or not (hot or not cycle.response_started)):
            self._deaf = True
            cycle.keep_alive = False
            self.deadlines.whole()
            self.deadlines.read_within(patience.READ_SECONDS)
        elif unanswered and hot:
            self._stop(cycle, problem)
        else:
            if unanswered:  # the app hears that nobody is there any more
                cycle.disconnected = True
                cycle.message_event.set()
            if unanswered or self._in_head or not self._sending:
                self._write(answers.of_problem(problem), keep_alive=False)
            self._end()

    def _stop(self, cycle: Open, problem: Problem) -> None:
        door = self._find_door()
        answer = answers.of_problem(problem)
        cycle.keep_alive = False
        self._answer(cycle, door.stopped(answer, cycle.path, cycle.headers) if door is not None else answer)

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
        answered(named(cycle.path), answer.status, since=cycle.since)
        cycle.pieces.clear()
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            cycle.keep_alive = False  # who sends such things need not be waited for
        if cycle.disconnected or self.transport.is_closing():
            return
        self._write(answer, keep_alive=cycle.keep_alive, said=cycle.limits_said, head_only=cycle.method == "HEAD")
        if cycle.keep_alive:
            self.on_response_complete()
        else:
            self._end()

    async def _answer_later(self, cycle: Open, answer: Answer) -> None:
        await self.flow.drain()
        self._answer(cycle, answer)

    def _write(self, answer: Answer, *, keep_alive: bool, said: bytes = b"", head_only: bool = False) -> None:
        always = answers.lines(tuple(self.server_state.default_headers))
        body = b"" if head_only else answer.body
        self.transport.write(
            b"".join((answers.head(answer.status, answer.headers), always, said, answers.END[keep_alive], body))
        )

    def _end(self) -> None:
        """Closes as soon as the other end has read what was written, or has had its time to. Where it is still sending, closing at once
        would make its system throw the answer away (RFC 9112, 9.6): so much is taken, and so long, and thrown away."""
        self.deadlines.whole()
        if self._sending and self.transport.can_write_eof():
            self._deaf = True
            self.transport.write_eof()
            self.deadlines.read_within(patience.LINGER_SECONDS)
            return
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self.deadlines.read_within(patience.READ_SECONDS)

    def on_response_complete(self) -> None:
        """The next request of the line has its turn. Nothing is read before the line is empty."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._sending:
            self.deadlines.idle(self.timeout_keep_alive)
        if not self.pipeline:
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        """The other end leaves answers unread. It has so long to read on."""
        super().pause_writing()
        self.deadlines.read_within(patience.READ_SECONDS)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if not self._deaf and not self.transport.is_closing():
            self.deadlines.read()
