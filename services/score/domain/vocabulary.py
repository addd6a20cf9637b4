"""The names that a ruleset may use, taken from the contracts, and what to say of others. Reading the document is in load.py."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cel
from msgspec import inspect

from services.score.domain.condition import Condition, Path
from services.score.domain.windows import SIGNALS
from shared import contracts

_ANYTHING: dict[str, Any] = {"*": None}  # a map whose keys are the people's own

_DEPENDS = "depends on earlier decisions, so the score could not be told from the activities; rules may not use it, segments may"
_REFUSED = {
    ("lead", "stage"): _DEPENDS,
    ("lead", "episodes"): _DEPENDS,
    ("signal",): "is known of a lead, not of one activity; fit, exclude, `any` and segments may use it",
    ("probability",): "is not supported yet",
}
FUNCTIONS = frozenset(
    [
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "size",
        "string",
        "int",
        "uint",
        "double",
        "bytes",
        "timestamp",
        "duration",
        "type",
        "dyn",
        "has",
        "getFullYear",
        "getMonth",
        "getDayOfYear",
        "getDayOfMonth",
        "getDate",
        "getDayOfWeek",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    ]
)


def _fields(kind: inspect.Type) -> dict[str, Any] | None:
    """The fields below a type, as nested dicts; None where it is a plain value."""
    match kind:
        case inspect.Metadata(type=inner):
            return _fields(inner)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _fields(one)) is not None), None)
        case inspect.StructType(fields=fields):
            return {field.encode_name: _fields(field.type) for field in fields}
        case inspect.DictType(value_type=inner):
            return {"*": _fields(inner) if not isinstance(inner, inspect.AnyType) else _ANYTHING}
        case _:
            return None


_PROFILE = _fields(inspect.type_info(contracts.Profile)) or {}
_ACTIVITY = {
    name: below
    for name, below in (_fields(inspect.type_info(contracts.Activity)) or {}).items()
    if name not in ("id", "revision", "withdrawn")
}
_LEAD: dict[str, Any] = {"activities": {"*": None}, "recycled": None, "customer_since": None}

ON_PROFILE: Mapping[str, Any] = {"profile": _PROFILE, "lead": _LEAD, "signal": dict.fromkeys(SIGNALS)}
ON_ACTIVITY: Mapping[str, Any] = {"activity": _ACTIVITY}
ON_STAGE: Mapping[str, Any] = {**ON_PROFILE, "total": None, "fit": None, "engagement": None}
ON_SEGMENT: Mapping[str, Any] = {**ON_STAGE, "lead": {**_LEAD, "stage": None, "episodes": None}}


def mistakes_in(condition: Condition, known: Mapping[str, Any], lists: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the names and functions in a condition: the text that is, and why in words. `known` is one of the ON_... tables."""
    everything = {**known, "lists": dict.fromkeys(lists)}
    for named in condition.names:
        if mistake := mistake_in(named.path, everything):
            wrong = next(
                (name for step, name in enumerate(named.path) if mistake_in(named.path[: step + 1], everything)), ""
            )
            yield wrong, mistake
    references = condition.program.references()
    roots = {named.path[0] for named in condition.names} | {"lists"}
    own = set(_own_variables(condition.source))
    for name in references["variables"]:
        if name not in roots and name not in own:
            yield name, mistake_in((name,), everything) or f"{name} cannot be used here"
    for name in references["functions"]:
        if name[0] not in "_@!-" and name not in FUNCTIONS:
            yield name, f"CEL has no function {name} here{meant(name, FUNCTIONS)}"
    for pattern in re.findall(r"\.matches\s*\(\s*(r?\"[^\"]*\"|r?'[^']*')\s*\)", condition.source):
        try:
            cel.compile(f'"".matches({pattern})').execute()
        except Exception:
            yield pattern, f"{pattern} is no regular expression (RE2 syntax)"
    for name in _lists_in(condition.source):
        if name not in lists:
            yield name, f"`lists` has no list {name}{meant(name, lists)}"


def mistake_in(path: Path, known: Mapping[str, Any]) -> str | None:
    """What is wrong with a path, or None. A path may end at a field with fields below."""
    at: Mapping[str, Any] | None = known
    for step, name in enumerate(path):
        if at is _ANYTHING:
            return None
        if at is None:
            return f"{'.'.join(path[:step])} is a value, it has no field {name}"
        if name in at:
            at = at[name]
        elif path[: step + 1] in _REFUSED:
            return f"{'.'.join(path[: step + 1])} {_REFUSED[path[: step + 1]]}"
        elif "*" in at:
            at = at["*"]
        elif step == 0:
            return f"{name} cannot be used here{meant(name, at)}"
        else:
            return f"{'.'.join(path[:step])} has no field {name}{meant(name, at)}"
    return None


def meant(name: str, known: Iterable[str]) -> str:
    """A name that is close, as the end of a sentence; nothing where none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _own_variables(source: str) -> Iterator[str]:
    """Variables that an expression makes itself: the x of lists.a.exists(x, ...)."""
    yield from re.findall(r"\.(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,", source)


def _lists_in(source: str) -> Iterator[str]:
    yield from re.findall(r"(?<![\w.])lists\s*\.\s*([A-Za-z_]\w*)(?!\s*\()", source)
