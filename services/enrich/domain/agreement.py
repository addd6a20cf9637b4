"""Whether two full names can be one person's. Pure; where a name comes from, and what follows from it, is not here."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from services.enrich.domain.world import SEPARATOR

_NO_LETTER = re.compile(r"[\W\d_]+")
_LONG = 4  # letters: of shorter words another letter makes another word (Ina, Ida)


@lru_cache(maxsize=5_000)
def called(given: str, family: str) -> str | None:
    """A given and a family name as they are compared: small letters without accents, words with one blank between them; None where
    one of them has no letters."""
    parts = _plain(given), _plain(family)
    return SEPARATOR.join(parts) if all(parts) else None


@lru_cache(maxsize=5_000)
def disagree(one: str | None, other: str | None) -> bool:
    """Whether these are names (as `called` gives them) of two different people. Never where one is not known.

    They agree when given and family name agree each, also the one in the other's place. Two given names, or two family names, agree
    when one is how the other begins (an initial, a short form, the first of several), or they are apart by one slip of the pen. A family name
    also agrees with one of several words that has it in it (Miller, Miller-Smith). The other way round is the same.
    """
    if one is None or other is None or one == other:
        return False
    mine, theirs = one.split(SEPARATOR), other.split(SEPARATOR)
    return not (
        (_agree(mine[0], theirs[0]) and _family(mine[1], theirs[1]))
        or (_agree(mine[0], theirs[1]) and _agree(mine[1], theirs[0]))
    )


def _plain(text: str) -> str:
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark))
    return _NO_LETTER.sub(" ", plain).strip()


def _family(one: str, other: str) -> bool:
    words, others = set(one.split()), set(other.split())
    return _agree(one, other) or words <= others or others <= words


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one) or _slip(one, other)


def _slip(one: str, other: str) -> bool:
    """Whether one letter is missing, another, or in its neighbour's place."""
    if len(one) > len(other):
        one, other = other, one
    if len(one) < _LONG or len(other) - len(one) > 1:
        return False
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    rest, others = one[begin:], other[begin:]
    if len(one) < len(other):
        return rest == others[1:]
    return rest[1:] == others[1:] or (rest[1::-1] == others[:2] and rest[2:] == others[2:])
