"""Conditions in CEL: compiling one, what is wrong with one, and whether it holds for a lead. Which facts there are is choice.py's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cel

VARIABLES = frozenset({"profile", "score", "lead", "first_touch", "last_touch", "lists"})
_ANY_DOCUMENTS = VARIABLES | {"activity"}  # nurture's conditions see it too

# The functions of the CEL specification that the library evaluates; its operators have names with _ or @ or !.
_FUNCTIONS = frozenset(
    {"bool", "bytes", "contains", "double", "duration", "endsWith", "has", "int", "matches", "size", "startsWith"}
    | {"string", "timestamp", "type", "uint", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"}
)
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"})
_BOUND = re.compile(r"\b(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
# A variable and the field that is taken of it, if one is: not a method, and nothing in brackets.
_MENTION = re.compile(rf"(?<![\w.])({'|'.join(sorted(_ANY_DOCUMENTS))})\b(?:\s*\.\s*([A-Za-z_]\w*+)(?!\s*\())?")
_PLACE = re.compile(r"<input>:\d+:(\d+): (?:Syntax error: )?([^\n]*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. Two of the same source are equal."""

    source: str
    program: cel.Program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)


class NotACondition(ValueError):
    """The text is no condition that can be evaluated here; the message says why."""


def compiled(source: str, variables: Collection[str] = VARIABLES) -> Condition:
    """The condition that `source` says. Raises NotACondition: broken syntax, or a name that is none of `variables`."""
    try:
        program = cel.compile(source)
    except ValueError as error:
        found = _PLACE.search(str(error))
        raise NotACondition(f"is no CEL: column {found[1]}: {found[2]}" if found else "is no CEL") from None
    unknown = set(program.variables()) - set(variables) - _TYPES - set(_BOUND.findall(source))
    if unknown:
        raise NotACondition(
            f"uses {_listed(unknown)}, which conditions do not know. They see: {', '.join(sorted(variables))}"
        )
    strange = {name for name in program.functions() if name.isidentifier() and not name.startswith("_")} - _FUNCTIONS
    if strange:
        raise NotACondition(f"calls {_listed(strange)}, which is no function of conditions")
    return Condition(source, program)


Mentions = Mapping[str, frozenset[str] | None]  # by variable; None: all of its fields


def mentioned(conditions: Iterable[Condition]) -> Mentions:
    """Which fields of which variables these conditions look at: a context costs by what is in it, so only that is put there.

    A variable that is used in any other way than `variable.field` is taken whole.
    """
    found: dict[str, frozenset[str] | None] = {}
    for condition in conditions:
        for variable, field in _MENTION.findall(condition.source):
            known = found.get(variable, frozenset())
            found[variable] = known | {field} if field and known is not None else None
    return found


def facts(variables: Mapping[str, Mapping[str, Any]], mentions: Mentions) -> cel.Context:
    """What conditions are asked about, built once for all rules. A variable that is mentioned and not given is an empty map, so its fields are absent."""
    return cel.Context({name: _seen(variables.get(name, {}), fields) for name, fields in mentions.items()})


def holds(condition: Condition, about: cel.Context) -> tuple[bool, str | None]:
    """Whether `condition` is true, and why not where it is not plain: a field that is absent, or values that can't be compared.

    What can't be told is not so: nothing is ever raised. The reason names fields, never values.
    """
    try:
        result = condition.program.execute(about)
    except KeyError as error:
        return False, f"{error.args[0]} is not known"
    except (TypeError, ValueError, IndexError, ArithmeticError, RuntimeError) as error:
        return False, f"can't be told ({type(error).__name__})"
    if result is True:
        return True, None
    return False, None if result is False else "is neither true nor false"


def _seen(fields: Mapping[str, Any], mentioned: frozenset[str] | None) -> dict[str, Any]:
    return dict(fields) if mentioned is None else {name: fields[name] for name in mentioned if name in fields}


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
