"""CloudEvents 1.0, Kafka binding, binary mode: headers to write and to read. The value is the event's JSON, nothing else."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/json"

_HEX = "[0-9a-fA-F]"
_UUID = re.compile(f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}|{_HEX}{{32}}")


def headers(
    *, event_id: str, type_: str, source: str, time: str, subject: str | None = None, traceparent: bytes | None = None
) -> list[tuple[str, bytes]]:
    """The headers of one event. `time` is RFC 3339 UTC; `subject` is the lead id where it is known."""
    found = [("ce_id", event_id.encode()), *_fixed(type_, source, time)]
    if subject:
        found.append(("ce_subject", subject.encode()))
    if traceparent:
        found.append(("traceparent", traceparent))
    return found


@functools.lru_cache(maxsize=1024)  # the same for all records of one type in a batch
def _fixed(type_: str, source: str, time: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", SPEC_VERSION),
        ("ce_type", type_.encode()),
        ("ce_source", source.encode()),
        ("ce_time", time.encode()),
        ("content-type", CONTENT_TYPE),
    )


def by_name(pairs: Sequence[tuple[str, bytes | None]]) -> Mapping[str, bytes]:
    """Headers by name; of a name that comes twice the last one counts, as Kafka's own clients read them; null is absent."""
    return {name: value for name, value in pairs if value is not None}


def is_uuid(text: str) -> bool:
    """Whether Postgres and its driver take `text` as a UUID: 32 hexadecimal digits, with the usual hyphens or without.

    Event ids are UUIDs, so that the inbox can hold 16 bytes. The standard library's parser also takes braces, `urn:uuid:`,
    underscores and digits of other scripts: such an id would be refused one step too late, with the whole batch.
    """
    return _UUID.fullmatch(text) is not None
