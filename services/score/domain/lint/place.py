"""Where a part of a ruleset stands in its document, and a note of what is odd about it. What is odd is decided beside this."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from services.score.domain.document import Document
from services.score.domain.ruleset import Ruleset

Step = str | int


class Looking:
    """A ruleset, its document, and what was noted so far."""

    __slots__ = ("_root", "doc", "ruleset")

    def __init__(self, root: Node, ruleset: Ruleset, text: str) -> None:
        self.doc = Document(lines=text.splitlines())
        self.ruleset = ruleset
        self._root = root

    def odd(self, says: str, *path: Step, at: int | None = None) -> None:
        """Notes what hinders nothing, at the part that a path of keys and numbers leads to, or as far as it leads."""
        node = self.node(*path)
        self.doc.note(node, says, at=at if isinstance(node, ScalarNode) else None, hinders=False)

    def node(self, *path: Step) -> Node:
        """What stands there, or the last part on the way that is there."""
        node = self._root
        for step in path:
            below = _below(node, step)
            if below is None:
                break
            node = below
        return node


def _below(node: Node, step: Step) -> Node | None:
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if getattr(key, "value", None) == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: Node = node.value[step]
        return found
    return None
