"""A document while it is read: the mistakes so far, the names that were given, and the ways to read what all parts have: ids, conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import Node

from services.score.domain import vocabulary
from services.score.domain.condition import Condition, condition
from services.score.domain.document import Document
from services.score.domain.thresholds import thresholds

_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
NEVER = condition("false")  # stands for a condition that could not be read


@dataclass(slots=True)
class Draft:
    """One pass over one document. After a mistake each way gives something harmless, since nothing comes of the document anyhow."""

    doc: Document = field(default_factory=Document)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def id(self, node: Node | None, where: str, *, unique: bool = True) -> str:
        """A name in small letters; of rules and segments each is given once."""
        name = self.doc.text(node, where)
        if node is None or not name:
            return ""
        if not _ID.fullmatch(name):
            self.doc.note(
                node, f"{where} {name!r} must be small letters and digits with hyphens, for example demo-request"
            )
        if unique and name in self.ids:
            self.doc.note(node, f"there is already a rule with the id {name}; contributions are told apart by it")
        if unique:
            self.ids.add(name)
        return name

    def condition(self, node: Node | None, where: str, known: Mapping[str, Any]) -> Condition | None:
        """A condition in CEL that uses names of `known` (one of vocabulary's tables) alone."""
        source = self.doc.text(node, where)
        if node is None or not source:
            return None
        try:
            found = condition(source)
        except ValueError as error:
            says, at = _cel_says(error, source)
            self.doc.note(node, f"{where} is no CEL: {says}", at=at)
            return None
        for wrong, says in vocabulary.mistakes_in(found, known, self.lists):
            self.doc.note(node, f"{where}: {says}", at=_place(wrong, source))
        try:
            list(thresholds(source))
        except ValueError as error:
            self.doc.note(node, f"{where}: {error}")
        return found

    def duration(self, node: Node | None, where: str) -> int | None:
        """How long, above nothing, in microseconds."""
        if node is None:
            return None
        known = len(self.doc.mistakes)
        seconds = self.doc.seconds(node, where)
        if seconds <= 0 and len(self.doc.mistakes) == known:
            self.doc.note(node, f"{where} must be longer than nothing, for example 30d")
        return round(seconds * 1_000_000) if seconds > 0 else None


def _cel_says(error: ValueError, source: str) -> tuple[str, int | None]:
    """The heart of CEL's message: what is wrong, without the drawing below it; and at which character of the source, from 0."""
    found = re.search(r"<input>:(\d+):(\d+): (.*)", str(error))
    if found is None:
        return str(error).splitlines()[0], None
    before = sum(map(len, source.splitlines(keepends=True)[: int(found[1]) - 1]))
    return f"{found[3]} (at character {found[2]})", before + int(found[2]) - 1


def _place(wrong: str, source: str) -> int | None:
    """Where a name or a text stands in a condition."""
    found = re.search(rf"(?<!\w){re.escape(wrong)}(?!\w)", source)
    return found.start() if found else None
