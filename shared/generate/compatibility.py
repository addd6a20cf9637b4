"""What may change in an event while its topic keeps its version: optional fields are added, and nothing else. Pure, over JSON Schemas."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest
from typing import Any

Schema = Mapping[str, Any]

# What tells people and changes no record. (A mark of personal data may come and go: it says how to treat the field.)
_ANNOTATIONS = {"$schema", "$defs", "title", "description", "examples", "x-personal", "x-topic"}
_ONE_INSIDE = {"items", "additionalProperties"}
_MANY_INSIDE = {"anyOf", "prefixItems"}


def incompatible_changes(
    committed: Mapping[str, Schema], current: Mapping[str, Schema], topics: Collection[str]
) -> list[str]:
    """What the current schemas break for readers and writers of the committed ones, one sentence each, by event type.

    An event whose topic came out in a new version may change freely, and one may end with its topic when `topics` has a
    newer version of that. An event that is new breaks nobody.
    """
    found: list[str] = []
    for type_, old in committed.items():
        topic = old["x-topic"]
        new = current.get(type_)
        if new is None:
            if topic in topics or not any(is_newer(topic, name) for name in topics):
                found.append(f"{type_}: the event was removed")
        elif new["x-topic"] == topic:
            found += [f"{type_}: {change}" for change in changes(old, new)]
        elif not is_newer(topic, new["x-topic"]):
            found.append(f"{type_}: moved from {topic} to {new['x-topic']}, which is no newer version of it")
    return found


def is_newer(old: str, new: str) -> bool:
    """Whether topic `new` is a later version of topic `old`: leads.scored.v2 of leads.scored.v1."""
    before, after = (re.fullmatch(r"(.+)\.v(\d+)", name) for name in (old, new))
    return bool(before and after) and before[1] == after[1] and int(after[2]) > int(before[2])  # type: ignore[index]


def changes(old: Schema, new: Schema) -> list[str]:
    """Every change between two schemas of one event that is not an added optional field, each naming the field."""
    return list(_compare(old, new, _Defs(old, new), ()))


class _Defs:
    """The definitions that `$ref` names, of both sides, and the pairs on the way down, so that a type may hold itself."""

    __slots__ = ("new", "old", "open")

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old: Schema = old.get("$defs", {})
        self.new: Schema = new.get("$defs", {})
        self.open: set[tuple[str, str]] = set()


def _compare(old: Any, new: Any, defs: _Defs, at: tuple[str, ...]) -> Iterator[str]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{_field(at)}: was {_short(old)}, is {_short(new)}"
        return
    pair = (old.get("$ref", ""), new.get("$ref", ""))
    if any(pair):
        if pair in defs.open:
            return
        defs.open.add(pair)
        yield from _compare(_resolved(old, defs.old), _resolved(new, defs.new), defs, at)
        defs.open.discard(pair)
        return
    yield from _fields(old, new, defs, at)
    for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - {"properties", "required"}):
        before, after = old.get(keyword), new.get(keyword)
        if keyword in _ONE_INSIDE:
            yield from _compare(before, after, defs, (*at, "*"))
        elif keyword in _MANY_INSIDE:
            step = (*at, "*") if keyword == "prefixItems" else at
            for inner_before, inner_after in zip_longest(before or (), after or ()):
                yield from _compare(inner_before, inner_after, defs, step)
        elif before != after:
            yield f"{_field(at)}: {keyword} was {_short(before)}, is {_short(after)}"


def _fields(old: Schema, new: Schema, defs: _Defs, at: tuple[str, ...]) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        here = (*at, name)
        if name not in after:
            yield f"{_field(here)}: was removed"
            continue
        if name in needed_after - needed_before:
            yield f"{_field(here)}: was optional, is required"
        if name in needed_before - needed_after:
            yield f"{_field(here)}: was required, is optional"
        yield from _compare(before[name], after[name], defs, here)
    for name in after:
        if name not in before and name in needed_after:
            yield f"{_field((*at, name))}: is new and required"


def _resolved(schema: Schema, defs: Schema) -> dict[str, Any]:
    """The schema with its `$ref` replaced by what that names; what stands beside the reference holds too."""
    if "$ref" not in schema:
        return dict(schema)
    beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    return dict(defs[schema["$ref"].removeprefix("#/$defs/")]) | beside


def _field(at: tuple[str, ...]) -> str:
    return ".".join(at) or "the event itself"


def _short(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, dict):
        return str(value.get("$ref") or value.get("type") or "another shape").removeprefix("#/$defs/")
    return repr(value)
