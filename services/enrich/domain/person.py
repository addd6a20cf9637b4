"""A person's name: parts that were given stay as they are, a full name is taken apart, shouting and whispering are repaired.

What is plain in a Latin script is taken apart by the words of data/names.tsv; nameparser, at some 300 us a name, is asked about the rest.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from msgspec import Struct
from nameparser import parse

from services.enrich.domain.tables import DATA, rows, words

# Two plain words (Latin, Greek, Cyrillic) that are none of the table's are a given and a family name.
_TWO_WORDS = re.compile(
    r"([A-Za-zÀ-ӿḀ-ỿ]{2,}(?:-[A-Za-zÀ-ӿḀ-ỿ]+)?) ([A-Za-zÀ-ӿḀ-ỿ]{2,}(?:-[A-Za-zÀ-ӿḀ-ỿ]+)?)"
).fullmatch
_LATIN = re.compile(r"(?:[A-Za-zÀ-ɏḀ-ỿ'’.ª-]+(?: |$))+").fullmatch
_NO_NAME = re.compile(r"@|://|www\.", re.IGNORECASE).search
_PART = re.compile(r"(^|[-'’.])([^\W\d_])").sub
_AFTER_MC = re.compile(r"^Mc([a-z])").sub
_LONGEST, _MOST_WORDS = 200, 10


def _table() -> dict[str, dict[str, str]]:
    """The words by what they are, without case, with their usual spelling."""
    found: dict[str, dict[str, str]] = {}
    for kind, _, spellings in rows(DATA / "names.tsv"):
        for word in words(spellings):
            found.setdefault(kind, {}).setdefault(word.lower(), word)
    return found


_WORDS = _table()
_TITLES, _AFTER, _NOBLE, _SUFFIXES = _WORDS["title"], _WORDS["after"], _WORDS["noble"], _WORDS["suffix"]
_PARTICLES = frozenset(_WORDS["particle"])
_JOINTS = frozenset(_WORDS["joint"])
_PLAIN_NO_MORE = frozenset(word.rstrip(".") for kind in _WORDS.values() for word in kind) | {"and", "und", "et", "o"}
_SPELT = {**_SUFFIXES, **_NOBLE, **_AFTER, **_TITLES}


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
        if given.lower() not in _PLAIN_NO_MORE and family.lower() not in _PLAIN_NO_MORE:
            return Parts(given, family)
    if len(full) > _LONGEST or _NO_NAME(full):
        return Parts()
    before, comma, behind = full.partition(", ")
    if _LATIN(before) and (not comma or _LATIN(behind)):
        parts = _in_order(before.split(), behind.split())
        if parts is not None:
            return parts
    name = parse(full)
    return Parts(name.given_names or None, name.family or None, name.title or None)


def _in_order(names: list[str], behind: list[str]) -> Parts | None:
    """The parts of a name in a Latin script, and of what stands behind its comma; None where it is not plain."""
    if len(names) + len(behind) > _MOST_WORDS or {"and", "und", "et"} & {name.lower() for name in names + behind}:
        return None
    title = _taken_titles(names)
    while behind and behind[-1].lower() in _SUFFIXES:
        behind.pop()
    while len(names) > 2 and names[-1].lower() in _SUFFIXES:
        names.pop()
    if behind:  # Doe, Jo
        title += _taken_titles(behind)
        while len(behind) > 1 and behind[-1].lower() in _PARTICLES:
            names.insert(0, behind.pop())  # Beethoven, Ludwig van
        return Parts(" ".join(behind) or None, " ".join(names) or None, " ".join(title) or None)
    begin = _family_begins(names, titled=bool(title))
    return Parts(" ".join(names[:begin]) or None, " ".join(names[begin:]) or None, " ".join(title) or None)


def _taken_titles(names: list[str]) -> list[str]:
    """The titles in front, which are taken off; the last word stays."""
    titles: list[str] = []
    while len(names) > 1:
        word = names[0].lower()
        # Graf von Muster, but Baron Davis: two words are a given and a family name.
        noble = word in _NOBLE and not titles and (len(names) > 2 or names[1] in _PARTICLES)
        if not (word in _TITLES or noble or (titles and word in _AFTER)):
            break
        titles.append(names.pop(0))
    return titles


def _family_begins(names: list[str], *, titled: bool) -> int:
    """Where the family name begins."""
    if len(names) == 1:
        return 0 if titled else 1
    if names[0] in _PARTICLES and (titled or len(names) > 2):  # de la Cruz, in small letters: no given name
        return 0
    for at in range(1, len(names)):
        word = names[at].lower()
        if word in _PARTICLES or word in _NOBLE:
            return at
        if word in _JOINTS and 1 < at < len(names) - 1:
            return at - 1  # Ortega y Gasset
    return len(names) - 1


@lru_cache(maxsize=5_000)
def tidy(text: str) -> str:
    """One space between words; words all in capitals or all in small letters get a capital each, mixed ones stay. What can't be seen goes."""
    if not text.isascii():
        text = "".join(mark for mark in unicodedata.normalize("NFC", text) if unicodedata.category(mark) != "Cf")
    plain = " ".join(text.split())
    if (plain.isupper() and len(plain) > 2) or plain.islower():
        parts = plain.split(" ")
        return " ".join([_capitalised(word, at, len(parts)) for at, word in enumerate(parts)])
    return plain


def _capitalised(word: str, at: int, count: int) -> str:
    small = word.replace("İ", "i").lower()
    if small in _PARTICLES or (small in _JOINTS and 0 < at < count - 1 and count > 3):
        return small
    spelt = _SPELT.get(small)
    if spelt is not None and count > 1:
        return spelt
    # Each part of a double name and what follows an apostrophe: Meyer-Landrut, O'Neil; and McDonald.
    big = _PART(lambda found: found[1] + _big(found[2]), small)
    return _AFTER_MC(lambda found: f"Mc{found[1].upper()}", big) if big.startswith("Mc") and len(big) > 3 else big


def _big(letter: str) -> str:
    big = letter.upper()
    return big if len(big) == 1 else letter  # ß has no capital in names
