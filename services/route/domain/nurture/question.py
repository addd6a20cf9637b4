"""Asking a condition about a lead, cheaply: most speak of the stage alone, and answers are remembered by value. What conditions are is conditions.py's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from services.route.domain.conditions import Condition

# Fields of `lead` whose values are few, so that answers by value are worth remembering.
_FEW = frozenset({"stage", "episodes", "recycled"})
_REMEMBERED = 1024
_STAGE = re.compile(r"\s*lead\.stage\s*==\s*(\"\w+\"|'\w+')\s*")
_STAGES = re.compile(r"\s*lead\.stage\s+in\s*\[((?:\s*(?:\"\w+\"|'\w+')\s*,?)+)\]\s*")


class About(Protocol):
    """What a lead's conditions see, by variable; built only when it is asked for."""

    def see(self, variable: str) -> Mapping[str, Any]: ...

    def few(self, names: tuple[str, ...]) -> Any: ...


class Question:
    """A compiled condition that remembers its answers. Two of the same source are equal.

    `stages`: the only stages in which it can hold, as far as that can be told from the text; None where it can't.
    """

    __slots__ = ("_answers", "_mentions", "_names", "condition", "stages")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self._mentions = frozenset(path[0] for path in condition.paths)
        lead = {path[1] if len(path) > 1 else "" for path in condition.paths}
        few = lead if self._mentions == {"lead"} and lead <= _FEW else None
        self._names = tuple(sorted(few)) if few is not None else None
        self._answers: dict[Any, bool] = {}
        self.stages = _stages(condition.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.condition == other.condition

    def __hash__(self) -> int:
        return hash(self.condition)

    def __repr__(self) -> str:
        return self.condition.source

    def can_hold(self, stage: str) -> bool:
        """Whether it may hold in this stage; nothing else is looked at."""
        return self.stages is None or stage in self.stages

    @property
    def asks_few(self) -> bool:
        """Whether it looks at nothing but stage, episodes and what sales sent back."""
        return self._names is not None

    def mentions(self, variable: str) -> bool:
        """Whether it looks at this variable."""
        return variable in self._mentions

    def holds(self, about: About) -> bool:
        """Whether it holds. What can't be told does not."""
        if self._names is None:
            return self._ask(about)
        key = about.few(self._names)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            answer = self._answers[key] = self._ask(about)
        return answer

    def _ask(self, about: About) -> bool:
        seen = {variable: about.see(variable) for variable in self._mentions}
        return self.condition.holds(seen)[0]


def _stages(source: str) -> frozenset[str] | None:
    """The stages that one of the parts which must all hold names. Only plain conditions are understood: `a && b && c`."""
    if any(sign in source for sign in ("||", "?", "//", "\\")):
        return None
    before = ""
    for part in source.split("&&"):
        if _is_outside(before):
            if found := _STAGE.fullmatch(part):
                return frozenset({found[1][1:-1]})
            if found := _STAGES.fullmatch(part):
                return frozenset(re.findall(r"\w+", found[1]))
        before += part
    return None


def _is_outside(before: str) -> bool:
    """Whether what follows this text stands in no bracket and in no string."""
    return all(before.count(a) == before.count(b) for a, b in ("()", "[]", "{}")) and not (
        before.count('"') % 2 or before.count("'") % 2
    )
