"""Conditions in CEL: compiling one, and whether it holds for a lead. Which names there are is names.py's, what a lead is choice.py's.

Building a cel.Context from a profile costs tens of microseconds, evaluating one half of one. So each path that a condition names
becomes a variable of its own in a context that is used again, and answers are remembered by the values of these paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import cel

from services.route.domain import names
from services.route.domain.names import Fields, Flaw, Path, flaws_in

Verdict = tuple[bool, str | None]

_ABSENT: Any = object()
_REMEMBERED = 2048  # answers of one condition; then it starts again, which costs time and never an answer
_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<note>//[^\n]*)|(?P<sign>\S)""",
    re.DOTALL,
)
_PLAIN = re.compile(r"\"([^\"\\]+)\"|'([^'\\]+)'")
_MISSING = re.compile(r"Undefined variable or function: '(\w+)'")
_PLACE = re.compile(r"<input>:\d+:(\d+): (?:Syntax error: )?([^\n]*)")


class NotACondition(ValueError):
    """The text is no condition that can be evaluated here: `flaws` says everything that is wrong with it, and where."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__("; ".join(flaw.says for flaw in flaws))
        self.flaws = tuple(flaws)


class Condition:
    """A compiled condition; two of the same source are equal. It remembers answers, which never change them."""

    __slots__ = ("_answers", "_contexts", "_lists", "_names", "_program", "paths", "source")

    def __init__(
        self, source: str, names: Mapping[str, tuple[Path, bool]], program: Any, lists: Mapping[str, Any]
    ) -> None:
        self.source = source
        self.paths = tuple(path for path, _ in names.values())
        self._names = tuple((variable, path[:-1], path[-1], asks) for variable, (path, asks) in names.items())
        self._program = program
        self._lists = {name: list(values) for name, values in lists.items()}
        self._contexts: dict[tuple[bool, ...], Any] = {}
        self._answers: dict[Any, Verdict] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Condition({self.source!r})"

    def holds(self, about: Mapping[str, Any]) -> Verdict:
        """Whether it is true, and why not where it is not plain: a field that is absent, or values that can't be compared.

        `about` has the variables, each as JSON has it; one that is not there is an empty map. What can't be told is not so: nothing is
        ever raised. The reason names fields, never values.
        """
        values = [_value(about, parents, last, asks) for _, parents, last, asks in self._names]
        # 1, 1.0 and True are equal, and not the same to CEL.
        key: tuple[Any, ...] = (*values, *map(type, values))
        try:
            known = self._answers.get(key)
        except TypeError:  # a list or a map stands there
            key = (*(tuple(one) if type(one) is list else one for one in values), *map(type, values))
            try:
                known = self._answers.get(key)
            except TypeError:  # nothing to remember it by
                return self._asked(values)
        if known is None:
            known = self._asked(values)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[key] = known
        return known

    def _asked(self, values: Sequence[Any]) -> Verdict:
        # A variable can't be taken out of a context again, so each set of names that are there has its own.
        present = tuple([value is not _ABSENT for value in values])
        context = self._contexts.get(present)
        if context is None:
            context = self._contexts[present] = cel.Context({"lists": self._lists})
        try:
            for (variable, _, _, _), value in zip(self._names, values, strict=True):
                if value is not _ABSENT:
                    context.add_variable(variable, value)
            result = self._program.execute(context)
        except Exception as error:
            return False, self._because(error)
        if result is True:
            return True, None
        return False, None if result is False else "is neither true nor false"

    def _because(self, error: Exception) -> str:
        missing = _MISSING.search(str(error)) if isinstance(error, RuntimeError) else None
        for variable, parents, last, _ in self._names:
            if missing is not None and missing[1] == variable:
                return f"{'.'.join((*parents, last))} is not known"
        if isinstance(error, KeyError):
            return f"{error.args[0]} is not known"
        return f"can't be told ({type(error).__name__})"


def compiled(
    source: str, *, known: Fields = names.ROUTING, lists: Mapping[str, Sequence[str]] | None = None
) -> Condition:
    """The condition that `source` says over the variables of `known`. Raises NotACondition: broken syntax, or names that there are not."""
    try:
        program = cel.compile(source)
    except ValueError as error:
        found = _PLACE.search(str(error))
        says = f"is no CEL: {found[2]}" if found else "is no CEL"
        raise NotACondition([Flaw(says, int(found[1]) - 1 if found else 0)]) from None
    names, flat = _flattened(source, known)
    flaws = list(flaws_in(source, program, [(path, at) for path, _, at in names.values()], known, lists or {}))
    if flaws:
        raise NotACondition(flaws)
    variables = {variable: (path, asks) for variable, (path, asks, _) in names.items()}
    return Condition(source, variables, cel.compile(flat), lists or {})


def _flattened(source: str, known: Fields) -> tuple[dict[str, tuple[Path, bool, int]], str]:
    """By variable: the path that it stands for, whether only its presence is asked for, and where; and the source with the variables."""
    tokens = [token for token in _TOKEN.finditer(source) if token.lastgroup != "note"]
    names: dict[str, tuple[Path, bool, int]] = {}
    flat: list[str] = []
    at, written = 0, 0
    while at < len(tokens):
        if tokens[at].lastgroup != "name" or tokens[at].group() not in known or (at and tokens[at - 1].group() == "."):
            at += 1
            continue
        path, after = _path(tokens, at)
        around = [token.group() for token in (*tokens[max(at - 2, 0) : at], *tokens[after : after + 1])]
        asks = around == ["has", "(", ")"] and len(path) > 1
        variable = ("has_" if asks else "is_") + "\x1f".join(path).encode().hex()
        names.setdefault(variable, (path, asks, tokens[at].start()))
        begin = tokens[at - 2].start() if asks else tokens[at].start()
        end = tokens[after].end() if asks else tokens[after - 1].end()
        flat += source[written:begin], variable
        at, written = after, end
    flat.append(source[written:])
    return names, "".join(flat)


def _path(tokens: Sequence[re.Match[str]], at: int) -> tuple[Path, int]:
    """The longest plain path from token `at` on (a.b["c"], not a.b.size() nor a[b]), and the token after it."""
    path = [tokens[at].group()]
    at += 1
    while at + 1 < len(tokens):
        sign, name = tokens[at].group(), tokens[at + 1]
        following = tokens[at + 2].group() if at + 2 < len(tokens) else ""
        plain = _PLAIN.fullmatch(name.group()) if sign == "[" and following == "]" else None
        if sign == "." and name.lastgroup == "name" and following != "(":
            path.append(name.group())
            at += 2
        elif plain is not None:
            path.append(plain[1] or plain[2])
            at += 3
        else:
            break
    return tuple(path), at


def _value(about: Mapping[str, Any], parents: Path, last: str, asks: bool) -> Any:
    """What stands at a path, or _ABSENT. Where it is only asked for: whether it is there, _ABSENT where its parent is not."""
    at: Any = about
    for depth, name in enumerate(parents):
        at = at.get(name) if depth else at.get(name, {})
        if type(at) is not dict:
            return _ABSENT
    return last in at if asks else at.get(last, _ABSENT)
