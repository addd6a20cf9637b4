"""The fields that conditions of route's documents may name, taken from the contracts, and what to say of others. Which hold is conditions.py's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import inspect

from services.route.domain.reading import meant
from shared import contracts

Fields = Mapping[
    str, Any
]  # name -> what is below it: Fields, or None for a value; "*" for keys that are the people's own

_STRING = re.compile(r"""[rRbB]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")


def _fields(kind: inspect.Type) -> dict[str, Any] | None:
    """The fields below a type; None where it is a plain value."""
    match kind:
        case inspect.Metadata(type=inner):
            return _fields(inner)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _fields(one)) is not None), None)
        case inspect.StructType(fields=fields):
            return {field.encode_name: _fields(field.type) for field in fields}
        case inspect.DictType(value_type=inner):
            return {"*": {"*": None} if isinstance(inner, inspect.AnyType) else _fields(inner)}
        case _:
            return None


PROFILE: Fields = _fields(inspect.type_info(contracts.Profile)) or {}
ACTIVITY: Fields = {
    name: below
    for name, below in (_fields(inspect.type_info(contracts.Activity)) or {}).items()
    if name not in ("revision", "withdrawn")
}
SCORE: Fields = {**(_fields(inspect.type_info(contracts.Points)) or {}), "grade": None, "probability": None}


def mistakes_in(source: str, known: Fields) -> Iterator[str]:
    """What is wrong with the fields that a condition names. Only plain paths are looked at: a.b.c, not a["b"] nor what a method gives."""
    plain = _STRING.sub(lambda found: '"' + " " * (len(found[0]) - 2) + '"', source)
    names = "|".join(sorted(known))
    for found in re.finditer(rf"(?<![\w.])({names})((?:\s*\.\s*[A-Za-z_]\w*+(?!\s*\())*)", plain):
        path = [found[1], *re.findall(r"\w+", found[2])]
        if mistake := _mistake(path, known):
            yield mistake


def mistake_in(path: str, known: Fields) -> str | None:
    """What is wrong with a path: a field that is not there."""
    return _mistake(path.split("."), known)


def _mistake(path: list[str], known: Fields) -> str | None:
    at: Fields | None = known
    for step, name in enumerate(path):
        if at is None:
            return f"{'.'.join(path[:step])} is a value, it has no field {name}"
        if name not in at and "*" not in at:
            where = ".".join(path[:step])
            return (
                f"{where} has no field `{name}`{meant(name, at)}"
                if where
                else f"`{name}` is not known{meant(name, at)}"
            )
        at = at[name] if name in at else at["*"]
    return None
