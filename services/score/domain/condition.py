"""Conditions in CEL: what one names, and whether a set of them holds. Which names exist is in vocabulary.py.

A condition that cannot be told (a field that is absent, a text compared with a number) does not hold.

Building a cel.Context from a profile costs 12 us a leaf, evaluating 0.5 us. So each path that a condition names becomes
a flat variable of its own, conditions that name the same paths share a context, and answers are remembered by value,
of all together and of each group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cel
import msgspec
from msgspec import UNSET

from services.score.domain.reading import reader

Path = tuple[str, ...]
Roots = dict[str, Any]

ROOTS = (
    "activity",
    "profile",
    "lead",
    "signal",
    "total",
    "fit",
    "engagement",
)  # `lists` never changes: it stays as it is

_ABSENT: Any = UNSET  # reading.py's word for it
_REMEMBERED = 4096  # answers kept per group; then it starts again, which costs time and never an answer
_TOKEN = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<comment>//[^\n]*)|(?P<sign>\S)""",
    re.DOTALL,
)
_MEMBER = re.compile(r"\s*is_[0-9a-f]+\s+in\s+lists\s*\.\s*(\w+)\s*")


@dataclass(frozen=True, slots=True)
class Named:
    """A path that a condition names. `asks` is True where it only asks whether the path is there: has(profile.phone)."""

    path: Path
    asks: bool

    @property
    def variable(self) -> str:
        """A name for it that CEL takes and nobody writes by hand."""
        return ("has_" if self.asks else "is_") + "\x1f".join(self.path).encode().hex()


@dataclass(frozen=True, slots=True)
class Condition:
    """A CEL expression. `program` is what was written, `flat` the same with a variable for each path that it names.

    `member` is the list's name where all that it asks is whether a text is in a list: profile.email.domain in lists.staff.
    """

    source: str
    names: tuple[Named, ...]
    program: Any
    flat: Any
    member: str | None

    def holds(self, roots: Roots) -> bool:
        """Whether it holds, evaluated as it was written: slow, and the measure for Conditions."""
        try:
            return self.program.execute(cel.Context(variables=dict(roots))) is True
        except Exception:  # absent, of another kind, out of range: it cannot be told
            return False


def condition(source: str) -> Condition:
    """`source` compiled. Raises ValueError with CEL's message where it is no CEL."""
    program = cel.compile(source)
    tokens = tokens_of(source)
    names: dict[Named, None] = {}
    flat: list[str] = []
    at, written = 0, 0
    while at < len(tokens):
        if tokens[at].group() not in ROOTS or (at and tokens[at - 1].group() == "."):
            at += 1
            continue
        path, after = path_at(tokens, at)
        asks = (
            at >= 2
            and after < len(tokens)
            and (tokens[at - 2].group(), tokens[at - 1].group(), tokens[after].group()) == ("has", "(", ")")
        )
        named = Named(path, asks)
        names[named] = None
        begin = tokens[at - 2].start() if asks else tokens[at].start()
        end = tokens[after].end() if asks else tokens[after - 1].end()
        flat += source[written:begin], named.variable
        at, written = after, end
    flat.append(source[written:])
    member = _MEMBER.fullmatch("".join(flat))
    return Condition(source, tuple(names), program, cel.compile("".join(flat)), member[1] if member else None)


def tokens_of(source: str) -> list[re.Match[str]]:
    """The words, numbers, texts and signs (a character each) of an expression."""
    return [token for token in _TOKEN.finditer(source) if token.lastgroup != "comment"]


def path_at(tokens: Sequence[re.Match[str]], at: int) -> tuple[Path, int]:
    """The longest plain path that begins at token `at` (a.b["c"], not a.b.size() nor a[b]), and the token after it."""
    path = [tokens[at].group()]
    at += 1
    while at + 1 < len(tokens):
        sign, name = tokens[at].group(), tokens[at + 1]
        following = tokens[at + 2].group() if at + 2 < len(tokens) else ""
        if sign == "." and name.lastgroup == "name" and following != "(":
            path.append(name.group())
            at += 2
        elif sign == "[" and name.lastgroup == "string" and following == "]" and _is_plain(name.group()):
            path.append(name.group()[1:-1])
            at += 3
        else:
            break
    return tuple(path), at


def _is_plain(string: str) -> bool:
    return string[0] in "\"'" and "\\" not in string and string[:3] not in ('"""', "'''")


