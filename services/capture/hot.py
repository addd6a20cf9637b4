"""The hot routes as a thin ASGI layer in front of the FastAPI app: reads the request, asks the domain, hands events to the writer, answers. Declared for OpenAPI in declared.py."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from services.capture import answers, request
from services.capture.answers import Answer
from services.capture.domain import connection, form, segment
from services.capture.domain.captured import Scribe
from services.capture.domain.connection import Network
from services.capture.domain.reading import Broken
from services.capture.domain.segment import SdkEvent
from services.capture.domain.verdict import Arrival, Refused
from services.capture.properties import Properties, allows_any
from services.capture.request import Headers, Receive
from services.capture.store import Property
from services.capture.writer import Writer
from shared.message import Message
from shared.outcome import Reason
from shared.problem import Problem

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SDK_ROUTES: dict[str, str] = {
    "/v1/track": "track",
    "/v1/page": "page",
    "/v1/identify": "identify",
    "/v1/batch": "batch",
}
FORMS = "/v1/forms/"
_FORM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class Door:
    """The hot routes; every other request goes on to `behind`."""

    def __init__(
        self,
        behind: App,
        *,
        properties: Properties,
        writer: Writer,
        scribe: Scribe,
        now: Callable[[], datetime],
        proxies: tuple[Network, ...] = (),
    ) -> None:
        self._behind = behind
        self._properties = properties
        self._writer = writer
        self._scribe = scribe
        self._now = now
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        path: str = scope["path"]
        kind = SDK_ROUTES.get(path)
        if kind is None and not path.startswith(FORMS):
            await self._behind(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        method = scope["method"]
        if method == "OPTIONS":
            answer = answers.preflight(headers, allowed=self._allows_some(headers.get(b"origin")))
        elif method != "POST":
            answer = answers.of_problem(answers.METHOD)
        else:
            try:
                body = await request.body(headers, receive)
                answer = await (
                    self._sdk(kind, headers, body, scope) if kind else self._form(path, headers, body, scope)
                )
            except answers.Stop as stop:
                origin = headers.get(b"origin")
                answer = answers.readable(stop.answer, origin) if origin and self._allows_some(origin) else stop.answer
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        # The whole body in one message: uvicorn makes one write of each.
        await send({"type": "http.response.body", "body": answer.body})

    async def _sdk(self, kind: str, headers: Headers, body: bytes, scope: Scope) -> Answer:
        if request.media_type(headers) not in request.JSON_TYPES:
            raise answers.Stop(answers.CONTENT_TYPE_SDK)
        body = request.inflated(headers, body)
        authorization = headers.get(b"authorization")
        owner = self._owner(authorization) if authorization is not None else None
        if kind == "batch":
            return await self._batch(owner, headers, body, scope)
        found: SdkEvent | Refused
        try:
            found = segment.event(body)
        except Broken as broken:
            return await self._broken(owner, body, str(broken), headers, scope)
        if owner is None:
            owner = self._owner_of(found.write_key if isinstance(found, SdkEvent) else segment.write_key(body))
        arrival = self._arrival(owner, headers, scope)
        if isinstance(found, SdkEvent):
            message = self._judged(found, kind, arrival, request.idempotency_key(headers), size=len(body))
        else:
            message = found
        if isinstance(message, Refused):
            return await self._refused(message, body, arrival, owner, headers)
        if not await self._writer.put(message):
            return _readable(answers.UNAVAILABLE, owner, headers)
        return _readable(answers.accepted(message.event_id), owner, headers)

    async def _batch(self, owner: Property | None, headers: Headers, body: bytes, scope: Scope) -> Answer:
        try:
            found = segment.batch(body)
        except Broken as broken:
            return await self._broken(owner, body, str(broken), headers, scope)
        if owner is None:
            owner = self._owner_of(found.write_key if isinstance(found, segment.SdkBatch) else segment.write_key(body))
        arrival = self._arrival(owner, headers, scope)
        if isinstance(found, Refused):
            return await self._refused(found, body, arrival, owner, headers)
        key = request.idempotency_key(headers)
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
                message = self._judged(event, kind, arrival, f"{key}/{index}" if key else None)
                if isinstance(message, Refused):
                    message = Refused(message.reason, message.detail, f"/batch/{index}{message.pointer}")
            if isinstance(message, Refused):
                rejected.append((index, message))
                message = self._scribe.dead(message, bytes(found.batch[index]), arrival)
            else:
                accepted.append((index, message.event_id))
            messages.append(message)
        if not await self._writer.durable(messages):
            return _readable(answers.UNAVAILABLE, owner, headers)
        return _readable(answers.judged(accepted, rejected), owner, headers)

    async def _form(self, path: str, headers: Headers, body: bytes, scope: Scope) -> Answer:
        name = path.removeprefix(FORMS)
        if not _FORM_NAME.match(name):
            raise answers.Stop(answers.FORM_NAME)
        authorization = headers.get(b"authorization")
        owner = self._owner(authorization) if authorization is not None else None
        if owner is None and (in_query := parse_qs(scope["query_string"].decode("latin-1")).get("key")):
            owner = self._owner_of(in_query[0])
        body = request.inflated(headers, body)
        media_type = request.media_type(headers)
        fields: form.Fields | Refused
        try:
            if media_type == b"application/x-www-form-urlencoded":
                fields = form.of_urlencoded(body)
            elif media_type == b"multipart/form-data":
                fields = form.of_multipart(body, headers[b"content-type"])
            elif media_type in request.JSON_TYPES:
                fields = form.of_json(body)
            else:
                raise answers.Stop(answers.CONTENT_TYPE_FORM)
        except form.Files:
            raise answers.Stop(answers.FILES) from None
        except Broken as broken:
            return await self._broken(owner, body, str(broken), headers, scope)
        if owner is None:
            owner = self._owner_of(form.write_key(fields) if isinstance(fields, dict) else None)
        arrival = self._arrival(owner, headers, scope)
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
                idempotency_key=request.idempotency_key(headers),
                referer=referer.decode("utf-8", "replace") if referer else None,
            )
            message = submission if isinstance(submission, Refused) else self._scribe.captured(submission, arrival)
        if isinstance(message, Refused):
            return await self._refused(message, body, arrival, owner, headers)
        if not await self._writer.put(message):
            return _readable(answers.UNAVAILABLE, owner, headers)
        if media_type not in request.JSON_TYPES and b"text/html" in headers.get(b"accept", b""):
            return answers.thanks(owner.thank_you_url)
        return _readable(answers.accepted(message.event_id, status=202), owner, headers)

    def _judged(
        self, event: SdkEvent, kind: str, arrival: Arrival, key: str | None, *, size: int = 0
    ) -> Message | Refused:
        if size > segment.MAX_EVENT_BYTES:
            return segment.too_large()
        if event.message_id is None:
            event.message_id = key
        submission = segment.submission(event, kind, arrival)
        return submission if isinstance(submission, Refused) else self._scribe.captured(submission, arrival)

    async def _broken(self, owner: Property | None, body: bytes, detail: str, headers: Headers, scope: Scope) -> Answer:
        """A body that can't be read at all. Kept as a dead letter when the key came beside it; else nobody knows whose it is."""
        if owner is None:
            return answers.broken(detail)
        refused, arrival = Refused(Reason.UNDECODABLE, detail), self._arrival(owner, headers, scope)
        return await self._refused(refused, body, arrival, owner, headers, answer=answers.broken(detail))

    async def _refused(
        self,
        why: Refused,
        original: bytes,
        arrival: Arrival,
        owner: Property,
        headers: Headers,
        *,
        answer: Answer | None = None,
    ) -> Answer:
        """A single event that is refused: the dead letter is durable before the sender hears of it."""
        durable = await self._writer.put(self._scribe.dead(why, original, arrival))
        return _readable((answer or answers.refused(why)) if durable else answers.UNAVAILABLE, owner, headers)

    def _arrival(self, owner: Property, headers: Headers, scope: Scope) -> Arrival:
        client = scope.get("client")
        forwarded = headers.get(b"x-forwarded-for")
        agent = headers.get(b"user-agent")
        return Arrival(
            owner.property,
            self._now(),
            connection.address(client[0], forwarded, self._proxies) if client else None,
            connection.user_agent(agent) if agent else None,
        )

    def _owner(self, authorization: bytes) -> Property:
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
