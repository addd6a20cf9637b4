"""What all vendors' webhooks have in common, as values: a request, a verdict, an event, the shape of a vendor's module. What one vendor sends stands in its module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from services.capture.domain.verdict import Refused, Submission

if TYPE_CHECKING:
    from shared.fieldmap import FieldMap

# Names under which a hook's secrets are looked up. A vendor's module says which it needs, its main one first.
SIGNING = "signing"  # signs each post and never travels
SHARED = "shared"  # travels with each post: in a header, in the address, or (Google) in the body
VERIFY_TOKEN = "verify-token"  # shown once, when the address is registered (Meta)
ACCESS_TOKEN = "access-token"  # ours at the vendor's API, for fetching leads; no vendor's module sees it

SHORTEST = 8  # characters of a secret: a shorter one is guessed, or stands in any body by chance

# The secrets of one hook that are live under a name: two while one is replaced by another, none where none is set.
Secrets = Callable[[str], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to a hook. `url` is the whole address as the vendor called it, since HubSpot signs it; names of headers are lower
    case; `body` is what came, byte for byte."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a property's owner set up for a vendor: the look-up of its secrets, and a field map where the vendor is `generic`."""

    secrets: Secrets
    field_map: FieldMap | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer exactly as a vendor expects it."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Replay:
    """How a post is recognised when it comes again: remember `key` until `until`, after which its time is refused anyway.

    Remember it once its events are durable. A post whose key is remembered is answered as accepted and makes no event.
    """

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Genuine:
    """It comes from the vendor. `replay` is absent where the vendor signs no time: there the leads' own ids make a repeat count once."""

    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """It does not, or can't be told: a 4xx, and no event of any kind. `reply` is set where the vendor expects a body of its own; else
    the answer is a problem with `detail`, a sentence that holds nothing of what was sent."""

    status: int
    detail: str
    reply: Reply | None = None


Verdict = Genuine | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A lead of which only ids came: its content is fetched later, off the request, at `path` below the vendor's API (Meta, LinkedIn).

    `message_id` names the lead's event, as it would if the content had come at once.
    """

    vendor: str
    lead_id: str
    path: str
    message_id: str
    occurred_at: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A privacy event: the person, or the vendor for them, took the lead back, and what came of it is to be erased.

    The person is who the event with the message id `lead` told of, or, where the vendor has ids of people, `user_id`.
    """

    vendor: str
    message_id: str
    lead: str | None = None
    user_id: str | None = None
    occurred_at: str | None = None


# What one post can hold. A Submission is a lead (kind hook, its message id in client_id); a Refused becomes a dead letter.
Event = Submission | Fetch | Withdrawn | Refused


class Vendor(Protocol):
    """The shape of each vendor's module. No function raises, whatever came."""

    @property
    def SECRETS(self) -> tuple[str, ...]:
        """The names of the secrets that it needs, the main one first."""

    @property
    def ACCEPTED(self) -> Reply:
        """The answer once everything is durable."""

    def handshake(self, request: Request, hook: Hook, /) -> Reply | None:
        """The answer to the vendor's question whether this address is ours; None when the request is no such question."""

    def verify(self, request: Request, hook: Hook, /) -> Verdict:
        """Whether the vendor sent this, judged over the raw bytes, in constant time."""

    def events(self, request: Request, hook: Hook, /) -> list[Event]:
        """What a genuine post says: each lead judged on its own, ids the same on a retry."""

    def storable(self, request: Request, hook: Hook, /) -> bytes:
        """The body as it may be kept in a dead letter: without the vendor's secret."""


def secrets_in(text: str, names: tuple[str, ...]) -> dict[str, tuple[bytes, ...]]:
    """The secrets in the file of `--secret-file`: a line each, `name: secret`, or the secret alone, which is then the vendor's main
    one (or `signing` when it begins with whsec_). The first of a name is the current one. Raises ValueError, which names no secret."""
    found: dict[str, list[bytes]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line:
            continue
        name, colon, secret = line.partition(":")
        if not colon or name not in (SIGNING, SHARED, VERIFY_TOKEN):
            name, secret = SIGNING if line.startswith("whsec_") else names[0], line
        if name not in names:
            raise ValueError(f"Line {number}: this vendor has no secret `{name}`. It has: {', '.join(names)}.")
        if len(secret.strip()) < SHORTEST:
            raise ValueError(f"Line {number}: the secret has less than {SHORTEST} characters. Choose a longer one.")
        found.setdefault(name, []).append(secret.strip().encode())
    if not found:
        raise ValueError("The file holds no secret. Write it on a line of its own.")
    return {name: tuple(several) for name, several in found.items()}
