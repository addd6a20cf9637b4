"""Every answer of the hot routes: status, headers and bytes, ready to send. The set is closed, and declared.py declares it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

import msgspec
from msgspec import Struct

from services.capture.domain.verdict import Refused
from shared import problem
from shared.outcome import Reason
from shared.problem import Mistake, Problem

Pairs = tuple[tuple[bytes, bytes], ...]
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Answer(Struct, frozen=True):
    """One whole answer."""

    status: int
    body: bytes
    headers: Pairs


# Nearly all answers say that an event is accepted: their heads are the same.
@lru_cache(maxsize=1024)
def head(status: int, headers: Pairs) -> bytes:
    """Status line and headers as they stand on the wire, without the empty line. Raises ValueError as `lines` does."""
    return b"HTTP/1.1 %d %b\r\n%b" % (status, HTTPStatus(status).phrase.encode(), lines(headers))


@lru_cache(maxsize=64)
def lines(headers: Pairs) -> bytes:
    """Headers as they stand on the wire. Raises ValueError where a value would end its line."""
    if any(_CONTROL.search(value) for _, value in headers):
        raise ValueError("a header's value holds a control character")
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


END = {True: b"\r\n", False: b"connection: close\r\n\r\n"}  # of a head, by whether the connection stays


class Stop(Exception):
    """Ends the work on a request with this answer."""

    def __init__(self, answer: Answer | Problem) -> None:
        super().__init__()
        self.answer = answer if isinstance(answer, Answer) else of_problem(answer)


def of_problem(found: Problem) -> Answer:
    """A problem as an answer, under a request id of its own."""
    request_id = problem.new_request_id()
    # RudderStack's Python SDK takes an error without `code` and `message` for a broken line, and sends it again ten times.
    body = problem.encode(found, request_id=request_id, more={"code": found.slug, "message": found.detail})
    headers = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *((name.encode(), value.encode()) for name, value in found.headers.items()),
    )
    return Answer(found.status, body, headers)


_CHALLENGE = {"www-authenticate": 'Bearer realm="write key"'}  # Basic would make a browser ask for a password
NO_KEY = Problem(
    401,
    "no-key",
    "No write key",
    "Send the property's write key as Basic user name, as `Authorization: Bearer ...` or as `writeKey` in the body "
    "(in a form also as hidden field `writeKey` or as `?key=`).",
    headers=_CHALLENGE,
)
WRONG_KEY = Problem(
    401,
    "wrong-key",
    "Unknown write key",
    "No property has this write key. It may be mistyped or revoked: `leads property add` makes a property and its key.",
    headers=_CHALLENGE,
)
PAUSED = Problem(
    403,
    "property-paused",
    "The property is paused",
    "Its key is right, but it takes no events now. `leads property resume` lets it go on.",
)
DELETED = Problem(
    403,
    "property-deleted",
    "The property was deleted",
    "It takes no events any more. Take its key off your pages, or use another property's.",
)
WRONG_ORIGIN = Problem(
    403,
    "wrong-origin",
    "This page may not use this key",
    "A browser key is for pages of its property's origins. `leads property set --origin` says which; a server uses a server key.",
)
NO_HOOK = Problem(
    404,
    "unknown-hook",
    "There is no such hook",
    "The path is /v1/hooks/{vendor}/{property}. `leads property hook list` shows which there are, `leads property hook add` sets one up.",
)
HOOK_ENCODING = Problem(
    415,
    "content-encoding",
    "This content encoding is not taken",
    "A signature is that of the bytes as they are: send them uncompressed.",
)
TOO_LARGE = Problem(
    413,
    "too-large",
    "The body is too large",
    "A body has at most 512 KiB, in at most 8,192 chunks. Send less, or several requests.",
)
TOO_DENSE = Problem(
    413,
    "too-dense",
    "The body grows too much",
    "A gzip body may become 200 times as long as it is. Send it without gzip.",
)
HEAD_TOO_LARGE = Problem(
    431, "head-too-large", "The headers are too large", "The request line and all headers have at most 64 KiB together."
)
TOO_SLOW = Problem(
    408, "too-slow", "The body came too slowly", "A request has to be sent within 8 seconds. Send it again."
)
NOT_HTTP = Problem(400, "not-http", "This is not HTTP", "Send an HTTP/1.1 request.")
CONTENT_TYPE_SDK = Problem(415, "content-type", "This content type is not taken", "Send JSON as application/json.")
CONTENT_TYPE_FORM = Problem(
    415,
    "content-type",
    "This content type is not taken",
    "Send application/json, application/x-www-form-urlencoded or multipart/form-data.",
)
FILES = Problem(415, "files", "Files are not taken", "Send the form without files.")
ENCODING = Problem(
    415, "content-encoding", "This content encoding is not taken", "Send the body as it is, or with gzip."
)
FORM_NAME = Problem(
    422,
    "form-name",
    "This is no name for a form",
    "The path ends in the form's name: letters, digits, dot, hyphen and underscore, at most 100. Example: /v1/forms/contact.",
)
BEHIND = Problem(
    503,
    "behind",
    "Too much is waiting",
    "What was taken before has waited longer than the operator allows, so nothing more is taken now. Send this again later.",
    headers={"retry-after": "60"},
)
BUSY = Problem(
    503,
    "busy",
    "Too many connections",
    "More are open than this instance can have. Send this again later.",
    headers={"retry-after": "5"},
)
UNAVAILABLE = Problem(
    503,
    "unavailable",
    "Events can't be kept now",
    "Neither Kafka nor the store takes events. Nothing is lost on our side that we accepted; send this again later.",
    headers={"retry-after": "5"},
)
_JSON = (b"content-type", b"application/json")


def accepted(event_id: str, *, status: int = 200) -> Answer:
    """One event is durable."""
    body = b'{"success":true,"accepted":[{"index":0,"event_id":"%s"}],"rejected":[]}' % event_id.encode()
    return Answer(status, body, (_JSON, (b"content-length", b"%d" % len(body))))


def judged(accepted: Sequence[tuple[int, str]], rejected: Sequence[tuple[int, Refused]]) -> Answer:
    """A batch: each event on its own; the accepted ones and the dead letters of the others are durable."""
    body = msgspec.json.encode(
        {
            "success": True,
            "accepted": [{"index": index, "event_id": event_id} for index, event_id in accepted],
            "rejected": [
                {"index": index, "reason": why.reason.value, "detail": why.detail, "pointer": why.pointer}
                for index, why in rejected
            ],
        }
    )
    return Answer(200, body, (_JSON, (b"content-length", b"%d" % len(body))))


def refused(why: Refused) -> Answer:
    """A single event that was not accepted; its dead letter is durable."""
    status = 413 if why.reason is Reason.TOO_LARGE else 422
    mistakes = [Mistake(why.pointer, why.detail)]
    return of_problem(Problem(status, why.reason.value, "The event is not accepted", why.detail, mistakes))


def later(seconds: bytes) -> Problem:
    """As `limited`, to a vendor: some take a 4xx for the last word, and would not send the lead again."""
    detail = "The property has too many events now, or had all of its quota. Send this again later."
    return Problem(503, "too-many", "Too many events", detail, headers={"retry-after": seconds.decode()})


def broken(detail: str) -> Answer:
    """A body that can't be read."""
    return of_problem(Problem(400, "broken-body", "The body can't be read", detail))


