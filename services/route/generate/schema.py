"""The JSON Schemas of route's documents, each beside the shipped document."""

from __future__ import annotations

import json

from services.route.domain.document import shape
from services.route.domain.nurture import shape as nurture
from services.route.settings import SHIPPED_NURTURE, SHIPPED_ROUTING

PATH = SHIPPED_ROUTING.with_name("schema.json")
NURTURE_PATH = SHIPPED_NURTURE.with_name("schema.json")


def text() -> str:
    """The text of the routing document's."""
    return json.dumps(shape.SCHEMA, indent=2, ensure_ascii=False) + "\n"


def nurture_text() -> str:
    """The text of the nurture document's."""
    return json.dumps(nurture.SCHEMA, indent=2, ensure_ascii=False) + "\n"
