"""One HTTP request within its limits: its size, its compression, what its headers say. Raises Stop with the answer."""

from __future__ import annotations

import zlib
from functools import lru_cache
from urllib.parse import unquote

import httptools
from msgspec import Struct

from services.capture import answers

Headers = dict[bytes, bytes]

MAX_BODY_BYTES = 512 * 1024
# Whatever a sender chooses is remembered only up to this length: else a few thousand long ones would fill the memory.
LONGEST_REMEMBERED = 256
# An SDK in a browser sends its JSON as text/plain, so that the browser need not ask beforehand.
JSON_TYPES = frozenset({b"application/json", b"text/plain", b""})


class Request(Struct):
    """One whole request to a hot route. Of a header that comes twice the last one counts; `peer` is the other end's address.
    `limits_said` are the header lines about limits that its answer gets, whatever that is."""

    method: str
    path: str
    query: bytes
    headers: Headers
    peer: str | None
    body: bytes
    limits_said: bytes = b""


def _target(url: bytes) -> tuple[str, bytes]:
    parsed = httptools.parse_url(url)
    path = (parsed.path or b"").decode("ascii")
    return unquote(path) if "%" in path else path, parsed.query or b""


_remembered_target = lru_cache(maxsize=4096)(_target)


def target(url: bytes) -> tuple[str, bytes]:
    """Path and query of a request's target. Raises an HttpParserError for what is none."""
    return _remembered_target(url) if len(url) <= LONGEST_REMEMBERED else _target(url)


def said_too_large(headers: Headers) -> bool:
    """Whether the request itself says that its body is beyond the limit."""
    length = headers.get(b"content-length")
    return length is not None and length.isdigit() and int(length) > MAX_BODY_BYTES


def inflated(headers: Headers, body: bytes) -> bytes:
    """The body without its compression: some SDKs send gzip. Never more than the limit is unpacked."""
    encoding = headers.get(b"content-encoding")
    if encoding is None or encoding == b"identity":
        return body
    if encoding.lower() != b"gzip":
        raise answers.Stop(answers.ENCODING)
    try:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        inflated = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise answers.Stop(answers.broken("The body is not gzip, though Content-Encoding says so.")) from None
    if len(inflated) > MAX_BODY_BYTES:
        raise answers.Stop(answers.TOO_LARGE)
    return inflated


def media_type(headers: Headers) -> bytes:
    content_type = headers.get(b"content-type")
    if content_type is None or content_type == b"application/json":
        return content_type or b""
    return content_type.partition(b";")[0].strip().lower()


def idempotency_key(headers: Headers) -> str | None:
    key = headers.get(b"idempotency-key")
    return key.decode("utf-8", "replace").strip() or None if key else None