def not_this_method(methods: tuple[str, ...]) -> Problem:
    """The path is right, and takes other methods."""
    allow = {"allow": ", ".join((*methods, "OPTIONS"))}
    detail = f"Send a {' or a '.join(methods)}. /docs shows what with."
    return Problem(405, "method", f"This path takes {' and '.join(methods)} only", detail, headers=allow)


def broke_down() -> Answer:
    """To a request that met a bug of ours."""
    body = b"Internal Server Error"
    return Answer(500, body, ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))))


def plain(status: int, body: bytes, media_type: str) -> Answer:
    """An answer of somebody else's choosing: what a vendor expects."""
    kind = ((b"content-type", media_type.encode()),) if body else ()
    return Answer(status, body, (*kind, (b"content-length", b"%d" % len(body))))


def busy() -> bytes:
    """To a connection too many, as it stands on the wire."""
    answer = of_problem(BUSY)
    return b"".join((head(answer.status, answer.headers), END[False], answer.body))


def see_other(url: str) -> Answer:
    """To a browser that posted a form: on to the property's own page."""
    return Answer(303, b"", ((b"location", url.encode("ascii", "ignore")), (b"content-length", b"0")))


def readable(answer: Answer, origin: bytes) -> Answer:
    """The same answer, which scripts of this origin may read."""
    allow = (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset"),
        (b"vary", b"origin"),
    )
    return Answer(answer.status, answer.body, answer.headers + allow)


# What a script may send where its browser does not say what it is going to send.
_USUAL_HEADERS = b"authorization, content-type, content-encoding, idempotency-key"
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}\Z")


def preflight(headers: dict[bytes, bytes], methods: tuple[str, ...], *, allowed: bool) -> Answer:
    """To a browser that asks whether a script may post here. Says nothing when it may not, which the browser takes for a no.

    Where it may, it may send the headers that it asks for: each version of an SDK has its own (X-Retry-Count, AnonymousId,
    Rsa-Since-Last-Attempt), and none of them gives a script anything that its body could not.
    """
    takes = ", ".join((*methods, "OPTIONS")).encode()
    origin = headers.get(b"origin")
    if origin is None or not allowed:
        return Answer(204, b"", ((b"allow", takes), (b"vary", b"origin")))
    asked = headers.get(b"access-control-request-headers", b"")
    return Answer(
        204,
        b"",
        (
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", takes),
            (b"access-control-allow-headers", asked if _HEADER_NAMES.match(asked) else _USUAL_HEADERS),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-max-age", b"600"),
            (b"vary", b"origin, access-control-request-headers"),
        ),
    )
