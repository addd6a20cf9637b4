"""Two texts of a document in words: what was added, removed, changed. Knows YAML, and no kind of document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_SHOWN = 160  # characters of a value


def differences(before: str, after: str) -> list[str]:
    """What is another way in `after`, a sentence each; none where both say the same, whatever their comments and spaces.

    Entries of a list that have an `id` are told apart by it, others by what they are. Both texts are documents that could be read.
    """
    return list(_differ("", yaml.safe_load(before), yaml.safe_load(after)))


def _differ(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _entries(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after)
    elif before != after or type(before) is not type(after):
        yield f"{path} changed: {_shown(before)} -> {_shown(after)}"


def _entries(path: str, before: dict[Any, Any], after: dict[Any, Any]) -> Iterator[str]:
    for key in [*before, *(key for key in after if key not in before)]:
        place = f"{path}.{key}" if path else str(key)
        if key not in after:
            yield f"{place} removed: {_shown(before[key])}"
        elif key not in before:
            yield f"{place} added: {_shown(after[key])}"
        else:
            yield from _differ(place, before[key], after[key])


def _lists(path: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    if not all(isinstance(one, dict) and "id" in one for one in (*before, *after)):
        yield from (f"{path} lost {_shown(one)}" for one in before if one not in after)
        yield from (f"{path} got {_shown(one)}" for one in after if one not in before)
        if before != after and sorted(map(str, before)) == sorted(map(str, after)):
            yield f"{path} is in another order: {_shown(after)}"
        return
    old, new = {one["id"]: one for one in before}, {one["id"]: one for one in after}
    yield from _entries(path, old, new)
    stay = [id_ for id_ in old if id_ in new]
    if stay != (now := [id_ for id_ in new if id_ in old]):
        yield f"{path} is in another order: {', '.join(map(str, now))}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {_inside(one)}" for key, one in value.items() if key != "id") or "nothing"
    else:
        text = _inside(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _inside(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inside(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inside, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return str(value)
