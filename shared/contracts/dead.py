"""What could not be processed, kept whole: lead.dead."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.contracts.model import PERSONAL, Model, Moment, no_entries


class Place(Model, frozen=True):
    """Where a record stood."""

    topic: str
    partition: int
    offset: int


class Dead(Model, frozen=True):
    """lead.dead: a record that can't be processed, whole: original key, bytes and headers (base64), why, where, when."""

    event_id: str
    service: str
    reason: str
    detail: str
    place: Place
    at: Moment
    value: Annotated[bytes, PERSONAL]
    key: Annotated[bytes, PERSONAL] | None = None
    headers: list[tuple[str, Annotated[bytes, PERSONAL]]] = msgspec.field(default_factory=no_entries)
