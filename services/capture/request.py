"""One HTTP request within its limits: its size, its compression, what its headers say. Raises Stop with the answer."""

from __future__ import annotations

import zlib
from functools import lru_cache
from urllib.parse import unquote

import httptools
from msgspec import Struct

from services.capture import answers
from services.capture.domain.clean import LONGEST_REMEMBERED

Headers = dict[bytes, bytes]

MAX_BODY_BYTES = 512 * 1024
MAX_RATIO = 200  # of a gzip body; events that say the same again and again reach a third of it
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


def referer(headers: Headers) -> str | None:
    """The page from which a browser came, as it says."""
    said = headers.get(b"referer")
    return said.decode("utf-8", "replace") if said else None


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
        most = min(MAX_BODY_BYTES, max(len(body), 64) * MAX_RATIO)
        inflated = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise answers.Stop(answers.broken("The body is not gzip, though Content-Encoding says so.")) from None
    if len(inflated) > most:
        raise answers.Stop(answers.TOO_LARGE if most == MAX_BODY_BYTES else answers.TOO_DENSE)
    if not unpacking.eof or unpacking.unused_data:
        raise answers.Stop(answers.broken("The gzip body is cut off, or something stands behind it."))
    return inflated


def media_type(headers: Headers) -> bytes:
    content_type = headers.get(b"content-type")
    if content_type is None or content_type == b"application/json":
        return content_type or b""
    return content_type.partition(b";")[0].strip().lower()


def idempotency_key(headers: Headers) -> str | None:
    key = headers.get(b"idempotency-key")
    return key.decode("utf-8", "replace").strip() or None if key else None
