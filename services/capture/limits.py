"""Who comes too often: a rate for each write key and each address, a budget for what is invalid, a property's quota of a day. Raises Stop with 429."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from services.capture import answers
from services.capture.domain import connection
from services.capture.domain.pace import Meter, whole_seconds
from services.capture.domain.verdict import SERVER
from services.capture.quota import Quota
from services.capture.store import Property
from shared.problem import Problem

TOO_MANY_OF_KEY = Problem(
    429,
    "too-many",
    "Too many events with this write key",
    "The write key sends more than its share. Send this again after the seconds in Retry-After.",
)
TOO_MANY_OF_ADDRESS = Problem(
    429,
    "too-many",
    "Too many requests from this address",
    "The address sends more than its share. Send this again after the seconds in Retry-After. Servers that send for many people use a "
    "server key, which has no limit by address.",
)
TOO_MANY_INVALID = Problem(
    429,
    "too-many-invalid",
    "Too much from this address can't be accepted",
    "This could not be accepted either, and was not kept. Look at the answers before this one, mend what they name, and send again "
    "after the seconds in Retry-After.",
)
QUOTA = Problem(
    429,
    "quota",
    "The property's quota is used up",
    "The property has a quota of events for each day (UTC), and today's is used up. `leads property show` tells it.",
)


class Rates(Struct, frozen=True):
    """What one instance takes a second; 0: no limit. Ten seconds of each can be saved up."""

    key_events: int = 0
    address_requests: int = 0
    address_invalid: int = 0


_NONE = Rates()
_STEPS = 1000  # in which an answer counts down what is left


class _Limit:
    """A meter, and the header lines of answers about it, made beforehand for what may be left: in steps of a thousandth, rounded down."""

    __slots__ = ("_lines", "_step", "meter")

    def __init__(self, per_second: int) -> None:
        meter = self.meter = Meter(per_second)
        step = self._step = -(-meter.limit // _STEPS)
        self._lines = [
            b"ratelimit-limit: %d\r\nratelimit-remaining: %d\r\nratelimit-reset: %d\r\n"
            % (meter.limit, left, (meter.limit - left) // per_second + 1)
            for left in range(0, meter.limit + 1, step)
        ]

    def said(self, left: int) -> bytes:
        """The header lines when so many are left."""
        return self._lines[left // self._step]


class Limits:
    """Of one instance. A server key has no limit by address, nor has an address that is not of the public internet: there sit proxies and
    the house's own servers. A property's keys of different kinds have a rate each, so that what a browser's key suffers leaves the
    server's alone."""

    def __init__(
        self, rates: Rates = _NONE, quota: Quota | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = _Limit(rates.key_events) if rates.key_events else None
        self._addresses = _Limit(rates.address_requests) if rates.address_requests else None
        self._invalid = Meter(rates.address_invalid) if rates.address_invalid else None
        self._quota = quota
        self._clock = clock
        self.refused: Counter[str] = Counter()  # requests, by limit

    def admit(self, owner: Property, ip: str | None, at: datetime, events: int = 1) -> bytes:
        """Counts a request of this property from this address with so many events; returns what its answer says of the limits, as
        header lines. Raises Stop."""
        now = self._clock()
        nearest: _Limit | None = None  # the one with the fewest left
        left = 0
        addresses = self._addresses
        if (
            addresses is not None
            and ip is not None
            and owner.via != SERVER
            and (source := connection.source(ip)) is not None
        ):
            debt = addresses.meter.take(source, now)
            if debt < 0:
                raise self._stop("address", TOO_MANY_OF_ADDRESS, addresses.meter, -debt)
            nearest, left = addresses, addresses.meter.remaining(debt)
        keys = self._keys
        if keys is not None:
            debt = keys.meter.take((owner.property, owner.via), now, events)
            if debt < 0:
                raise self._stop("key", TOO_MANY_OF_KEY, keys.meter, -debt)
            remaining = keys.meter.remaining(debt)
            if nearest is None or remaining < left:
                nearest, left = keys, remaining
        if owner.quota is not None and self._quota is not None and not self._quota.take(owner, at, events):
            self.refused["quota"] += 1
            tomorrow = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            wait = whole_seconds((tomorrow - at).total_seconds())
            raise answers.Stop(_limited(QUOTA, limit=owner.quota, wait=wait))
        return nearest.said(left) if nearest is not None else b""

    def invalid(self, ip: str | None, count: int = 1) -> None:
        """Counts what can't be accepted from this address. Raises Stop when its budget is used up: then nothing is kept of it."""
        meter = self._invalid
        if meter is None or ip is None or (source := connection.source(ip)) is None:
            return
        debt = meter.take(source, self._clock(), count)
        if debt < 0:
            raise self._stop("invalid", TOO_MANY_INVALID, meter, -debt)

    def _stop(self, limit: str, problem: Problem, meter: Meter, wait: float) -> answers.Stop:
        self.refused[limit] += 1
        return answers.Stop(_limited(problem, limit=meter.limit, wait=whole_seconds(wait)))


def _limited(problem: Problem, *, limit: int, wait: int) -> Problem:
    """The answer to who has come too often, with when to come again in seconds and what the limit is (draft-ietf-httpapi-ratelimit-headers
    as its versions up to 7 have it, which clients know)."""
    headers = {
        "retry-after": str(wait),
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(wait),
    }
    return Problem(problem.status, problem.slug, problem.title, problem.detail, headers=headers)
