"""What all routes share: whose request it is, from where it came, how its events are kept or refused, and who may read the answer. No route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct

from services.capture import answers
from services.capture.answers import Answer
from services.capture.domain import connection
from services.capture.domain.captured import Scribe
from services.capture.domain.connection import Network
from services.capture.domain.verdict import Arrival, Refused
from services.capture.limits import Limits
from services.capture.properties import Properties, allows_any
from services.capture.request import Headers, Request
from services.capture.store import Property
from services.capture.writer import Writer
from shared.message import Message
from shared.outcome import Reason
from shared.problem import Problem

_COUNTED = frozenset({400, 401, 413, 415, 422})  # what is wrong with the request itself
_FORWARDED = 1024  # bytes of X-Forwarded-For, from the right: the near proxies


class Judged(Struct, frozen=True):
    """What became of a request: `answer` holds once its events are durable (at once where there are none), `unavailable` when
    they can't be made so."""

    answer: Answer
    durable: asyncio.Future[bool] | None = None
    limits_said: bytes = b""  # header lines, beside either answer
    unavailable: Callable[[], Answer] = lambda: answers.of_problem(answers.UNAVAILABLE)


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
    ) -> None:
        self.properties = properties
        self.scribe = scribe
        self.limits = limits
        self._writer = writer
        self._now = now
        self._proxies = proxies

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

    def arrival(self, owner: Property, request: Request, *, events: int = 1) -> Arrival:
        """What we know of the request by ourselves. Counts its events; raises Stop where that is too many."""
        agent = request.headers.get(b"user-agent")
        now, ip = self._now(), self._ip(request)
        request.limits_said = self.limits.admit(owner, ip, now, events)
        return Arrival(
            owner.property, now, ip, connection.user_agent(agent[: connection.LONGEST_AGENT]) if agent else None
        )

    def _ip(self, request: Request) -> str | None:
        if request.peer is None:
            return None
        forwarded = request.headers.get(b"x-forwarded-for")
        return connection.address(request.peer, forwarded[-_FORWARDED:] if forwarded else None, self._proxies)

    # -- what becomes of it --------------------------------------------------------------------------------------------

    def kept(self, messages: Sequence[Message], answer: Answer, owner: Property, request: Request) -> Judged:
        """`answer` as soon as the messages are durable."""
        writer = self._writer
        durable = writer.put(messages[0]) if len(messages) == 1 else asyncio.ensure_future(writer.durable(messages))
        unavailable = partial(readable, answers.UNAVAILABLE, owner, request.headers)
        return Judged(readable(answer, owner, request.headers), durable, request.limits_said, unavailable)

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
        self.limits.invalid(arrival.ip)
        dead = self.scribe.dead(why, original, arrival)
        return self.kept([dead], answer or answers.refused(why), owner, request)

    def broken(self, detail: str, body: bytes, owner: Property | None, request: Request) -> Judged:
        """A body that can't be read at all. Kept as a dead letter when the key came beside it; else nobody knows whose it is.
        Raises Stop."""
        if owner is None:
            raise answers.Stop(answers.broken(detail))
        refused, arrival = Refused(Reason.UNDECODABLE, detail), self.arrival(owner, request)
        return self.refused(refused, body, arrival, owner, request, answer=answers.broken(detail))

    def turned_away(self, answer: Answer, request: Request) -> Judged:
        """A request that is answered without a look at its events: with a wrong key, or unreadable. Who does that too often hears of it."""
        if answer.status in _COUNTED:
            try:
                self.limits.invalid(self._ip(request))
            except answers.Stop as stop:
                answer = stop.answer
        return Judged(self.stopped(answer, request.headers))

    # -- who may read the answer (CORS) --------------------------------------------------------------------------------

    def stopped(self, answer: Answer, headers: Headers) -> Answer:
        """An answer to a request of which it is not known whose it is, readable for scripts where any property allows it."""
        origin = headers.get(b"origin")
        return answers.readable(answer, origin) if origin and self.allows_some(origin) else answer

    def allows_some(self, origin: bytes | None) -> bool:
        """Whether any property allows the origin: a browser asks before it shows a key."""
        if origin is None:
            return False
        return self.properties.any_origin or origin.decode("latin-1") in self.properties.origins


def readable(answer: Answer | Problem, owner: Property, headers: Headers) -> Answer:
    """The answer, made readable for scripts of the origins that the property allows."""
    if isinstance(answer, Problem):
        answer = answers.of_problem(answer)
    origin = headers.get(b"origin")
    if origin is None or not (allows_any(owner) or origin.decode("latin-1") in owner.origins):
        return answer
    return answers.readable(answer, origin)
