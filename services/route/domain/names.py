"""The names that conditions may use, taken from the contracts, and what to say of others. Evaluating conditions is conditions.py's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cel
from msgspec import inspect

from shared import contracts

Path = tuple[str, ...]
Fields = Mapping[
    str, Any
]  # below a name: its fields, None where it is a plain value, "*" for a name that is the people's own


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a condition, and how many characters into it."""

    says: str
    at: int


ANYTHING: Fields = {"*": None}  # a map whose names are the people's own
# The functions of the CEL specification that the library evaluates; its operators have names with _ or @ or !.
_FUNCTIONS = frozenset(
    {"bool", "bytes", "contains", "double", "duration", "endsWith", "has", "int", "matches", "size", "startsWith"}
    | {"string", "timestamp", "type", "uint", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"}
)
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"})
_BOUND = re.compile(r"\b(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_LISTS = re.compile(r"(?<![\w.])lists\s*(?:\.\s*([A-Za-z_]\w*)(?!\s*\()|\[\s*[\"']([^\"']*)[\"']\s*\])")
_MATCHES = re.compile(r"\.matches\s*\(\s*(r?\"[^\"]*\"|r?'[^']*')\s*\)")


def _below(kind: inspect.Type) -> Fields | None:
    """The fields below a type; None where it is a plain value."""
    match kind:
        case inspect.Metadata(type=inner):
            return _below(inner)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _below(one)) is not None), None)
        case inspect.StructType(fields=fields):
            return {field.encode_name: _below(field.type) for field in fields}
        case inspect.DictType(value_type=inner):
            return ANYTHING if isinstance(inner, inspect.AnyType) else {"*": _below(inner)}
        case _:
            return None


def fields_of(model: type) -> Fields:
    """What conditions may name of a contract."""
    return _below(inspect.type_info(model)) or {}


PROFILE = fields_of(contracts.Profile)
TOUCH = fields_of(contracts.Touch)
ACTIVITY: Fields = {
    name: below for name, below in fields_of(contracts.Activity).items() if name not in ("revision", "withdrawn")
}
SCORE: Fields = dict.fromkeys(("total", "fit", "engagement", "grade", "probability"))
LEAD: Fields = dict.fromkeys(("id", "stage", "previous_stage", "stage_since", "segments", "episodes"))
ROUTING: Fields = {"profile": PROFILE, "score": SCORE, "lead": LEAD, "first_touch": TOUCH, "last_touch": TOUCH}


def flaws_in(
    source: str, program: cel.Program, paths: Sequence[tuple[Path, int]], known: Fields, lists: Collection[str]
) -> Iterator[Flaw]:
    """Everything that is wrong with the names in a condition. `paths` are those that begin with a name of `known`, with their places."""
    for path, at in paths:
        if says := mistake(path, known):
            yield Flaw(says, at)
    bound = set(_BOUND.findall(source))
    for name in sorted(set(program.variables()) - known.keys() - {"lists"} - _TYPES - bound):
        close = meant(name, (*known, "lists"))
        yield Flaw(
            f"uses {name}, which conditions do not know{close or f'. They see: {_all(known)}'}", _at(source, name)
        )
    called = {name for name in program.functions() if name.isidentifier() and not name.startswith("_")}
    for name in sorted(called - _FUNCTIONS):
        yield Flaw(f"calls {name}, which is no function of conditions{meant(name, _FUNCTIONS)}", _at(source, name))
    for found in _LISTS.finditer(source):
        name = found[1] or found[2]
        if name not in lists:
            yield Flaw(f"names lists.{name}, and `lists` has no such list{meant(name, lists)}", found.start())
    for found in _MATCHES.finditer(source):
        try:
            cel.compile(f'"".matches({found[1]})').execute()
        except Exception:
            yield Flaw(f"matches {found[1]}, which is no regular expression (RE2)", found.start(1))


def mistake(path: Path, known: Fields) -> str | None:
    """What is wrong with a path of these fields, to be said after whatever names it; None where it is there."""
    at: Fields | None = known
    for step, name in enumerate(path):
        if at is ANYTHING:
            return None
        if at is None:
            return f"takes {name} of {'.'.join(path[:step])}, which is a plain value"
        if name not in at and "*" not in at:
            return f"names {'.'.join(path[: step + 1])}, and there is no such field{meant(name, at)}"
        at = at.get(name, at.get("*"))
    return None


def _all(known: Fields) -> str:
    return ", ".join((*known, "lists"))


def meant(name: str, known: Collection[str]) -> str:
    """`; did you mean x?`, where something known is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _at(source: str, name: str) -> int:
    found = re.search(rf"(?<![\w.]){re.escape(name)}\b|\b{re.escape(name)}\b", source)
    return found.start() if found else 0
