"""The shape of a routing document as JSON Schema: which keys there are, which are needed, and what each takes. `services/route/routing/
schema.json` is written from it (services/route/generate.py), and reading takes its keys from it; what goes beyond a shape is checked there."""

from __future__ import annotations

from typing import Any

MAX_WEIGHT = 1000
MAX_CAPACITY = 1_000_000
MAX_ATTEMPTS = 20
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = "|".join(DAYS)
_TEXT = {"type": "string", "minLength": 1, "pattern": r"\S"}
_WORD = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
_HOURS = {"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9] ?- ?(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_WORKING = {"type": "string", "pattern": "^[0-9]+(s|m|h)$"}
_HOLIDAYS = {
    "type": "string",
    "description": "A country or subdivision of the package holidays: DE, DE-BE, GB-ENG.",
}


def _object(fields: dict[str, Any], needed: tuple[str, ...] = (), says: str = "") -> dict[str, Any]:
    return {
        **({"description": says} if says else {}),
        "type": "object",
        "properties": fields,
        "required": list(needed),
        "additionalProperties": False,
    }


def _names(of: dict[str, Any], says: str) -> dict[str, Any]:
    return {"description": says, "type": "object", "propertyNames": _WORD, "additionalProperties": of}


def _one_or_many(of: dict[str, Any], says: str) -> dict[str, Any]:
    return {"description": says, "anyOf": [of, {"type": "array", "items": of, "minItems": 1}]}


ABSENCE = _object(
    {"from": {"type": "string", "format": "date"}, "to": {"type": "string", "format": "date"}},
    ("from", "to"),
    "The first day away and the last, in the owner's zone.",
)
CAPACITY = _object(
    {
        "per_day": {
            "description": "So many at once at most, and so many a day: a bucket that fills evenly over 24 hours.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_CAPACITY,
        },
        "open": {
            "description": "So many open handovers at a time.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_CAPACITY,
        },
    }
)
_WEIGHT = {"type": "integer", "minimum": 1, "maximum": MAX_WEIGHT}
OWNER = _object(
    {
        "id": _WORD,
        "name": _TEXT,
        "email": {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"},
        "team": _WORD,
        "timezone": {"description": "A name such as Europe/Berlin; UTC where it is left out.", **_TEXT},
        "hours": {
            "description": "By weekday (mon) or days (mon-fri); without it the owner is always there.",
            "type": "object",
            "propertyNames": {"pattern": f"^({_DAY})(-({_DAY}))?$"},
            "minProperties": 1,
            "additionalProperties": _one_or_many(_HOURS, "09:00-17:00, or a list of such spans."),
        },
        "holidays": _one_or_many(_HOLIDAYS, "Whose public holidays the owner has."),
        "away": {"type": "array", "items": ABSENCE},
        "weight": _WEIGHT,
        "capacity": CAPACITY,
    },
    ("id", "name", "email"),
)
MEMBER = _object({"owner": _WORD, "weight": _WEIGHT}, ("owner",))
TARGET = {
    **_object({"owner": _WORD, "pool": _WORD}, says="One owner, or one pool."),
    "minProperties": 1,
    "maxProperties": 1,
}
RULE = _object(
    {
        "id": _WORD,
        "when": {
            "description": "CEL over profile, score, lead, first_touch, last_touch and lists.",
            "type": ["string", "boolean"],
        },
        "to": TARGET,
        "otherwise": {**TARGET, "description": "Takes the lead when nobody of `to` is free."},
    },
    ("id", "when", "to"),
)
FALLBACK = _object(
    {
        "to": TARGET,
        "wait": {
            "description": "How long the lead may wait in the queue first.",
            "type": "string",
            "pattern": "^[0-9]+[smhdw]$",
        },
    },
    ("to",),
)
DEADLINES = _object(
    {
        "accept": {"description": "In the owner's working time.", **_WORKING},
        "contact": {"description": "In the owner's working time.", **_WORKING},
        "attempts": {
            "description": "After so many it stays with the last one.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_ATTEMPTS,
        },
        "escalate_to": _WORD,
    }
)
DOCUMENT = _object(
    {
        "format": {"const": 1},
        "id": _WORD,
        "owners": {"type": "array", "items": OWNER, "minItems": 1},
        "pools": _names(
            {"type": "array", "items": {"anyOf": [_WORD, MEMBER]}, "minItems": 1}, "Owners who share what comes."
        ),
        "sticky": {"type": "array", "items": {"enum": ["owner", "account"]}, "uniqueItems": True},
        "rules": {"description": "The first that matches wins.", "type": "array", "items": RULE},
        "lists": _names({"type": "array", "items": _TEXT}, "Texts for conditions: lists.rivals."),
        "when_nobody_is_free": FALLBACK,
        "deadlines": DEADLINES,
        "reject_reasons": {"type": "array", "items": _WORD},
    },
    ("format", "id", "owners", "rules"),
    "Who gets a sales qualified lead.",
)
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Leadflow routing document",
    **DOCUMENT,
}
