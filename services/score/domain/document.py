"""YAML nodes to plain values, with the line of each mistake, all mistakes at once. What the values mean is in load.py."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)([smhdw])")
_MOST = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and the line and column (from 1) where it stands. What does not hinder is taken all the same: it only
    does nothing, or not what it seems to."""

    line: int
    says: str
    column: int = 1
    hinders: bool = True


class Wrong(Exception):
    """A document that cannot be taken. Its text names every mistake, a line each."""

    def __init__(self, source: str, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = in_order(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) > 1 else ''}"
        lines = (f"{source}:{one.line}:{one.column}: {one.says}" for one in self.mistakes)
        super().__init__("\n  ".join((f"{source} cannot be used, {count}:", *lines)))


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Each once, as they stand in the document."""
    return tuple(sorted(set(mistakes), key=lambda one: (one.line, one.column, one.says)))


@dataclass(slots=True)
class Document:
    """The mistakes found so far, and the ways to read a node. Each way notes a mistake and goes on, with None or nothing.

    `lines` are the document's own, where they are known: so that a place within a text can be told.
    """

    mistakes: list[Mistake] = field(default_factory=list)
    lines: Sequence[str] = ()

    def note(self, node: Node, says: str, *, at: int | None = None, hinders: bool = True) -> None:
        """Notes a mistake where the node begins, or `at` so many characters into its text."""
        line, column = node.start_mark.line, node.start_mark.column
        if at is not None:
            line, column = self._within(node, at)
        self.mistakes.append(Mistake(line + 1, says, column + 1, hinders))

    def _within(self, node: Node, at: int) -> tuple[int, int]:
        """Line and column (from 0) of a place in a text's value; where the text begins, if it is written in another way than it reads."""
        begin = node.value.rfind("\n", 0, at) + 1
        written = node.value[begin:].partition("\n")[0]
        for line in range(node.start_mark.line, min(node.end_mark.line + 1, len(self.lines))):
            first = node.start_mark.column if line == node.start_mark.line else 0
            if written and (found := self.lines[line].find(written, first)) >= 0:
                return line, found + at - begin
        return node.start_mark.line, node.start_mark.column

    def mapping(
        self,
        node: Node,
        where: str,
        *,
        known: Collection[str],
        later: Collection[str] = (),
        needs: Collection[str] = (),
    ) -> dict[str, Node]:
        """The entries of a mapping by key. Notes keys that are unknown, not supported yet, twice there, or missing."""
        found = self.entries(node, where)
        for key, (key_node, _) in list(found.items()):
            if key in known:
                continue
            del found[key]
            if key in later:
                self.note(key_node, f"`{key}` in {where} is not supported yet; take it out (it would not be applied)")
            else:
                close = difflib.get_close_matches(key, [*known, *later], n=1)
                meant = f"; did you mean `{close[0]}`?" if close else f"; it takes {', '.join(known)}"
                self.note(key_node, f"{where} has no `{key}`{meant}")
        for key in needs:
            if key not in found and isinstance(node, MappingNode):
                self.note(node, f"{where} needs `{key}`")
        return {key: value for key, (_, value) in found.items()}

    def entries(self, node: Node, where: str) -> dict[str, tuple[Node, Node]]:
        """All entries of a mapping: key text to the nodes of key and value."""
        found: dict[str, tuple[Node, Node]] = {}
        if not isinstance(node, MappingNode):
            self.note(node, f"{where} must be a mapping (key: value)")
            return found
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.note(key, f"a key of {where} must be a word")
            elif key.value in found:
                self.note(key, f"`{key.value}` is there twice in {where}")
            else:
                found[key.value] = (key, value)
        return found

    def items(self, node: Node | None, where: str) -> Iterator[Node]:
        """The entries of a list; of nothing where the node is absent."""
        if isinstance(node, SequenceNode):
            yield from node.value
        elif node is not None:
            self.note(node, f"{where} must be a list")

    def text(self, node: Node | None, where: str) -> str:
        """A text that is not empty."""
        if node is None:
            return ""
        if isinstance(node, ScalarNode) and node.tag.endswith(":str") and node.value.strip():
            return str(node.value)
        self.note(node, f"{where} must be a text (put it in quotes)")
        return ""

    def points(self, node: Node | None, where: str, *, least: int | None = None) -> int | None:
        """Points with at most two decimals, as hundredths. `least` is in hundredths too."""
        if node is None:
            return None
        number = self._number(node)
        if number is None or not number.is_finite() or abs(number) > _MOST:
            self.note(node, f"{where} must be a number between -1000000 and 1000000")
        elif number * 100 % 1:
            self.note(node, f"{where} has more than two decimals")
        elif least is not None and number * 100 < least:
            self.note(node, f"{where} must not be below {least / 100:g}")
        else:
            return int(number * 100)
        return None

    def ratio(self, node: Node | None, where: str) -> float | None:
        """A number from 0 to 1."""
        number = None if node is None else self._number(node)
        if node is not None and (number is None or not 0 <= number <= 1):
            self.note(node, f"{where} must be a number from 0 to 1")
            return None
        return None if number is None else float(number)

    def seconds(self, node: Node, where: str) -> float:
        """A duration: a number and s, m, h, d or w. `-1h` is an hour ago."""
        fits = _DURATION.fullmatch(node.value) if isinstance(node, ScalarNode) else None
        if fits is None:
            self.note(node, f"{where} must be a duration, for example -1h or -30d")
            return 0.0
        return float(fits[1]) * _SECONDS[fits[2]]

    def plain(self, node: Node) -> Any:
        """A node as YAML's safe types."""
        try:
            return yaml.SafeLoader("").construct_document(node)
        except yaml.YAMLError as error:
            self.note(node, f"this cannot be read: {getattr(error, 'problem', error)}")
            return None

    @staticmethod
    def _number(node: Node) -> Decimal | None:
        if not isinstance(node, ScalarNode) or not node.tag.endswith((":int", ":float")):
            return None
        try:
            return Decimal(node.value.replace("_", ""))
        except InvalidOperation:  # 0x1F, 1:30 and the like: YAML calls them numbers, nobody means them
            return None


def compose(text: str, source: str) -> Node:
    """The document's root node. Raises Wrong where it is no YAML, or empty."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Wrong(source, [Mistake(line, f"this is not YAML: {error.problem}", column)]) from None
    except yaml.YAMLError as error:
        raise Wrong(source, [Mistake(1, f"this is not YAML: {type(error).__name__}")]) from None
    if node is None:
        raise Wrong(source, [Mistake(1, "the document is empty")])
    return node
