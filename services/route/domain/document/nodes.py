"""YAML nodes to plain values, with the line and column of each mistake. What the values mean is told in the files beside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from services.route.domain.names import meant
from shared.documents.inforce import Unusable

WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DURATION = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong, and where: line and column, from 1."""

    line: int
    column: int
    says: str


class Unreadable(Unusable):
    """A text that can't be used. `found` has each mistake, `mistakes` each as `file:line:column: what is wrong`, in order."""

    def __init__(self, name: str, found: Iterable[Mistake]) -> None:
        self.found = tuple(sorted(set(found)))
        super().__init__([f"{name}:{one.line}:{one.column}: {one.says}" for one in self.found])


def composed(text: str, *, name: str) -> Node:
    """The document's root; `name` is what mistakes call it. Raises Unreadable where it is no YAML, or empty."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise Unreadable(name, [Mistake(line, column, f"is no YAML: {error.problem}")]) from None
    except (yaml.YAMLError, ValueError):
        raise Unreadable(name, [Mistake(1, 1, "is no YAML: it has characters that are no text")]) from None
    if root is None:
        raise Unreadable(name, [Mistake(1, 1, "the document is empty")])
    return root


@dataclass(slots=True)
class Nodes:
    """The mistakes found so far, and the ways to read a node. Each notes what is wrong and goes on with something harmless; where there
    is no node, nothing is said: that it is missing was said already."""

    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, node: Node | None, what: str, *, after: int = 0) -> None:
        """Notes a mistake at the node, `after` characters behind its beginning."""
        line, column = (node.start_mark.line, node.start_mark.column) if node is not None else (0, 0)
        self.mistakes.append(Mistake(line + 1, column + 1 + after, what))

    def fields(self, node: Node | None, what: str, shape: Mapping[str, Any]) -> dict[str, Node]:
        """The entries of a mapping of this shape; a key that is unknown, twice there, or needed and not there is a mistake."""
        known = shape["properties"]
        found: dict[str, Node] = {}
        for key_node, key, value in self.pairs(node, what):
            if key not in known:
                close = meant(key, known) or f". Known: {', '.join(known)}"
                self.wrong(key_node, f"{what}: {key or 'a key like this'} is unknown{close}")
            elif key in found:
                self.wrong(key_node, f"{what}: {key} is there twice")
            else:
                found[key] = value
        if isinstance(node, MappingNode):
            for key in shape["required"]:
                if key not in found:
                    self.wrong(node, f"{what} has no {key}")
        return found

    def named(self, node: Node | None, what: str) -> list[tuple[str, Node]]:
        """The entries of a mapping whose keys are the document's own names."""
        found: dict[str, Node] = {}
        for key_node, key, value in self.pairs(node, what):
            if not WORD.fullmatch(key):
                self.wrong(key_node, f"{what}: a name is lower case letters, digits, - and _. Example: dach")
            elif key in found:
                self.wrong(key_node, f"{what}: {key} is there twice")
            else:
                found[key] = value
        return list(found.items())

    def pairs(self, node: Node | None, what: str) -> list[tuple[Node, str, Node]]:
        """The entries of a mapping: the key's node, the key (nothing where it is no word), the value."""
        if node is None:
            return []
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must have keys and values")
            return []
        return [(key, str(key.value) if isinstance(key, ScalarNode) else "", value) for key, value in node.value]

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The entries of a list."""
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self.wrong(node, f"{what} must be a list")
            return []
        return list(node.value)

    def one_or_many(self, node: Node | None) -> list[Node]:
        """The entries of a list, or the one value that stands in its place."""
        if node is None:
            return []
        return list(node.value) if isinstance(node, SequenceNode) else [node]

    def scalar(self, node: Node | None) -> Any:
        """A scalar as YAML's safe types; None for anything else."""
        if not isinstance(node, ScalarNode):
            return None
        try:
            return yaml.SafeLoader("").construct_object(node)
        except ValueError:  # what looks like a date and is none
            return None

    def text(self, node: Node | None, what: str) -> str:
        """A text that is not empty."""
        if node is None:
            return ""
        value = self.scalar(node)
        if not isinstance(value, str) or not value.strip() or "\x00" in value:
            self.wrong(node, f"{what} must be text (numbers and words like no and on need quotes)")
            return ""
        return value

    def word(self, node: Node | None, what: str, *, example: str = "anna") -> str:
        """A name of the document's own."""
        value = self.text(node, what)
        if value and not WORD.fullmatch(value):
            self.wrong(node, f"{what} is lower case letters, digits, - and _, at most 64. Example: {example}")
        return value

    def number(self, node: Node | None, what: str, shape: Mapping[str, Any]) -> int | None:
        """A whole number within the shape's bounds."""
        if node is None:
            return None
        value = self.scalar(node)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(node, f"{what} must be a whole number")
            return None
        if not shape["minimum"] <= value <= shape["maximum"]:
            self.wrong(node, f"{what} is from {shape['minimum']} to {shape['maximum']}")
            return None
        return value

    def day(self, node: Node | None, what: str) -> date | None:
        """A date."""
        if node is None:
            return None
        value = self.scalar(node)
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if type(value) is not date:
            self.wrong(node, f"{what} must be a day. Example: 2026-12-21")
            return None
        return value

    def duration(self, node: Node | None, what: str, *, units: str) -> timedelta | None:
        """How long: a number and one of these units."""
        if node is None:
            return None
        found = _DURATION.fullmatch(node.value) if isinstance(node, ScalarNode) else None
        if found is None or found[2] not in units:
            words = " or ".join(f"{unit} ({_UNITS[unit]})" for unit in units)
            self.wrong(node, f"{what} must be a number and {words}. Example: 30m")
            return None
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
