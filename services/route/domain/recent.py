"""A lead's recent activities: at most ten, in the order of their time, as lines that need no decoding while nothing is handed over.

A line is `time id revision activity`: time in milliseconds of fifteen digits, so that the order of bytes is the order of time and
equal instants are ordered by id; the activity is JSON as it came. The line of a withdrawn activity has no JSON: it keeps an earlier
revision that comes late from coming back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from shared.contracts import Moment

KEPT = 10
_TIME_DIGITS = 15

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class _Head(Struct, gc=False):
    id: str
    occurred_at: Moment
    revision: int = 0
    withdrawn: bool = False


_head = msgspec.json.Decoder(_Head).decode


def added(recent: bytes, activity: bytes) -> bytes:
    """`recent` with one more activity, or with a higher revision of one. The newest come last; what is older than the newest ten goes.

    Raises msgspec.ValidationError when `activity` has no id or time.
    """
    head = _head(activity)
    at = (head.occurred_at - _EPOCH) // _MS
    name = b" %s " % _word(head.id)
    said = b"" if head.withdrawn else activity
    if b"\n" in said:
        said = msgspec.json.format(said, indent=-1)
    line = b"%015d%s%d %s" % (max(at, 0), name, head.revision, said)
    if not recent:
        return line
    lines = recent.split(b"\n")
    for index, known in enumerate(lines):
        if known.startswith(name, _TIME_DIGITS):
            if int(known.split(b" ", 3)[2]) >= head.revision:
                return recent
            del lines[index]
            break
    if lines and line < lines[-1]:
        lines.append(line)
        lines.sort()
    else:
        lines.append(line)
    return b"\n".join(lines[-KEPT:])


def newest_first(recent: bytes) -> list[Raw]:
    """The activities as JSON, the newest first, as a salesperson reads them."""
    if not recent:
        return []
    said = (line.split(b" ", 3)[3] for line in reversed(recent.split(b"\n")))
    return [Raw(activity) for activity in said if activity]


def _word(text: str) -> bytes:
    """An id as one word: ids of ours have no spaces, others' must not break the line."""
    return text.encode() if " " not in text and "\n" not in text else text.encode().hex().encode()
