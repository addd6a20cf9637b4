"""The hot routes: asks the domain what a request means, hands its events to the writer, says the answer. Declared for OpenAPI in declared.py; bytes come and go in wire.py."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import parse_qs

from msgspec import Struct

from services.capture import answers
from services.capture.answers import Answer
from services.capture.domain import connection, form, segment
from services.capture.domain.captured import Scribe
from services.capture.domain.connection import Network
from services.capture.domain.reading import Broken
from services.capture.domain.segment import SdkEvent
from services.capture.domain.verdict import Arrival, Refused
from services.capture.properties import Properties, allows_any
from services.capture.request import JSON_TYPES, Headers, Request, idempotency_key, inflated, media_type
from services.capture.store import Property
from services.capture.writer import Writer
from shared.message import Message
from shared.outcome import Reason
from shared.problem import Problem

SDK_ROUTES: dict[str, str] = {
    "/v1/track": "track",
    "/v1/page": "page",
    "/v1/identify": "identify",
    "/v1/batch": "batch",
}
FORMS = "/v1/forms/"
_FORM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def is_hot(path: str) -> bool:
    """Whether the door judges requests to this path; all others are the app's."""
    return path in SDK_ROUTES or path.startswith(FORMS)


class Judged(Struct, frozen=True):
    """What became of a request: `answer` holds once its events are durable (at once where there are none), `unavailable` when
    they can't be made so."""

    answer: Answer
    durable: asyncio.Future[bool] | None = None
    unavailable: Callable[[], Answer] = lambda: answers.of_problem(answers.UNAVAILABLE)


