"""What all routes share: whose request it is, from where it came, how its events are kept or refused, and who may read the answer. No route."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

from msgspec import Struct

from services.capture import answers
from services.capture.answers import Answer
from services.capture.domain import connection
from services.capture.domain.captured import Scribe
from services.capture.domain.connection import Network
from services.capture.domain.mailed import Links
from services.capture.domain.verdict import BROWSER, SERVER, Arrival, Refused
from services.capture.limits import Limits
from services.capture.properties import Properties, allows_any, misused
from services.capture.replays import Replays
from services.capture.request import Headers, Request
from services.capture.store import LIVE, PAUSED, Property, Told
from services.capture.writer import Writer
from shared.message import Message
from shared.outcome import Reason
from shared.problem import Problem

_LONGEST_ORIGIN = 300  # a name of the internet has at most 253 characters
HOLD_SECONDS = 0.5  # before a 429 is said
_COUNTED = frozenset({400, 401, 413, 415, 422})  # what is wrong with the request itself
_FORWARDED = 1024  # bytes of X-Forwarded-For, from the right: the near proxies


class Judged(Struct, frozen=True):
    """What became of a request: `answer` holds once its events are durable (at once where there are none), `unavailable` when
    they can't be made so."""

    answer: Answer
    durable: asyncio.Future[bool] | None = None
    limits_said: bytes = b""  # header lines, beside either answer
    unavailable: Callable[[], Answer] = lambda: answers.of_problem(answers.UNAVAILABLE)


# Commits what vendors tell by ids only (fetching.Fetching.keep); False when it can't, or may not have.
KeepNotices = Callable[[Sequence[Told]], Awaitable[bool]]


async def _nowhere(_: Sequence[Told]) -> bool:
    return False


