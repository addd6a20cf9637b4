"""What names a lead.captured, whoever wrote it: its bytes made fit for Postgres, and the id under which it counts. No IO."""

from __future__ import annotations

import re

from shared import cloudevent, ids

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])").search
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


def clean(value: bytes) -> bytes:
    """`value` as it is, but for the rare one that holds what `cleaned` takes out."""
    return cleaned(value) if b"\\" in value and _SUSPICIOUS(value) else value


def cleaned(value: bytes) -> bytes:
    """JSON without what Postgres can't hold: escaped NULs become U+FFFD, and so do halves of surrogate pairs that are alone."""
    parts: list[bytes] = []
    done = 0
    high: tuple[int, int] | None = None  # where an unpaired high surrogate began and ended
    for found in _ESCAPE.finditer(value):
        code = int(found[1], 16) if found[1] else 0x20
        if high is not None:
            if 0xDC00 <= code <= 0xDFFF and found.start() == high[1]:
                high = None
                continue
            parts += [value[done : high[0]], b"\\ufffd"]
            done, high = high[1], None
        if 0xD800 <= code <= 0xDBFF:
            high = found.start(), found.end()
        elif code == 0 or 0xDC00 <= code <= 0xDFFF:
            parts += [value[done : found.start()], b"\\ufffd"]
            done = found.end()
    if high is not None:
        parts += [value[done : high[0]], b"\\ufffd"]
        done = high[1]
    return b"".join([*parts, value[done:]])


def event_id(property_: str, given: str) -> str:
    """The id under which a submission counts that calls itself `given`: a UUID as it is, anything else scoped by its property."""
    if _CANONICAL_UUID(given):
        return given
    if cloudevent.is_uuid(given) and _CANONICAL_UUID(given.lower()):
        return given.lower()
    return ids.submission_id(property_, given)
