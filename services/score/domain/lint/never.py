"""Whether a condition in CEL can hold at all, as far as that can be proven from its text. What to do about it is said elsewhere.

A condition is alternatives (`||`) of parts that must all hold (`&&`). Understood are comparisons of one path with plain values, and `in`
with a list of them; of everything else it is taken that it can hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.score.domain.condition import ROOTS, Path, path_at, tokens_of
from services.score.domain.lint.values import Range, kind_of, known_as, mistaken

Tokens = Sequence[re.Match[str]]
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class Asked(NamedTuple):
    """What a part asks of a path: that it is compared so with one of these values. `at` is where it stands in the text."""

    path: Path
    sign: str  # ==, !=, <, <=, >, >=; several values only with ==
    values: tuple[Any, ...]
    at: int


class Dead(NamedTuple):
    """Why nothing fulfils a condition (`whole`), one alternative of it, or only one value that it asks for; and where that stands."""

    why: str
    at: int
    what: str  # whole, part, value


def dead_parts(
    source: str,
    lists: Mapping[str, Sequence[str]],
    given: Sequence[Asked] = (),
    ranges: Mapping[str, Range] | None = None,
) -> Iterator[Dead]:
    """What of a condition can never hold. `given` holds beside it: what a rule's `match` asks; `ranges` are where points can be."""
    alternatives = list(_split(tokens_of(source), "||"))
    dead = []
    for one in alternatives:
        asked = list(given)
        why: tuple[str, int] | None = None
        for part in _split(one, "&&"):
            found = _asked(_bare(part), lists)
            if isinstance(found, Asked):
                asked.append(found)
                says = [says for value in found.values if (says := mistaken(found.path, value))]
                if len(says) == len(found.values) and found.sign != "!=":
                    why = why or (says[0], found.at)
                else:
                    yield from (Dead(one, found.at, "value") for one in says)
            elif found is not None:
                why = why or (found, part[0].start())
        why = why or _contradiction(asked, ranges or {})
        if why is not None:
            dead.append(why)
    for reason, at in dead:
        yield Dead(reason, at, "whole" if len(dead) == len(alternatives) else "part")


def _split(tokens: Tokens, sign: str) -> Iterator[Tokens]:
    """The parts between a doubled sign that stands in no bracket. One part where `? :` decides between parts."""
    depth, begin = 0, 0
    parts: list[Tokens] = []
    for index, token in enumerate(tokens):
        text = token.group()
        if text == "?" and depth == 0:
            parts, begin = [], 0
            break
        if token.lastgroup == "sign":
            depth += (text in "([{") - (text in ")]}")
            if depth == 0 and index > begin and text == sign[0] and tokens[index - 1].group() == text:
                parts.append(tokens[begin : index - 1])
                begin = index + 1
    yield from (part for part in (*parts, tokens[begin:]) if part)


def _bare(tokens: Tokens) -> Tokens:
    """Without brackets around the whole."""
    while len(tokens) > 2 and tokens[0].group() == "(":
        depth, after = 1, 1
        while depth and after < len(tokens):
            depth += (tokens[after].group() == "(") - (tokens[after].group() == ")")
            after += 1
        if after < len(tokens):
            break
        tokens = tokens[1:-1]
    return tokens


def _asked(tokens: Tokens, lists: Mapping[str, Sequence[str]]) -> Asked | str | None:
    """What a part asks; a text where it can't hold by itself; None where it is not understood."""
    words = [token.group() for token in tokens]
    if words == ["false"]:
        return "`false` never holds"
    if words and words[0] in ROOTS:
        path, after = path_at(tokens, 0)
        at, rest = tokens[0].start(), tokens[after:]
        if not rest:
            return Asked(path, "==", (True,), at)
        sign, values = _sign(rest)
        if sign == "in":
            if [token.group() for token in values[:2]] == ["lists", "."] and len(values) == 3:
                entries = lists.get(values[2].group())
                if entries is None:
                    return None
                return Asked(path, "==", tuple(entries), at) if entries else f"the list {values[2].group()} is empty"
            inside = _list(values)
            return Asked(path, "==", inside, at) if inside else None
        value = _literal(values)
        return Asked(path, sign, (value,), at) if sign in _FLIPPED and value is not None else None
    for index, token in enumerate(tokens):
        if token.group() in ROOTS:
            path, after = path_at(tokens, index)
            size = 2 if "".join(words[index - 2 : index]) in _FLIPPED else 1
            sign, value = "".join(words[index - size : index]), _literal(tokens[: index - size])
            is_comparison = after == len(tokens) and sign in _FLIPPED and value is not None
            return Asked(path, _FLIPPED[sign], (value,), token.start()) if is_comparison else None
    return None


