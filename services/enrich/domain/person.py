"""A person's name: parts that were given stay as they are, a full name is taken apart, shouting and whispering are repaired."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct
from nameparser import HumanName

# Two plain words are a given and a family name; anything with a title, particle, comma or suffix is the library's.
_TWO_WORDS = re.compile(r"([^\W\d_][^\W\d_'’-]+(?:-[^\W\d_]+)?) ([^\W\d_][^\W\d_]+(?:-[^\W\d_]+)?)").fullmatch
_NO_PLAIN_WORDS = frozenset(
    "mr mrs ms miss dr prof herr frau dipl ing mag sir lord lady dame rev fr st sr sra don doña señor señora mme mlle m van von de del "
    "della di da dos du la le el al bin ibn abu ben ter ten zu zum zur af av and und y e jr sr ii iii iv phd md esq mba bsc msc".split()
)


class Parts(Struct, frozen=True, gc=False):
    """A full name taken apart."""

    given: str | None = None
    family: str | None = None
    title: str | None = None


@lru_cache(maxsize=5_000)
def read(full: str) -> Parts:
    """The parts of a full name (already tidied). Where it can't be told, a part is absent."""
    plain = _TWO_WORDS(full)
    if plain is not None:
        given, family = plain[1], plain[2]
        if given.lower() not in _NO_PLAIN_WORDS and family.lower() not in _NO_PLAIN_WORDS:
            return Parts(given, family)
    if len(full) > 200:
        return Parts()
    name = HumanName(full)
    given = " ".join(part for part in (name.first, name.middle) if part)
    return Parts(given or None, name.last or None, name.title or None)


@lru_cache(maxsize=5_000)
def tidy(text: str) -> str:
    """One space between words; words all in capitals or all in small letters get a capital each, mixed ones stay."""
    words = " ".join(text.split())
    if (words.isupper() and len(words) > 2) or words.islower():
        return " ".join(_capitalised(word) for word in words.split(" "))
    return words


def _capitalised(word: str) -> str:
    if word.lower() in (
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "du",
        "la",
        "le",
        "zu",
        "zur",
        "bin",
        "ibn",
        "y",
        "e",
    ):
        return word.lower()
    # Each part of a double name and what follows an apostrophe: Meyer-Landrut, O'Neil.
    return re.sub(r"(^|[-'’])(\w)", lambda found: found[1] + found[2].upper(), word.lower())
