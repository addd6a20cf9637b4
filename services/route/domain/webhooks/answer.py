"""What a subscriber's answer means for a message and its hook, and how long until the next try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

GONE = 410
# Seconds until each further try. Sums up to a bit more than a day.
WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 39600)
TRIES = len(WAITS) + 1
DISABLED_AFTER = timedelta(days=1)  # of failures and no success
_LONGEST_ASKED_SECONDS = 3600.0


class Answer(Struct, frozen=True):
    """One try. `status` is 0 where none came: then `why` says what happened, never with anything that was sent."""

    status: int
    why: str
    took_ms: int
    after_seconds: float | None = None  # Retry-After


class Verdict(Struct, frozen=True):
    """What becomes of the message. `wait_seconds` belongs to `again`. `disable`: why its hook is told nothing more."""

    state: Literal["delivered", "again", "failed"]
    wait_seconds: float = 0.0
    disable: str | None = None


def judge(answer: Answer, tries: int, failing_since: datetime | None, *, now: datetime, chance: float) -> Verdict:
    """What an answer to the try of this number means. `failing_since`: since when nothing succeeded at this hook. `chance` (0 to 1) spreads
    the next try over a fifth of the wait, so that many do not come back at once."""
    if 200 <= answer.status < 300:
        return Verdict("delivered")
    disable = None
    if answer.status == GONE:
        disable = "it answered 410 Gone"
    elif failing_since is not None and now - failing_since >= DISABLED_AFTER:
        disable = "nothing succeeded for a day"
    if tries >= TRIES:
        return Verdict("failed", disable=disable)
    asked = min(answer.after_seconds or 0.0, _LONGEST_ASKED_SECONDS) if answer.status in (429, 503) else 0.0
    return Verdict("again", max(WAITS[tries - 1] * (0.9 + chance / 5), asked), disable)
