"""The steps of a track, and the conditions of a nurture document: YAML to values, each mistake noted where it stands. The rest is read.py's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from yaml import Node, ScalarNode, SequenceNode

from services.route.domain import names
from services.route.domain.conditions import compiled
from services.route.domain.nurture.document import DONE, Content, Send, Step, Test, Wait, WaitFor
from services.route.domain.nurture.question import Question
from services.route.domain.reading import Reading, meant

_KINDS: Mapping[str, tuple[str, ...]] = {
    "wait": ("id", "wait", "next"),
    "send": ("id", "send", "unless", "next"),
    "wait_for": ("id", "wait_for", "at_most", "then", "else"),
}
_LEADS_TO = ("next", "then", "else")
_LEAD: names.Fields = {
    **dict.fromkeys(("stage", "previous_stage", "stage_since", "segments", "episodes", "recycled", "recycled_because")),
    "seen": {"*": None},
}
KNOWN: names.Fields = {
    "profile": names.PROFILE,
    "score": names.SCORE,
    "lead": _LEAD,
    "activity": names.ACTIVITY,
}
NEVER = Question(compiled("false"))  # stands for a condition that could not be read


def question(reading: Reading, node: Node | None, what: str) -> Question | None:
    """A condition whose names are all there."""
    condition = reading.condition(node, what)
    return Question(condition) if condition is not None else None


def steps(reading: Reading, node: Node | None, track: str, content: Mapping[str, Content]) -> dict[str, Step]:
    """The steps by their ids, in order. One without an id is called by its kind and how many of that kind came so far: wait-1.

    Each leads to later ones only, and each is led to: so a track comes to its end, and no step is met twice.
    """
    items = reading.items(node, f"{track}: steps")
    if node is not None and not items and isinstance(node, SequenceNode):
        reading.wrong(node, f"{track} has no steps")
    fields, ids = _identified(reading, items, track)
    found: dict[str, Step] = {}
    reached = {ids[0]} if ids else set()
    for place, (has, id_) in enumerate(zip(fields, ids, strict=True)):
        what = f"{track}: step {id_}"
        ways = {key: _way(reading, has.get(key), f"{what}: {key}", ids, place) for key in _LEADS_TO}
        step = _step(reading, has, id_, what, ways, content)
        if step is None:
            reading.wrong(items[place], f"{what} is none: it needs `wait`, `send` or `wait_for`")
            reached.update(ways.values())
            continue
        found[id_] = step
        reached.update((step.then, step.otherwise) if isinstance(step, WaitFor) else (step.next,))
    for item, id_ in zip(items, ids, strict=True):
        if id_ not in reached:
            reading.wrong(item, f"{track}: no step leads to {id_}")
    return found


def _identified(reading: Reading, items: Sequence[Node], track: str) -> tuple[list[dict[str, Node]], list[str]]:
    """The fields of each step, and their ids."""
    fields, ids, unnamed = [], [], dict.fromkeys(_KINDS, 0)
    every = tuple(dict.fromkeys(key for keys in _KINDS.values() for key in keys))
    for item in items:
        keys = reading.entries(item, f"a step of {track}")
        kind = next((kind for kind in _KINDS if kind in keys), None)
        has = reading.fields(item, f"a step of {track}", _KINDS[kind] if kind is not None else every)
        kind = kind or "wait"
        unnamed[kind] += "id" not in has
        id_ = (
            reading.word(has["id"], f"a step's id in {track}")
            if "id" in has
            else f"{kind.replace('_', '-')}-{unnamed[kind]}"
        )
        if id_ == DONE:
            reading.wrong(has["id"], f"{track}: no step is called {DONE}: that is where a track ends")
        elif id_ in ids:
            reading.wrong(has.get("id", item), f"{track}: step {id_} is there twice")
        fields.append(has)
        ids.append(id_)
    return fields, ids


def _way(reading: Reading, node: Node | None, what: str, ids: Sequence[str], place: int) -> str:
    """Where a step leads to: the next one where nothing is said."""
    later = tuple(dict.fromkeys((*ids[place + 1 :], DONE)))
    if node is None:
        return later[0]
    name = reading.text(node, what)
    if name and name not in later:
        why = "which does not come later" if name in ids else "which is no step of it"
        reading.wrong(node, f"{what} names `{name}`, {why}{meant(name, later)}")
        return DONE
    return name or DONE


def _step(
    reading: Reading,
    has: Mapping[str, Node],
    id_: str,
    what: str,
    ways: Mapping[str, str],
    content: Mapping[str, Content],
) -> Step | None:
    if "wait" in has:
        return Wait(id_, reading.duration(has["wait"], f"{what}: wait") or 1, ways["next"])
    if "send" in has:
        sent = reading.one_of(has["send"], f"{what}: send", content)
        return Send(id_, sent, question(reading, has.get("unless"), f"{what}: unless"), ways["next"])
    if "wait_for" not in has:
        return None
    waited = reading.fields(has["wait_for"], f"{what}: wait_for", ("match", "when"))
    if not waited:
        reading.wrong(has["wait_for"], f"{what}: wait_for needs match or when")
    if "at_most" not in has:
        reading.wrong(has["wait_for"], f"{what} needs `at_most`: how long it waits. Example: 14d")
    return WaitFor(
        id_,
        tests(reading, waited.get("match"), f"{what}: match"),
        question(reading, waited.get("when"), f"{what}: when"),
        reading.duration(has.get("at_most"), f"{what}: at_most") or 1,
        ways["then"],
        ways["else"],
    )


def tests(reading: Reading, node: Node | None, what: str) -> tuple[Test, ...]:
    """A `match`: each key a field of an activity, each value a value, a glob, or a list of them."""
    if node is None:
        return ()
    found = []
    for path, (key, value) in reading.entries(node, what).items():
        if mistake := names.mistake(tuple(path.split(".")), names.ACTIVITY):
            reading.wrong(key, f"{what} {mistake}")
        nodes = value.value if isinstance(value, SequenceNode) else [value]
        if not nodes or not all(isinstance(one, ScalarNode) for one in nodes):
            reading.wrong(value, f"{what}: {path} must be a value or a list of values")
            continue
        values: list[Any] = [reading.plain(one) for one in nodes]
        globs = [one for one in values if isinstance(one, str) and ("*" in one or "?" in one)]
        pattern = re.compile("|".join(map(_glob, globs)), re.DOTALL) if globs else None
        found.append(Test(tuple(path.split(".")), tuple(one for one in values if one not in globs), pattern))
    if not found:
        reading.wrong(node, f"{what} is empty: it needs at least one field, for example kind")
    return tuple(found)


def _glob(text: str) -> str:
    """A glob as a regular expression: `*` is any text, `?` any one character, everything else itself."""
    return "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in text)
