"""Reading one HTTP request within its limits: the body, its compression, what its headers say. Raises Stop with the answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from services.capture import answers

Headers = dict[bytes, bytes]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_BODY_BYTES = 512 * 1024
SEND_SECONDS = 8.0  # a client gets this long to send its body
# An SDK in a browser sends its JSON as text/plain, so that the browser need not ask beforehand.
JSON_TYPES = frozenset({b"application/json", b"text/plain", b""})


async def body(headers: Headers, receive: Receive) -> bytes:
    """The whole body. Raises Stop: 413 beyond the limit (by what is said or by what comes), 408 when it takes too long."""
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise answers.Stop(answers.TOO_LARGE)
    event = await receive()
    body: bytes = event.get("body", b"")
    if event.get("more_body"):
        parts, size = [body], len(body)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                while event.get("more_body"):
                    event = await receive()
                    parts.append(event.get("body", b""))
                    size += len(parts[-1])
                    if size > MAX_BODY_BYTES:
                        raise answers.Stop(answers.TOO_LARGE)
        except TimeoutError:
            raise answers.Stop(answers.TOO_SLOW) from None
        body = b"".join(parts)
    if event["type"] == "http.disconnect":
        raise answers.Stop(answers.TOO_SLOW)  # nobody is there to read it
    if len(body) > MAX_BODY_BYTES:
        raise answers.Stop(answers.TOO_LARGE)
    return body


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
