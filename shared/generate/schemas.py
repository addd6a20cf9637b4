"""One JSON Schema (2020-12) per event type, from the contracts. What may change in one is in compatibility.py."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.contracts import EVENTS
from shared.topology import TOPICS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Schema]:
    """The schema of every event by its type, with the topic that carries it as `x-topic` and personal fields as `x-personal`."""
    return {
        type_: {"$schema": DIALECT, "x-topic": topic_of(type_)} | msgspec.json.schema(event)
        for type_, event in EVENTS.items()
    }


def topic_of(type_: str) -> str:
    """The one topic that carries events of this type. Raises ValueError when it is not exactly one."""
    (name,) = [topic.name for topic in TOPICS if type_ in topic.events]
    return name
