"""The shape of a nurture document as JSON Schema, for editors: `services/route/nurturing/schema.json` is written from it. Reading is read.py's; what
goes beyond a shape (names that must be there, conditions, ways through a track) only it says."""

from __future__ import annotations

from typing import Any

from services.route.domain.nurture.document import DONE

_TEXT = {"type": "string", "minLength": 1, "pattern": r"\S"}
_WORD = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
_DURATION = {
    "type": "string",
    "pattern": "^[0-9]{1,6}[smhdw]$",
    "description": "A whole number and s, m, h, d or w: 2d.",
}
_CONDITION = {"type": ["string", "boolean"], "description": "CEL over profile, score, lead and activity."}
_STEP = {**_WORD, "description": f"A later step, or `{DONE}`: the track ends."}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1000}


def _object(fields: dict[str, Any], needed: tuple[str, ...] = (), says: str = "") -> dict[str, Any]:
    described = {"description": says} if says else {}
    return {
        **described,
        "type": "object",
        "properties": fields,
        "required": list(needed),
        "additionalProperties": False,
    }


def _names(of: dict[str, Any], says: str) -> dict[str, Any]:
    return {"description": says, "type": "object", "propertyNames": _WORD, "additionalProperties": of}


_VALUE = {"type": ["string", "number", "boolean"]}
_MATCH = {
    "type": "object",
    "minProperties": 1,
    "description": "Fields of the activity, each a value, a glob (* and ?), or a list of them.",
    "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]},
}
_WAITED = _object({"match": _MATCH, "when": _CONDITION}, says="The activity that is waited for.") | {"minProperties": 1}
_STEPS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            _object({"id": _WORD, "wait": _DURATION, "next": _STEP}, ("wait",), "Nothing happens for so long."),
            _object(
                {"id": _WORD, "send": {**_WORD, "description": "A content."}, "unless": _CONDITION, "next": _STEP},
                ("send",),
                "Something is sent, unless.",
            ),
            _object(
                {"id": _WORD, "wait_for": _WAITED, "at_most": _DURATION, "then": _STEP, "else": _STEP},
                ("wait_for", "at_most"),
                "An activity leads to `then`; when none came for so long, `else` follows.",
            ),
        ]
    },
}
_CAP = _object({"per_day": _COUNT, "per_week": _COUNT}, says="In any 24 hours, in any 7 days.") | {"minProperties": 1}
_LIMITS = {
    "description": "Over all tracks, checked when a step is sent; by channel, and `any` for all of them.",
    "type": "object",
    "properties": {
        "quiet_hours": {
            "type": "string",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
            "description": "In the lead's time zone; a step that falls due waits for their end.",
        },
        "quiet_days": {
            "type": "array",
            "uniqueItems": True,
            "maxItems": 6,
            "items": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
        },
    },
    "additionalProperties": _CAP,
}
_NEEDS = _object(
    {"consent": _WORD, "field": {"type": "string", "pattern": r"^profile\.[a-z0-9_.]+$"}},
    says="The purpose that is consented to, and the field of the profile that must be known; asked when it is sent.",
)
_CONTENT = _object(
    {"channel": _WORD, "subject": _TEXT, "template": _WORD, "audience": _WORD},
    ("channel",),
    "Subject and template are the mail sender's; an audience is what it adds the lead to.",
)
_TRACK = _object(
    {"id": _WORD, "when": _CONDITION, "steps": _STEPS, "again_after": _DURATION},
    ("id", "when", "steps"),
    "Steps for those of whom `when` holds; entered once, or again so long after the last time.",
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Nurture: what people get who are not ready for sales",
    **_object(
        {
            "format": {"const": 1},
            "timezone": {**_TEXT, "description": "Of leads whose own zone nobody knows. Without it: UTC."},
            "limits": _LIMITS,
            "channels": _names(_object({"needs": _NEEDS}), "Ways to people."),
            "content": _names(_CONTENT, "What is sent."),
            "magnets": _names(
                _object({"content": _WORD, "again_after": _DURATION}, ("content",)),
                "What a form of this name asks for: at once, without consent, limits and quiet hours.",
            ),
            "tracks": {"type": "array", "items": _TRACK},
            "exit": {**_CONDITION, "description": "Of whom this holds leaves every track."},
        },
        ("format", "channels", "content", "tracks"),
    ),
}
