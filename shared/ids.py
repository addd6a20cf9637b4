"""Deterministic names: event ids, person keys, lead ids, partitions. The same input always gives the same name."""

from __future__ import annotations

import hashlib
import struct
import uuid
from functools import lru_cache

_NAMESPACE = uuid.UUID("6f2d5f0e-6c1b-5d2e-9b7a-1ead0f10e000")
_NAMESPACE_HASH = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)


def event_id(stage: str, input_id: str, subject: str, revision: int, type_: str, ordinal: int = 0) -> str:
    """The id of an event that a stage emits: uuid5 of what caused it, so that a repeat of the cause repeats the id."""
    return _uuid5(f"{stage}\x1f{input_id}\x1f{subject}\x1f{revision}\x1f{type_}\x1f{ordinal}")


def timer_id(subject: str, kind: str, due_at_ms: int) -> str:
    """The input id of a timer: who, what, when it fell due (milliseconds since 1970)."""
    return _uuid5("\x1f".join(("timer", subject, kind, str(due_at_ms))))


def dead_id(stage: str, topic: str, part: int, offset: int) -> str:
    """The id of a dead letter: the place of the record that died, so that dying twice there is one death."""
    return _uuid5("\x1f".join(("dead", stage, topic, str(part), str(offset))))


def submission_id(property_: str, client_id: str) -> str:
    """The event id of a submission that names itself (messageId, vendor's lead id, Idempotency-Key), scoped by property."""
    return _uuid5("\x1f".join(("submission", property_, client_id)))


def lead_id(secret: bytes, identifier: str) -> str:
    """The id of the lead that `identifier` (kind and normalised value) made: an HMAC, so it tells nothing and never changes hands."""
    return "ld_" + _keyed(secret, "lead\x1f" + identifier)


def person_key(secret: bytes, identifier: str) -> str:
    """The record key of a submission: an HMAC of its strongest normalised identifier, never an address in clear."""
    return "pk_" + _keyed(secret, "person\x1f" + identifier)


def partition(key: bytes, count: int) -> int:
    """The partition that Kafka's default partitioner (murmur2) gives to `key` among `count`."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """murmur2 with Kafka's seed, unsigned 32 bit, as in org.apache.kafka.common.utils.Utils."""
    length = len(data)
    mask = 0xFFFFFFFF
    mixer = 0x5BD1E995
    h = 0x9747B28C ^ length
    whole = length & ~3
    # What overflows 32 bits is cut off as rarely as the result allows: of products and sums of bits only the lower ones count.
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * mixer & mask
        h = (h * mixer ^ (k ^ k >> 24) * mixer) & mask
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * mixer) & mask
    h ^= h >> 13
    h = (h * mixer) & mask
    return h ^ (h >> 15)


def _uuid5(name: str) -> str:
    """uuid5 in the house's namespace; by hand, since uuid.uuid5 costs several times as much for the same text."""
    digest = _NAMESPACE_HASH.copy()
    digest.update(name.encode())
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _keyed(secret: bytes, text: str) -> str:
    inner, outer = _keyed_hashes(secret)
    inner, outer = inner.copy(), outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.hexdigest()[:30]  # 120 bits: no collision among 10^15 leads to fear


@lru_cache(maxsize=16)
def _keyed_hashes(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """HMAC-SHA256 (RFC 2104) up to where the text begins: what depends on the key alone is done once, half of the whole."""
    key = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in key)), hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
