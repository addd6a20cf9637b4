"""A message that is ready to be written: packed for the outbox, and unpacked again by whoever owns the number then."""

from __future__ import annotations

from collections.abc import Sequence

import cramjam
import msgspec
from msgspec import Struct

from shared import clock, cloudevent, contracts
from shared.outcome import Outgoing
from shared.stage import Input
from shared.topology import DEAD


class Message(Struct, frozen=True, array_like=True):
    """One record, encoded: where to, and the bytes."""

    topic: str
    part: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]
    event_id: str


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Message]).decode
_TRACEPARENT_BYTES = 55  # version 00: 2-32-16-2 hex digits and three dashes
_HEADER_BYTES = 2048  # what headers and framing may take besides the value


def encode(outgoing: Outgoing, *, stage: str, cause: Input, part: int) -> Message | None:
    """`outgoing` as bytes, or None when it is larger than its topic takes (a dead letter, which keeps another record whole, has no limit:
    the broker's is on compressed bytes, and it took that record before)."""
    data = outgoing.data
    value = data if isinstance(data, bytes) else contracts.encode(data)
    if outgoing.topic is not DEAD and len(value) + _HEADER_BYTES > outgoing.topic.max_message_bytes:
        return None
    traceparent = cause.record.headers.get("traceparent") if cause.record is not None else None
    if traceparent is not None and len(traceparent) != _TRACEPARENT_BYTES:
        traceparent = None  # not what W3C Trace Context writes; anybody could make it as long as a record
    headers = cloudevent.headers(
        event_id=outgoing.event_id,
        type_=outgoing.type,
        source=stage,
        time=clock.text(cause.now),
        subject=outgoing.key,
        traceparent=traceparent,
    )
    return Message(outgoing.topic.name, part, outgoing.key.encode(), value, headers, outgoing.event_id)


def pack(messages: Sequence[Message]) -> bytes:
    """Messages as one compressed value. zstd at level 1: 3 to 4 us a record from 16 records up."""
    return bytes(cramjam.zstd.compress(_pack(messages), 1))


def unpack(packed: bytes) -> list[Message]:
    """What `pack` packed."""
    return _unpack(bytes(cramjam.zstd.decompress(packed)))


def header(message: Message, name: str) -> str:
    """One header's text, or nothing."""
    return next((value.decode() for key, value in message.headers if key == name), "")
