"""The JSON Schema of a ruleset's document, for editors and other programs. Whether a document means something is lint's; this is its form.

The committed copy is ruleset.schema.json, written by `python -m services.score.generate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.score.domain import vocabulary
from services.score.domain.load.match import LIMIT
from services.score.domain.load.rules import MOST_AT_LEAST
from services.score.domain.ruleset import QUALIFIED
from shared.generate.schemas import DIALECT

Schema = dict[str, Any]

_ID: Schema = {"$ref": "#/$defs/id"}
_POINTS: Schema = {"$ref": "#/$defs/points"}
_CAP: Schema = {"$ref": "#/$defs/cap"}
_DURATION: Schema = {"$ref": "#/$defs/duration"}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}
_MATCH: Schema = {"$ref": "#/$defs/match"}
_PLAIN: Schema = {"type": ["string", "number", "boolean", "null"]}


def schema() -> Schema:
    """The schema, in JSON Schema 2020-12."""
    return {
        "$schema": DIALECT,
        "title": "Leadflow ruleset",
        "description": "How leads are scored. `leads rules lint FILE` says what this form cannot: names in conditions, rules that never match, examples that fail.",
        **_object(
            {
                "format": {"const": 1},
                "id": _ID,
                "timezone": _text("The zone of calendar days, weeks and months, for example Europe/Berlin."),
                "lists": {
                    "description": "Names that conditions may use: lists.competitors.",
                    "type": "object",
                    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                    "additionalProperties": {"type": "array", "items": _text()},
                },
                "fit": _object({"cap": _CAP, "floor": _POINTS, "rules": _list(_fit_rule())}, "On the profile."),
                "engagement": _object(
                    {
                        "cap": _CAP,
                        "floor": _POINTS,
                        "min_human": {"type": "number", "minimum": 0, "maximum": 1},
                        "rules": _list(_engagement_rule()),
                    },
                    "On activities; each counts by itself, at its own time.",
                ),
                "idle": _list(_idle_rule()),
                "total": _object({"floor": _POINTS, "cap": _POINTS}),
                "override": _list(_override_rule()),
                "exclude": _list(_object({"id": _ID, "when": _CONDITION, "reason": _text()}, needs="all")),
                "stages": _object(dict.fromkeys(QUALIFIED, _stage()), "Lowest first."),
                "grades": _object(dict.fromkeys(("fit", "engagement"), _rows()), needs="all"),
                "segments": _list(_object({"id": _ID, "when": _CONDITION}, needs="all")),
                "examples": _list(_example()),
            },
            needs=("format", "id", "timezone", "fit", "engagement", "stages"),
        ),
        "$defs": {
            "id": {"type": "string", "pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$"},
            "points": {
                "type": "number",
                "minimum": -1_000_000,
                "maximum": 1_000_000,
                "description": "Two decimals at most.",
            },
            "cap": {"type": "number", "minimum": 0, "maximum": 1_000_000},
            "duration": {"type": "string", "pattern": r"^\d+(\.\d+)?[smhdw]$", "examples": ["30d", "36h"]},
            "condition": _text("CEL. What is absent does not hold."),
            "match": {
                "description": "Each key a field of the activity, each value a value, a list, or a glob; all must hold.",
                "type": "object",
                "minProperties": 1,
                "patternProperties": {
                    f"^({'|'.join(_fields(vocabulary.ON_ACTIVITY['activity']))})$": {
                        "anyOf": [_PLAIN, _list(_PLAIN, least=1)]
                    }
                },
                "additionalProperties": False,
            },
        },
    }


def _fit_rule() -> Schema:
    return _object({"id": _ID, "when": _CONDITION, "points": _POINTS}, needs="all")


def _engagement_rule() -> Schema:
    rule = _object(
        {
            "id": _ID,
            "match": _MATCH,
            "when": _CONDITION,
            "points": _POINTS,
            "at_least": {
                "type": "string",
                "pattern": r"^\d+ within \S+$",
                "examples": ["3 within 7d"],
                "description": f"2 to {MOST_AT_LEAST} activities.",
            },
            "limit": {
                "type": "string",
                "pattern": f"^{_limit()}$",
                "examples": ["once", "3 per week", "1 per 30d by name"],
            },
            "half_life": _DURATION,
            "window": _DURATION,
            "fade": _DURATION,
            "cap": _CAP,
            "reset": {"type": "boolean", "description": "Engagement from before this activity counts no more."},
        },
        needs=("id", "match"),
    )
    either: Schema = {"anyOf": [{"required": ["points"]}, {"required": ["reset"]}]}
    decays = ("half_life", "window", "fade")
    one_decay = [
        {"not": {"required": [one, other]}} for one, other in zip(decays, (*decays[1:], decays[0]), strict=True)
    ]
    return {**rule, "allOf": [either, *one_decay]}


def _idle_rule() -> Schema:
    return _object(
        {"id": _ID, "after": _DURATION, "points": _POINTS, "every": _DURATION, "cap": _CAP},
        needs=("id", "after", "points"),
    )


def _override_rule() -> Schema:
    return _object(
        {"id": _ID, "match": _MATCH, "when": _CONDITION, "stage": {"enum": list(QUALIFIED)}, "for": _DURATION},
        needs=("id", "match", "stage", "for"),
    )


def _stage() -> Schema:
    keys = {"enter": _POINTS, "leave": _POINTS, "min_fit": _POINTS, "any": _list(_CONDITION), "dwell": _DURATION}
    return {**_object(keys), "anyOf": [{"required": ["enter"]}, {"required": ["any"]}]}


def _rows() -> Schema:
    return {"type": "object", "additionalProperties": _POINTS, "description": "Best first, each with its least points."}


def _example() -> Schema:
    activity = {
        "type": "object",
        "properties": {
            "at": {"type": "string", "pattern": r"^-?\d+(\.\d+)?[smhdw]$", "description": "-1h: an hour ago."}
        },
        "propertyNames": {"enum": ["at", *vocabulary.ON_ACTIVITY["activity"]]},
    }
    expect = {
        **dict.fromkeys(("fit", "engagement", "total"), _POINTS),
        "stage": _text(),
        "grade": _text(),
        "segments": _list(_text()),
    }
    return _object(
        {"name": _text(), "profile": {"type": "object"}, "activities": _list(activity), "expect": _object(expect)},
        needs=("name", "expect"),
    )


def _limit() -> str:
    """The loader's pattern, without the names of its groups."""
    return re.sub(r"\?P<\w+>", "?:", LIMIT.pattern)


def _fields(known: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The paths of an activity's fields, as patterns."""
    for name, below in known.items():
        path = before + (r"[^.]+" if name == "*" else name)
        yield path
        if below and set(below) != {"*"}:
            yield from _fields(below, path + r"\.")
        elif below:
            yield path + r"\..+"


def _object(properties: Mapping[str, Schema], says: str = "", *, needs: tuple[str, ...] | str = ()) -> Schema:
    """A mapping with these keys and no others; `needs` names those that must be there, or is "all"."""
    required = list(properties) if needs == "all" else list(needs)
    found: Schema = {"description": says} if says else {}
    found |= {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**found, "required": required} if required else found


def _list(items: Schema, *, least: int = 0) -> Schema:
    return {"type": "array", "items": items, **({"minItems": least} if least else {})}


def _text(says: str = "") -> Schema:
    return {"type": "string", "pattern": r"\S", **({"description": says} if says else {})}