class Conditions:
    """Several conditions over the same things: `hold` says which of them hold. Remembers, so it is no value; the answers are."""

    __slots__ = ("_answers", "_asks_others", "_groups", "_members", "_of_profile", "_paths", "_read", "names_roots")

    def __init__(self, conditions: Mapping[int, Condition], lists: Mapping[str, Sequence[str]]) -> None:
        by_names: dict[tuple[Named, ...], dict[int, Condition]] = {}
        members: dict[Path, dict[str, list[int]]] = {}
        for index, one in conditions.items():
            if one.member is not None and one.member in lists:
                # Domains differ from lead to lead, so remembering does not help, and CEL would walk through the list.
                for entry in set(lists[one.member]):
                    members.setdefault(one.names[0].path, {}).setdefault(entry, []).append(index)
            else:
                by_names.setdefault(tuple(sorted(one.names, key=lambda named: named.variable)), {})[index] = one
        named = tuple(dict.fromkeys(one for names in by_names for one in names))
        self._members = tuple(members.items())
        self._paths = tuple((one.path[:-1], one.path[-1], one.asks) for one in named)
        self._groups = tuple(
            _Group(names, tuple(map(named.index, names)), group, lists) for names, group in by_names.items()
        )
        self._answers: dict[Any, tuple[int, ...]] = {}
        self.names_roots = frozenset(named.path[0] for one in conditions.values() for named in one.names)
        # Members stand behind the paths; those of something else than the profile are not looked for in its JSON.
        wanted = [(one.path, one.asks) for one in named] + [(path, False) for path in members]
        self._of_profile = tuple(place for place, (path, _) in enumerate(wanted) if path[0] == "profile")
        self._asks_others = len(self._of_profile) < len(wanted)
        is_readable = self._of_profile and all(path[0] == "profile" for path in members)
        read = [(wanted[place][0][1:], wanted[place][1]) for place in self._of_profile]
        self._read = reader(read) if is_readable else None

    def hold(self, roots: Roots) -> tuple[int, ...]:
        """The numbers of the conditions that hold, ascending. `roots` is what the names begin with: {"profile": {...}}."""
        values = self._values(roots)
        answer = _remembered(self._answers, values, self._ask)
        if not self._members:
            return answer
        found: list[int] = []
        for path, entries in self._members:
            at: Any = roots
            for name in path:
                at = at.get(name) if type(at) is dict else None
            if isinstance(at, str):
                found += entries.get(at, ())
        return tuple(sorted((*answer, *found))) if found else answer

    def hold_in(self, data: bytes, others: Roots) -> tuple[int, ...]:
        """The same with what they name of the profile read from its JSON, and the rest from `others`."""
        read = self._read(data) if self._read is not None else None
        if read is None:
            return self.hold(
                {**others, "profile": msgspec.json.decode(data)} if "profile" in self.names_roots else others
            )
        count = len(self._paths)
        if self._asks_others:
            values = [*self._values(others), *[_ABSENT] * len(self._members)]
            for place, value in zip(self._of_profile, read, strict=True):
                values[place] = value
        else:
            values = read
        answer = _remembered(self._answers, values[:count], self._ask)
        found: list[int] = []
        for (_, entries), value in zip(self._members, values[count:], strict=True):
            if type(value) is str:
                found += entries.get(value, ())
        return tuple(sorted((*answer, *found))) if found else answer

    def _values(self, roots: Roots) -> list[Any]:
        """What stands at each path, or _ABSENT. Where it is only asked for: whether it is there, _ABSENT where its parent is not."""
        found = []
        for parents, last, asks in self._paths:
            at: Any = roots
            for name in parents:
                at = at.get(name) if type(at) is dict else None
            if type(at) is not dict:
                found.append(_ABSENT)
            elif asks:
                found.append(last in at)
            else:
                found.append(at.get(last, _ABSENT))
        return found

    def _ask(self, values: Sequence[Any]) -> tuple[int, ...]:
        return tuple(sorted(index for group in self._groups for index in group.hold(values)))


class _Group:
    """Conditions that name the same paths."""

    __slots__ = ("_answers", "_contexts", "_lists", "_places", "_programs", "_variables")

    def __init__(
        self,
        names: tuple[Named, ...],
        places: tuple[int, ...],
        conditions: Mapping[int, Condition],
        lists: Mapping[str, Sequence[str]],
    ) -> None:
        self._places = places
        self._variables = tuple(named.variable for named in names)
        self._programs = tuple((index, one.flat) for index, one in conditions.items())
        self._lists = {name: list(values) for name, values in lists.items()}
        self._contexts: dict[tuple[bool, ...], Any] = {}
        self._answers: dict[Any, tuple[int, ...]] = {}

    def hold(self, values: Sequence[Any]) -> tuple[int, ...]:
        """Which of them hold, from the values of all conditions."""
        return _remembered(self._answers, [values[place] for place in self._places], self._ask)

    def _ask(self, values: Sequence[Any]) -> tuple[int, ...]:
        # A variable cannot be taken out of a context again, so each set of present names has its own.
        present = tuple(value is not _ABSENT for value in values)
        context = self._contexts.get(present)
        if context is None:
            context = self._contexts[present] = cel.Context(variables={"lists": self._lists})
        holding = []
        try:
            for variable, value in zip(self._variables, values, strict=True):
                if value is not _ABSENT:
                    context.add_variable(variable, value)
        except Exception:  # a value that CEL has no word for: nothing can be told of it
            return ()
        for index, program in self._programs:
            try:
                if program.execute(context) is True:
                    holding.append(index)
            except Exception:  # absent, of another kind, out of range: it cannot be told
                continue
        return tuple(holding)


def _remembered(
    answers: dict[Any, tuple[int, ...]], values: Sequence[Any], ask: Callable[[Sequence[Any]], tuple[int, ...]]
) -> tuple[int, ...]:
    """What `ask` answers for these values, asked once."""
    key = (*values, *map(type, values))  # 1, 1.0 and True are equal, and not the same to CEL
    try:
        answer = answers.get(key)
    except TypeError:  # a list or a map stands there: nothing to remember it by
        return ask(values)
    if answer is None:
        answer = ask(values)
        if len(answers) >= _REMEMBERED:
            answers.clear()
        answers[key] = answer
    return answer