def _sign(tokens: Tokens) -> tuple[str, Tokens]:
    """The sign of a comparison at the beginning, and what follows it."""
    size = 2 if "".join(token.group() for token in tokens[:2]) in _FLIPPED else 1
    return "".join(token.group() for token in tokens[:size]), tokens[size:]


def _list(tokens: Tokens) -> tuple[Any, ...]:
    """The plain values of `[a, b]`; nothing where it is none, or has others in it."""
    words = [token.group() for token in tokens]
    if len(words) < 3 or words[0] != "[" or words[-1] != "]":
        return ()
    values = []
    for part in _separated(tokens[1:-1]):
        value = _literal(part)
        if value is None:
            return ()
        values.append(value)
    return tuple(values)


def _separated(tokens: Tokens) -> Iterator[Tokens]:
    begin = 0
    for index, token in enumerate(tokens):
        if token.group() == ",":
            yield tokens[begin:index]
            begin = index + 1
    yield tokens[begin:]


def _literal(tokens: Tokens) -> Any:
    """A plain text, number or truth; None where it is none."""
    words = [token.group() for token in tokens]
    if len(words) == 1 and words[0] in ("true", "false"):
        return words[0] == "true"
    if len(words) == 1 and tokens[0].lastgroup == "string" and words[0][0] in "\"'" and "\\" not in words[0]:
        return words[0][1:-1] if words[0][:3] not in ('"""', "'''") else None
    if words and tokens[-1].lastgroup == "number" and words[:-1] in ([], ["-"]):
        try:
            return float("".join(words))
        except ValueError:
            return None
    return None


def _contradiction(asked: Sequence[Asked], ranges: Mapping[str, Range]) -> tuple[str, int] | None:
    """Why not all of it can hold together."""
    by_path: dict[Path, list[Asked]] = {}
    for one in asked:
        by_path.setdefault(one.path, []).append(one)
    for path, all_ in by_path.items():
        name = ".".join(path)
        equal = [set(one.values) for one in all_ if one.sign == "=="]
        if equal and not (left := set.intersection(*equal)):
            return (
                f"{name} would have to be {' and '.join(_words(one) for one in all_ if one.sign == '==')} at once",
                all_[-1].at,
            )
        if equal and not left - {value for one in all_ if one.sign == "!=" for value in one.values}:
            return f"{name} is asked to be {_words(all_[0])} and not to be", all_[-1].at
        if kind_of(path) != "number":
            continue
        low, high = ranges.get(name) or known_as(path)
        for one in sorted(all_, key=lambda one: one.at):
            value = one.values[0]
            if one.sign == "!=" or len(one.values) > 1 or not isinstance(value, float):
                continue
            if (value > high or (value == high and one.sign == ">")) and one.sign in (">", ">=", "=="):
                return f"{name} is {high:g} at most", one.at
            if (value < low or (value == low and one.sign == "<")) and one.sign in ("<", "<=", "=="):
                return f"{name} is {low:g} at least", one.at
            low = max(low, value) if one.sign in (">", ">=", "==") else low
            high = min(high, value) if one.sign in ("<", "<=", "==") else high
    return None


def _words(asked: Asked) -> str:
    return " or ".join(
        f'"{one}"' if isinstance(one, str) else f"{one:g}" if isinstance(one, float) else str(one).lower()
        for one in asked.values
    )
