"""How a vendor's API is asked for a lead of which only ids came, and what its answer means. Pure: who asks, and when again, is services/capture/fetching.py.

Addresses and headers as documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendors' sites):
https://developers.facebook.com/docs/graph-api/using-graph-api/error-handling (errors come as 400 with a code of their own),
https://learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync (`LinkedIn-Version`, `X-Restli-Protocol-Version`). Both take
`Authorization: Bearer`.

Versions are the newest that we found documented on that day; a hook can name another (`--api-version`). Meta: v26.0 of July 29, 2026, by
https://developers.facebook.com/docs/graph-api/changelog/versions/ (two years or longer; the Marketing API drops v24.0 on October 6, 2026).
LinkedIn: 202607, by a summary of August 13, 2026 of https://learn.microsoft.com/en-us/linkedin/marketing/versioning (a new one each month,
each served for a year at least, so this one until July 2027).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import linkedin, meta
from services.capture.vendors.vendor import Fetch, Request
from shared import retry_after as retrying

GIVE_UP_AFTER = timedelta(hours=48)  # since the vendor told of it; time enough to notice a token that ran out
_FIRST_SECONDS, _FACTOR, _LONGEST_SECONDS = 5.0, 3.0, 3600.0
_LONGEST_RETRY_AFTER_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API. `gone` are the statuses after which a lead will never be had; all others may mean a token, a limit or a bad day."""

    base_url: str
    version: str
    headers: Callable[[str], dict[str, str]]
    fetched: Callable[[Fetch, bytes, Request], Submission | Refused]
    gone: frozenset[int]


def _of_linkedin(version: str) -> dict[str, str]:
    return {"LinkedIn-Version": version, "X-Restli-Protocol-Version": "2.0.0"}


APIS: dict[str, Api] = {
    "meta": Api(
        "https://graph.facebook.com/{version}",
        "v26.0",
        lambda version: {},
        meta.fetched,
        frozenset({404, 410}),
    ),
    "linkedin": Api(
        "https://api.linkedin.com/rest",
        "202607",
        _of_linkedin,
        linkedin.fetched,
        frozenset({400, 404, 410, 422}),
    ),
}


@dataclass(frozen=True, slots=True)
class Got:
    """The lead."""


@dataclass(frozen=True, slots=True)
class Again:
    """Not now. `after_seconds` is what the vendor asks for, if it says so; `why` is for the log."""

    why: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """It can't be had, whoever asks."""

    detail: str


def question(
    vendor: str, fetch: Fetch, *, token: str, base_url: str | None, version: str | None
) -> tuple[str, dict[str, str]]:
    """The address and the headers to ask with. The token is in the headers only: addresses end up in logs."""
    api = APIS[vendor]
    version = version or api.version
    base = base_url.rstrip("/") if base_url is not None else api.base_url.format(version=version)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **api.headers(version)}
    return f"{base}/{fetch.path}", headers


def understood(vendor: str, status: int, retry_after: str | None, now: datetime) -> Got | Again | Never:
    """What the vendor's answer means."""
    if status == 200:
        return Got()
    if status in APIS[vendor].gone:
        return Never(f"The vendor says that there is no such lead, or none that may be fetched (status {status}).")
    return Again(f"status {status}", _seconds(retry_after, now))


def wait_seconds(tries: int, asked_for: float | None, chance: float) -> float:
    """How long until the next try, after so many: three times as long each time, up to an hour, and never less than the vendor asks
    for. `chance` (0 to 1) takes up to half of it away, so that many don't come back at once."""
    own = min(_FIRST_SECONDS * _FACTOR ** min(tries - 1, 20), _LONGEST_SECONDS) * (1 - chance / 2)
    return max(own, asked_for or 0.0)


def _seconds(said: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, as long as we are willing to wait."""
    found = retrying.seconds(said, now)
    return None if found is None else min(found, _LONGEST_RETRY_AFTER_SECONDS)