class Desk:
    """The shared part of every route. Knows nothing of connections and paths."""

    def __init__(
        self,
        *,
        properties: Properties,
        writer: Writer,
        scribe: Scribe,
        now: Callable[[], datetime],
        limits: Limits,
        proxies: tuple[Network, ...] = (),
        country_headers: tuple[bytes, ...] = (),
        keep_notices: KeepNotices = _nowhere,
        public_url: str = "",
        behind: Callable[[], bool] = lambda: False,
        links: Links | None = None,
    ) -> None:
        self.properties = properties
        self.scribe = scribe
        self.limits = limits
        self._writer = writer
        self.now = now
        self._proxies = proxies
        self._country_headers = country_headers if proxies else ()
        self._keep_notices = keep_notices
        self._public_url = public_url.rstrip("/")
        self._behind = behind
        self.links = links
        self.replays = Replays()

    # -- who and where from --------------------------------------------------------------------------------------------

    def owner_in(self, headers: Headers) -> Property | None:
        """Whose key the Authorization header holds; None without such a header. Raises Stop at a key that nobody has."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            return None
        owner = self.properties.by_header(authorization)
        if owner is None:
            raise answers.Stop(answers.WRONG_KEY)
        return owner

    def owner_of(self, key: str | None) -> Property:
        """Whose key it is. Raises Stop without a key and at one that nobody has."""
        if not key:
            raise answers.Stop(answers.NO_KEY)
        owner = self.properties.by_key(key)
        if owner is None:
            raise answers.Stop(answers.WRONG_KEY)
        return owner

    def owner_in_address(self, request: Request) -> Property:
        """Whose key is `writeKey` in the address: SDKs put it there where they can't set a header. Raises Stop as `owner_of` does."""
        return self.owner_of(parse_qs(request.query.decode("latin-1")).get("writeKey", [""])[0])

    def open_for(self, owner: Property, request: Request) -> None:
        """Raises Stop where the property takes nothing, or nothing from this page."""
        if owner.state != LIVE:
            raise answers.Stop(answers.PAUSED if owner.state == PAUSED else answers.DELETED)
        if owner.via == BROWSER and misused(owner, request.headers.get(b"origin")):
            raise answers.Stop(answers.WRONG_ORIGIN)

    def arrival(self, owner: Property, request: Request, *, events: int = 1) -> Arrival:
        """What we know of the request by ourselves. Counts its events; raises Stop where that is too many, where the property takes
        nothing, or nothing from this page, and where too much waits already."""
        self.open_for(owner, request)
        if self._behind():
            raise answers.Stop(answers.BEHIND)
        agent = request.headers.get(b"user-agent")
        now, ip = self.now(), self.ip(request)
        request.limits_said = self.limits.admit(owner, ip, now, events)
        return Arrival(
            owner.property,
            now,
            ip,
            connection.user_agent(agent[: connection.LONGEST_AGENT]) if agent else None,
            owner.via,
            owner.country,
            self._edge_country(request) if self._country_headers else None,
        )

    def ip(self, request: Request) -> str | None:
        """The address that the request comes from, as far as proxies are believed."""
        if request.peer is None:
            return None
        forwarded = request.headers.get(b"x-forwarded-for")
        return connection.address(request.peer, forwarded[-_FORWARDED:] if forwarded else None, self._proxies)

    def _edge_country(self, request: Request) -> str | None:
        """Where a trusted proxy says that the connection comes from. A visitor can send all the headers but that of our own edge, so
        where they contradict each other none is believed."""
        headers = request.headers
        said = {connection.country(headers[name]) for name in self._country_headers if name in headers}
        proxied = said and request.peer is not None and connection.trusted(request.peer, self._proxies)
        return said.pop() if proxied and len(said) == 1 else None

    def address(self, request: Request) -> str:
        """The whole address as the sender called it, as far as can be told."""
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        return f"{self.here(request)}{request.path}{query}"

    def here(self, request: Request) -> str:
        """What stands before the paths of this door, as the sender called it: by the operator's setting, else by the Host header, and
        by X-Forwarded-Proto where a trusted proxy says it."""
        if self._public_url:
            return self._public_url
        headers = request.headers
        proxied = request.peer is not None and connection.trusted(request.peer, self._proxies)
        proto = headers.get(b"x-forwarded-proto", b"http") if proxied else b"http"
        return f"{proto.decode('latin-1')}://{headers.get(b'host', b'').decode('latin-1')}"

    # -- what becomes of it --------------------------------------------------------------------------------------------

    def kept(self, messages: Sequence[Message], answer: Answer, owner: Property, request: Request) -> Judged:
        """`answer` as soon as the messages are durable."""
        unavailable = partial(readable, answers.UNAVAILABLE, owner, request.headers)
        return Judged(readable(answer, owner, request.headers), self._put(messages), request.limits_said, unavailable)

    def _put(self, messages: Sequence[Message]) -> asyncio.Future[bool]:
        writer = self._writer
        return writer.put(messages[0]) if len(messages) == 1 else asyncio.ensure_future(writer.durable(messages))

    def durable(self, messages: Sequence[Message], notices: Sequence[Told]) -> asyncio.Future[bool] | None:
        """Whether all of it became durable; None when there is nothing."""
        if not notices:
            return self._put(messages) if messages else None
        if not messages:
            return asyncio.ensure_future(self._keep_notices(notices))

        async def both() -> bool:
            return all(await asyncio.gather(self._writer.durable(messages), self._keep_notices(notices)))

        return asyncio.ensure_future(both())

    def refused(
        self,
        why: Refused,
        original: bytes,
        arrival: Arrival,
        owner: Property,
        request: Request,
        *,
        answer: Answer | None = None,
    ) -> Judged:
        """A single event that is refused: the dead letter is durable before the sender hears of it. Raises Stop where the sender had too
        many."""
        self.unaccepted(arrival)
        dead = self.scribe.dead(why, original, arrival)
        return self.kept([dead], answer or answers.refused(why), owner, request)

    def broken(self, detail: str, body: bytes, owner: Property | None, request: Request) -> Judged:
        """A body that can't be read at all. Kept as a dead letter when the key came beside it; else nobody knows whose it is.
        Raises Stop."""
        if owner is None:
            raise answers.Stop(answers.broken(detail))
        refused, arrival = Refused(Reason.UNDECODABLE, detail), self.arrival(owner, request)
        return self.refused(refused, body, arrival, owner, request, answer=answers.broken(detail))

    def unaccepted(self, arrival: Arrival, events: int = 1) -> None:
        """Counts events that are refused. Raises Stop where this address had too many; a server key speaks for many addresses."""
        if arrival.via != SERVER:
            self.limits.invalid(arrival.ip, events)

    def turned_away(self, answer: Answer, request: Request) -> Judged:
        """A request that is answered without a look at its events: with a wrong key, or unreadable. Who does that too often hears of it."""
        if answer.status in _COUNTED:
            try:
                self.limits.invalid(self.ip(request))
            except answers.Stop as stop:
                answer = stop.answer
        durable = _held() if answer.status == HTTPStatus.TOO_MANY_REQUESTS else None
        return Judged(self.stopped(answer, request.headers), durable)

    # -- who may read the answer (CORS) --------------------------------------------------------------------------------

    def stopped(self, answer: Answer, headers: Headers) -> Answer:
        """An answer to a request of which it is not known whose it is, readable for scripts where any property allows it."""
        origin = headers.get(b"origin")
        return answers.readable(answer, origin) if origin and self.allows_some(origin) else answer

    def allows_some(self, origin: bytes | None) -> bool:
        """Whether any property allows the origin: a browser asks before it shows a key."""
        if origin is None or len(origin) > _LONGEST_ORIGIN:
            return False
        return self.properties.any_origin or origin.decode("latin-1") in self.properties.origins


def _held() -> asyncio.Future[bool]:
    """True after a moment: who does not wait for the time that a 429 names, and posts again at once, would take the others' CPU with it."""
    loop = asyncio.get_running_loop()
    held: asyncio.Future[bool] = loop.create_future()
    loop.call_later(HOLD_SECONDS, held.set_result, True)
    return held


def readable(answer: Answer | Problem, owner: Property, headers: Headers) -> Answer:
    """The answer, made readable for scripts of the origins that the property allows."""
    if isinstance(answer, Problem):
        answer = answers.of_problem(answer)
    origin = headers.get(b"origin")
    if (
        origin is None
        or len(origin) > _LONGEST_ORIGIN
        or not (allows_any(owner) or origin.decode("latin-1") in owner.origins)
    ):
        return answer
    return answers.readable(answer, origin)
