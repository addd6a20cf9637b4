"""What is kept of an event can be read again as it was written."""

from __future__ import annotations

import msgspec

from services.enrich.domain.world import Facts, Happened
from shared import clock


def test_an_event_with_properties_is_read_as_it_was_kept() -> None:
    facts = Facts(name="page", kind="page", property="web", properties=msgspec.Raw(b'{"a":{"b":1}}'))
    happened = Happened("e", clock.EPOCH, facts)
    kept = msgspec.json.decode(msgspec.json.encode(happened), type=Happened)
    assert msgspec.json.encode(kept) == msgspec.json.encode(happened)
