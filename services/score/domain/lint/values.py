"""What can stand at a path: the kind of value, by the contracts, and where few values are possible, which. Closed sets alone; what an
operator can edit (job titles, channels) is open."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from services.score.domain.condition import Path
from services.score.domain.ruleset import CUSTOMER, DISQUALIFIED, QUALIFIED, RAW
from services.score.domain.vocabulary import meant
from shared import contracts

Range = tuple[float, float]

_POINTS = ("total", "fit", "engagement")
_CLOSED: Mapping[Path, tuple[str, ...]] = {
    ("activity", "kind"): ("form", "track", "page", "identify", "hook", "pixel"),
    ("activity", "direction"): ("inbound", "outbound"),
    ("profile", "email", "kind"): ("business", "free", "disposable", "role", "relay", "invalid"),
    ("lead", "stage"): (RAW, *QUALIFIED, CUSTOMER, DISQUALIFIED),
}
_COUNTRIES: frozenset[Path] = frozenset([("profile", "country"), ("profile", "phone", "region")])
_COUNTRY = re.compile("[A-Z]{2}")
_TOPS = {"activity": contracts.Activity, "profile": contracts.Profile}


def kind_of(path: Path) -> str | None:
    """text, number or truth; None where it is of another kind, or of any."""
    if path[0] == "lead":
        return (
            "number"
            if path[1:2] in (("activities",), ("recycled",), ("episodes",))
            else "text"
            if path[1:] == ("stage",)
            else None
        )
    if path[0] in (*_POINTS, "signal"):
        return "number"
    kind = inspect.type_info(_TOPS[path[0]]) if path[0] in _TOPS else None
    for name in path[1:]:
        kind = _below(kind, name)
    return _word(kind)


def _below(kind: inspect.Type | None, name: str) -> inspect.Type | None:
    match kind:
        case inspect.Metadata(type=inner):
            return _below(inner, name)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _below(one, name)) is not None), None)
        case inspect.StructType(fields=fields):
            return next((one.type for one in fields if one.encode_name == name), None)
        case inspect.DictType(value_type=inner):
            return inner
        case _:
            return None


def _word(kind: inspect.Type | None) -> str | None:
    match kind:
        case inspect.Metadata(type=inner):
            return _word(inner)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _word(one)) is not None), None)
        case inspect.StrType():
            return "text"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "truth"
        case _:
            return None


def known_as(path: Path) -> Range:
    """Between which numbers a number is: counts are not below nothing, and `human` is a ratio."""
    if path == ("activity", "human"):
        return 0.0, 1.0
    return (0.0, math.inf) if path[0] in ("lead", "signal") else (-math.inf, math.inf)


def mistaken(path: Path, value: Any) -> str | None:
    """Why a path can never have this value, or None."""
    name, kind = ".".join(path), kind_of(path)
    given = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    if kind is not None and kind != given:
        words = {"text": "a text", "number": "a number", "truth": "true or false"}
        return f"{name} is {words[kind]}, never {words[given] if given == 'text' else _written(value)}"
    if path in _COUNTRIES and not _COUNTRY.fullmatch(str(value)):
        upper = str(value).upper()
        close = f"; did you mean {upper}?" if _COUNTRY.fullmatch(upper) else ""
        return f'{name} is a code of two capital letters, never "{value}"{close}'
    closed = _CLOSED.get(path)
    if closed is not None and value not in closed:
        close = meant(str(value), closed) or f"; it is one of {', '.join(closed)}"
        return f'{name} is never "{value}"{close}'
    return None


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
