"""What JSON may say and the rest of the house can't hold: cleaned before decoding (NUL, lone surrogates) or refused after it."""

from __future__ import annotations

import re
from typing import Any

from services.capture.domain.verdict import Refused
from shared.outcome import Reason

MAX_DEPTH = 20
# Far beyond what others take (GA4: names of 40 characters, values of 100, an address of 1,000,
# https://support.google.com/analytics/answer/9267744; Amplitude's SDKs: 1,000 entries; Segment limits the event alone), so that a long
# message in a form is taken; read 2026-11-27.
LONGEST_TEXT = 16_384  # characters of one value
LONGEST_NAME = 1000  # characters of a field's name: forms name fields by whole questions
MOST_ENTRIES = 1000  # of one map or list
# What a sender chooses is remembered (lru_cache) only up to this length: else a few thousand long ones would fill the memory.
LONGEST_REMEMBERED = 256
_LARGEST = 2**63 - 1  # what every consumer's integers hold (CEL, Postgres bigint, Java)

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# One escape after the other, so that an escaped backslash before `u0000` is never taken for one: a surrogate pair, a lone
# surrogate, a NUL, anything else.
_ESCAPE = re.compile(
    rb"\\(?:u(?:([dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|([dD][89a-fA-F][0-9a-fA-F]{2})|(0000))|.)",
    re.DOTALL,
)


_NOT_A_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b', re.DOTALL)


def json_text(body: bytes) -> bytes:
    """`body` without what is valid JSON and no text anywhere else: an escaped NUL goes, a lone surrogate becomes U+FFFD.

    Postgres refuses the one, UTF-8 the other; both would stop a batch further down.
    """
    if b"\\u" in body and _SUSPECT.search(body):
        return _ESCAPE.sub(_mended, body)
    return body


def _mended(escape: re.Match[bytes]) -> bytes:
    if escape[2] is not None:
        return rb"\ufffd"
    if escape[3] is not None:
        return b""
    return escape[0]


def without_nan(body: bytes) -> bytes | None:
    """`body` with null for NaN and Infinity, which Python's json writes though JSON has no such numbers; None when it holds none."""
    if b"NaN" not in body and b"Infinity" not in body:
        return None
    mended = _NOT_A_NUMBER.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", body)
    return mended if mended != body else None


def flaw(fields: dict[str, Any], pointer: str, *, depth: int = 2) -> Refused | None:
    """The first value in `fields` that other services can't hold, or nothing: deeper than 20 levels (the event itself is the
    first), an integer beyond 64 bits, a text, a name, a map or list without end. `pointer` is where `fields` stands, `depth` its level."""
    if depth > MAX_DEPTH:
        return too_deep(pointer)
    if len(fields) > MOST_ENTRIES:
        return Refused(
            Reason.INVALID, f"A map or list has more than {MOST_ENTRIES:,} entries. Send several events.", pointer
        )
    for name, value in fields.items():
        if len(name) > LONGEST_NAME:
            return Refused(
                Reason.INVALID, f"A field's name has more than {LONGEST_NAME:,} characters.", step(pointer, name)
            )
        kind = type(value)
        if kind is str:
            if len(value) > LONGEST_TEXT:
                detail = f"A text has more than {LONGEST_TEXT:,} characters. Send less of it."
                return Refused(Reason.INVALID, detail, step(pointer, name))
            continue
        if kind is bool:
            continue
        if kind is int:
            if not -_LARGEST <= value <= _LARGEST:
                detail = "An integer has more than 64 bits. Send it as a string."
                return Refused(Reason.INVALID, detail, step(pointer, name))
        elif kind is dict:
            found = flaw(value, step(pointer, name), depth=depth + 1)
            if found is not None:
                return found
        elif kind is list:
            found = flaw({str(index): item for index, item in enumerate(value)}, step(pointer, name), depth=depth + 1)
            if found is not None:
                return found
    return None


def too_deep(pointer: str = "") -> Refused:
    """The answer to nesting without end."""
    return Refused(Reason.INVALID, f"Values are nested deeper than {MAX_DEPTH} levels. Send a flatter event.", pointer)


def step(pointer: str, name: str) -> str:
    """`pointer` and one level down (RFC 6901). Names are the sender's, so a long one is cut."""
    return f"{pointer}/{name[:40].replace('~', '~0').replace('/', '~1')}"
