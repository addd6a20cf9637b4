"""The routing document's JSON Schema, beside the shipped document."""

from __future__ import annotations

import json

from services.route.domain.document import shape
from services.route.settings import SHIPPED_ROUTING

PATH = SHIPPED_ROUTING.with_name("schema.json")


def text() -> str:
    """The file's text."""
    return json.dumps(shape.SCHEMA, indent=2, ensure_ascii=False) + "\n"
