"""Reading a document of route's, YAML to plain values: every mistake at once, with line and column. What the values mean is for whoever reads.

Documents are closed: a key that is not known is a mistake, so nothing that somebody wrote down is ever ignored.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from typing import Any

from yaml import MappingNode, Node, ScalarNode

from services.route.domain.conditions import Condition, NotACondition, compiled
from services.route.domain.document.nodes import WORD, Nodes, Unreadable, composed
from services.route.domain.names import Fields

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Reading:
    """One reading of one document: what was wrong so far, and the ways to read a node. After a mistake each way gives something harmless."""

    def __init__(self, name: str, text: str, known: Fields) -> None:
        """`name` is what mistakes call the document, `known` what its conditions see. Raises Unreadable where it is no YAML, or empty."""
        self._name = name
        self._known = known
        self._nodes = Nodes()
        self.root = composed(text, name=name)

    def wrong(self, node: Node, what: str) -> None:
        """Notes a mistake where the node begins."""
        self._nodes.wrong(node, what)

    def end(self) -> None:
        """Raises Unreadable with all mistakes, if there are any."""
        if self._nodes.mistakes:
            raise Unreadable(self._name, self._nodes.mistakes)

    def fields(
        self, node: Node, what: str, known: Collection[str], *, required: Collection[str] = ()
    ) -> dict[str, Node]:
        """The known fields of a mapping; everything else in it is a mistake, and so is a required one that is not there."""
        found: dict[str, Node] = {}
        for key, (key_node, value) in self.entries(node, what).items():
            if key in known:
                found[key] = value
            else:
                self.wrong(key_node, f"{what} has no `{key}`{meant(key, known)}")
        if isinstance(node, MappingNode):
            for key in required:
                if key not in found:
                    self.wrong(node, f"{what} needs `{key}`")
        return found

    def entries(self, node: Node, what: str) -> dict[str, tuple[Node, Node]]:
        """All entries of a mapping, whatever its keys: key to the nodes of key and value."""
        found: dict[str, tuple[Node, Node]] = {}
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must have keys and values")
            return found
        for key_node, value in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
            if key in found:
                self.wrong(key_node, f"{what}: `{key}` is there twice")
            elif not key:
                self.wrong(key_node, f"{what}: a key must be a word")
            else:
                found[key] = (key_node, value)
        return found

    def named(self, node: Node | None, what: str) -> dict[str, Node]:
        """The entries of a mapping whose keys are the document's own words."""
        found: dict[str, Node] = {}
        for key, (key_node, value) in (self.entries(node, what) if node is not None else {}).items():
            if not WORD.fullmatch(key):
                self.wrong(key_node, f"{what}: a name is lower case letters, digits, - and _, at most 64")
            found[key] = value
        return found

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The entries of a list; none where the node is absent."""
        return self._nodes.items(node, what)

    def plain(self, node: Node) -> Any:
        """A scalar as YAML's safe types; None for what is none."""
        return self._nodes.scalar(node)

    def text(self, node: Node | None, what: str) -> str:
        """The text of a scalar. Without a node nothing is said: that it is missing was said already."""
        return self._nodes.text(node, what)

    def word(self, node: Node | None, what: str) -> str:
        """A name: small letters, digits, - and _."""
        return self._nodes.word(node, what, example="stay-in-touch")

    def one_of(self, node: Node | None, what: str, known: Collection[str]) -> str:
        """A name that must be among those that are known."""
        value = self.text(node, what)
        if node is not None and value and value not in known:
            self.wrong(node, f"{what} names `{value}`, which is not there{meant(value, known)}")
            return ""
        return value

    def number(self, node: Node | None, what: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        if node is None:
            return None
        value = self.plain(node)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.wrong(node, f"{what} must be a whole number from {least} to {most}")
        return None

    def duration(self, node: Node | None, what: str) -> int | None:
        """How long, above nothing, in milliseconds."""
        if node is None:
            return None
        found = _DURATION.fullmatch(node.value) if isinstance(node, ScalarNode) else None
        if found is None or not int(found[1]):
            self.wrong(
                node, f"{what} must be a duration: a whole number above nothing and s, m, h, d or w. Example: 2d"
            )
            return None
        return int(found[1]) * _UNITS_MS[found[2]]

    def span_of_day(self, node: Node | None, what: str) -> tuple[int, int]:
        """From when to when of a day, in minutes after midnight; nothing is (0, 0)."""
        if node is None:
            return 0, 0
        ends = [_CLOCK.fullmatch(one) for one in str(getattr(node, "value", "")).split("-")]
        if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0][0] == ends[1][0]:
            self.wrong(node, f'{what} must be two times of a day that differ. Example: "20:00-08:00"')
            return 0, 0
        begins, until = (int(one[1]) * 60 + int(one[2]) for one in ends if one is not None)
        return begins, until

    def condition(self, node: Node | None, what: str) -> Condition | None:
        """A condition in CEL over the document's variables."""
        if node is None:
            return None
        # YAML makes a truth value of `when: true`; what it means is plain.
        source = node.value if isinstance(node, ScalarNode) else self.text(node, what)
        if not source:
            return None
        try:
            return compiled(source, known=self._known)
        except NotACondition as error:
            for flaw in error.flaws:
                self.wrong(node, f"{what} {flaw.says}")
            return None


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that is not known: what was meant, or what there is."""
    there = list(known)
    close = difflib.get_close_matches(name, there, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; it takes {', '.join(there)}" if there else "; there is none"
