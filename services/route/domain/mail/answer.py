"""What a mail server's answer means for a mail and its address, and how long until the next try. No conversation."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

# Seconds until each further try. Sums up to a bit less than a day.
WAITS = (60, 300, 900, 1800, 3600, 7200, 14400, 25200, 32400)
TRIES = len(WAITS) + 1
LATE_AFTER = timedelta(days=3)  # of being told, whatever held it up

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


class State(StrEnum):
    """Where a mail is. Closed."""

    WAITING = "waiting"
    SENDING = "sending"  # handed to a server at this moment
    SENT = "sent"
    UNKNOWN = "unknown"  # handed over, and nobody knows whether it was taken: it is never sent again by itself
    FAILED = "failed"
    SKIPPED = "skipped"  # asked again at the last moment, and it may not be sent any more


class At(StrEnum):
    """How far a conversation came."""

    CONNECTING = "connecting"  # name, connection, TLS, signing in
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"  # from here on a silence may mean that it was taken


class Reply(Struct, frozen=True):
    """The end of one try. `code` is 0 where none came: then `why` says what happened. Never holds what the server wrote: that may be personal."""

    at: At
    code: int
    why: str = ""
    status: str = ""  # RFC 3463, where the server gave one
    took_ms: int = 0


class Verdict(Struct, frozen=True):
    """What becomes of the mail. `wait_seconds` belongs to `waiting`. `bounced`: the address takes no mail at all."""

    state: State
    why: str = ""
    wait_seconds: float = 0.0
    bounced: bool = False


def judge(reply: Reply, tries: int, *, chance: float) -> Verdict:
    """What the end of the try of this number means. `chance` (0 to 1) spreads the next try over a fifth of the wait."""
    why = in_words(reply)
    if reply.at is At.CONTENT and 200 <= reply.code < 300:
        return Verdict(State.SENT)
    if reply.at is At.CONTENT and reply.code == 0:
        return Verdict(State.UNKNOWN, why)
    if 500 <= reply.code < 600 and reply.at is not At.CONNECTING:
        return Verdict(State.FAILED, why, bounced=reply.at is At.RECIPIENT and is_dead(reply.code, reply.status))
    if tries >= TRIES:
        return Verdict(State.FAILED, f"given up after {tries} tries: {why}")
    return Verdict(State.WAITING, why, WAITS[tries - 1] * (0.9 + chance / 5))


def is_dead(code: int, status: str) -> bool:
    """Whether a refusal for good says that the address takes no mail: it does not exist, was moved or is disabled. That its box is full, or that the
    server does not like us, our content or our pace, says nothing of the kind. RFC 3463, 3.2 and 3.3 (2003-01); without a status by RFC 5321, 4.2.3."""
    if status and not status.endswith(".0.0"):
        return (status.startswith("5.1.") and status not in ("5.1.7", "5.1.8")) or status == "5.2.1"
    return code in (550, 551, 553) or (code == 0 and status.startswith("5"))


def status_in(text: str) -> str:
    """The status code of RFC 3463 in what a server wrote; empty where there is none."""
    found = _ENHANCED.search(text[:500])
    return found[1] if found is not None else ""


def in_words(reply: Reply) -> str:
    """For people."""
    said = " ".join(part for part in (str(reply.code) if reply.code else "", reply.status) if part)
    return f"{reply.at}: {' '.join(part for part in (said, reply.why) if part)}"
