"""How posts are proved genuine: HMAC-SHA256 over raw bytes, secrets that travel, times that are too old. What a vendor puts into which header, its module says."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from services.capture.vendors.vendor import SHARED, Genuine, Hook, Refusal, Replay, Request, Verdict

WINDOW = timedelta(minutes=5)  # on either side: what HubSpot and Standard Webhooks ask for, and enough for wrong clocks

NO_SECRET = Refusal(
    401, "This hook has no secret that would prove the post. Set it: leads property hook add --secret-file."
)
NO_SIGNATURE = Refusal(
    401, "The post has no signature, or one that can't be read. Check that the vendor signs this hook."
)
WRONG = Refusal(
    401, "The signature is not that of this body. Check that the vendor and this hook have the same secret."
)
LATE = Refusal(
    401, "The signature is too old, or from the future. Check the clocks; a repeated post needs a new signature."
)
NO_SHARED = Refusal(
    401, "The secret is missing or wrong. Send it as `Authorization: Bearer ...`, or as `key` in the address."
)


def digest(secret: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) over the parts, one after the other."""
    if len(parts) == 1:
        return hmac.digest(secret, parts[0], "sha256")
    keyed = hmac.new(secret, digestmod=sha256)
    for part in parts:
        keyed.update(part)
    return keyed.digest()


def matches(given: bytes, expected: Iterable[bytes]) -> bool:
    """Whether `given` is one of those expected. Takes as long for a near miss as for a far one, and looks at all of them."""
    found = False
    for one in expected:
        found |= hmac.compare_digest(given, one)
    return found


def same_secret(given: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether `given` is one of the secrets, without telling by time how long they are or where they differ."""
    return matches(sha256(given).digest(), [sha256(secret).digest() for secret in secrets])


def shared(request: Request, hook: Hook) -> Verdict:
    """For posts that nobody signs: the secret comes along as `Authorization: Bearer`, or as `key` in the address."""
    secrets = hook.secrets(SHARED)
    if not secrets:
        return NO_SECRET
    scheme, _, given = request.headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        given = request.query.get("key", "").encode("utf-8", "replace")
    return Genuine() if same_secret(given.strip(), secrets) else NO_SHARED


def timely(said: bytes, per_second: int, received_at: datetime) -> datetime | None:
    """The moment that a signature names, in whole units since 1970; None when it is none or outside of the window."""
    if not said.isdigit() or len(said) > 16:
        return None
    try:
        at = datetime.fromtimestamp(int(said) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if abs(received_at - at) <= WINDOW else None


def replay(vendor: str, at: datetime, *signed: bytes) -> Replay:
    """The key under which a signed post is remembered: a hash, so that the memory holds no signature."""
    hashed = sha256(vendor.encode())
    for part in signed:
        hashed.update(b"\x1f")
        hashed.update(part)
    return Replay(hashed.hexdigest(), at + WINDOW)