class Door:
    """Judges requests to the hot routes. Knows nothing of connections."""

    def __init__(
        self,
        *,
        properties: Properties,
        writer: Writer,
        scribe: Scribe,
        now: Callable[[], datetime],
        proxies: tuple[Network, ...] = (),
    ) -> None:
        self._properties = properties
        self._writer = writer
        self._scribe = scribe
        self._now = now
        self._proxies = proxies

    def judge(self, request: Request) -> Judged:
        """Judges a request. Its events are on their way when this returns."""
        if request.method == "OPTIONS":
            origin = request.headers.get(b"origin")
            return Judged(answers.preflight(request.headers, allowed=self._allows_some(origin)))
        if request.method != "POST":
            return Judged(answers.of_problem(answers.METHOD))
        try:
            kind = SDK_ROUTES.get(request.path)
            if kind is None:
                return self._form(request)
            return self._batch(request) if kind == "batch" else self._event(kind, request)
        except answers.Stop as stop:
            return Judged(self.stopped(stop.answer, request.headers))

    def stopped(self, answer: Answer, headers: Headers) -> Answer:
        """An answer to a request of which it is not known whose it is, readable for scripts where any property allows it."""
        origin = headers.get(b"origin")
        return answers.readable(answer, origin) if origin and self._allows_some(origin) else answer

    def _event(self, kind: str, request: Request) -> Judged:
        body, owner = self._opened(request)
        found: SdkEvent | Refused
        try:
            found = segment.event(body)
        except Broken as broken:
            return self._broken(str(broken), body, owner, request)
        if owner is None:
            owner = self._owner_of(found.write_key if isinstance(found, SdkEvent) else segment.write_key(body))
        arrival = self._arrival(owner, request)
        message: Message | Refused
        if isinstance(found, SdkEvent):
            message = self._written(found, kind, arrival, idempotency_key(request.headers), size=len(body))
        else:
            message = found
        if isinstance(message, Refused):
            return self._refused(message, body, arrival, owner, request)
        return self._kept([message], answers.accepted(message.event_id), owner, request)

    def _batch(self, request: Request) -> Judged:
        body, owner = self._opened(request)
        try:
            found = segment.batch(body)
        except Broken as broken:
            return self._broken(str(broken), body, owner, request)
        if owner is None:
            owner = self._owner_of(found.write_key if isinstance(found, segment.SdkBatch) else segment.write_key(body))
        arrival = self._arrival(owner, request)
        if isinstance(found, Refused):
            return self._refused(found, body, arrival, owner, request)
        key = idempotency_key(request.headers)
        accepted: list[tuple[int, str]] = []
        rejected: list[tuple[int, Refused]] = []
        messages: list[Message] = []
        for index in range(len(found.batch)):
            one = segment.of_batch(found, index)
            message: Message | Refused
            if isinstance(one, Refused):
                message = one
            else:
                event, kind = one
                message = self._written(event, kind, arrival, f"{key}/{index}" if key else None)
                if isinstance(message, Refused):
                    message = Refused(message.reason, message.detail, f"/batch/{index}{message.pointer}")
            if isinstance(message, Refused):
                rejected.append((index, message))
                message = self._scribe.dead(message, bytes(found.batch[index]), arrival)
            else:
                accepted.append((index, message.event_id))
            messages.append(message)
        return self._kept(messages, answers.judged(accepted, rejected), owner, request)

    def _form(self, request: Request) -> Judged:
        headers = request.headers
        name = request.path.removeprefix(FORMS)
        if not _FORM_NAME.match(name):
            raise answers.Stop(answers.FORM_NAME)
        owner = self._owner_in(headers)
        if owner is None and (in_query := parse_qs(request.query.decode("latin-1")).get("key")):
            owner = self._owner_of(in_query[0])
        body, kind = inflated(headers, request.body), media_type(headers)
        fields: form.Fields | Refused
        try:
            if kind == b"application/x-www-form-urlencoded":
                fields = form.of_urlencoded(body)
            elif kind == b"multipart/form-data":
                fields = form.of_multipart(body, headers[b"content-type"])
            elif kind in JSON_TYPES:
                fields = form.of_json(body)
            else:
                raise answers.Stop(answers.CONTENT_TYPE_FORM)
        except form.Files:
            raise answers.Stop(answers.FILES) from None
        except Broken as broken:
            return self._broken(str(broken), body, owner, request)
        if owner is None:
            owner = self._owner_of(form.write_key(fields) if isinstance(fields, dict) else None)
        arrival = self._arrival(owner, request)
        message: Message | Refused
        if isinstance(fields, Refused):
            message = fields
        elif len(body) > segment.MAX_EVENT_BYTES:
            message = segment.too_large()
        else:
            referer = headers.get(b"referer")
            submission = form.submission(
                name,
                fields,
                arrival,
                idempotency_key=idempotency_key(headers),
                referer=referer.decode("utf-8", "replace") if referer else None,
            )
            message = submission if isinstance(submission, Refused) else self._scribe.captured(submission, arrival)
        if isinstance(message, Refused):
            return self._refused(message, body, arrival, owner, request)
        if kind not in JSON_TYPES and b"text/html" in headers.get(b"accept", b""):
            return self._kept([message], answers.thanks(owner.thank_you_url), owner, request)
        return self._kept([message], answers.accepted(message.event_id, status=202), owner, request)

    def _written(
        self, event: SdkEvent, kind: str, arrival: Arrival, key: str | None, *, size: int = 0
    ) -> Message | Refused:
        if size > segment.MAX_EVENT_BYTES:
            return segment.too_large()
        if event.message_id is None:
            event.message_id = key
        submission = segment.submission(event, kind, arrival)
        return submission if isinstance(submission, Refused) else self._scribe.captured(submission, arrival)

    def _kept(self, messages: Sequence[Message], answer: Answer, owner: Property, request: Request) -> Judged:
        """`answer` as soon as the messages are durable."""
        writer = self._writer
        durable = writer.put(messages[0]) if len(messages) == 1 else asyncio.ensure_future(writer.durable(messages))
        unavailable = partial(_readable, answers.UNAVAILABLE, owner, request.headers)
        return Judged(_readable(answer, owner, request.headers), durable, unavailable)

    def _broken(self, detail: str, body: bytes, owner: Property | None, request: Request) -> Judged:
        """A body that can't be read at all. Kept as a dead letter when the key came beside it; else nobody knows whose it is."""
        if owner is None:
            return Judged(answers.broken(detail))
        refused, arrival = Refused(Reason.UNDECODABLE, detail), self._arrival(owner, request)
        return self._refused(refused, body, arrival, owner, request, answer=answers.broken(detail))

    def _refused(
        self,
        why: Refused,
        original: bytes,
        arrival: Arrival,
        owner: Property,
        request: Request,
        *,
        answer: Answer | None = None,
    ) -> Judged:
        """A single event that is refused: the dead letter is durable before the sender hears of it."""
        dead = self._scribe.dead(why, original, arrival)
        return self._kept([dead], answer or answers.refused(why), owner, request)

    def _arrival(self, owner: Property, request: Request) -> Arrival:
        forwarded = request.headers.get(b"x-forwarded-for")
        agent = request.headers.get(b"user-agent")
        return Arrival(
            owner.property,
            self._now(),
            connection.address(request.peer, forwarded, self._proxies) if request.peer else None,
            connection.user_agent(agent) if agent else None,
        )

    def _opened(self, request: Request) -> tuple[bytes, Property | None]:
        """What an SDK sent, and whose it is where a header says so."""
        if media_type(request.headers) not in JSON_TYPES:
            raise answers.Stop(answers.CONTENT_TYPE_SDK)
        return inflated(request.headers, request.body), self._owner_in(request.headers)

    def _owner_in(self, headers: Headers) -> Property | None:
        authorization = headers.get(b"authorization")
        if authorization is None:
            return None
        owner = self._properties.by_header(authorization)
        if owner is None:
            raise answers.Stop(answers.WRONG_KEY)
        return owner

    def _owner_of(self, key: str | None) -> Property:
        if not key:
            raise answers.Stop(answers.NO_KEY)
        owner = self._properties.by_key(key)
        if owner is None:
            raise answers.Stop(answers.WRONG_KEY)
        return owner

    def _allows_some(self, origin: bytes | None) -> bool:
        """Whether any property allows the origin: a browser asks before it shows a key."""
        if origin is None:
            return False
        return self._properties.any_origin or origin.decode("latin-1") in self._properties.origins


def _readable(answer: Answer | Problem, owner: Property, headers: Headers) -> Answer:
    """The answer, made readable for scripts of the origins that the property allows."""
    if isinstance(answer, Problem):
        answer = answers.of_problem(answer)
    origin = headers.get(b"origin")
    if origin is None or not (allows_any(owner) or origin.decode("latin-1") in owner.origins):
        return answer
    return answers.readable(answer, origin)
