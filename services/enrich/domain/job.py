"""What a job title says: how senior somebody is, and in which department; by the table data/titles.tsv."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from services.enrich.domain.tables import DATA, rows, words

_NONE, _ASSISTANT, UNKNOWN = "none", "assistant", "unknown"
# Of several that a title names the first one counts.
SENIORITIES = (UNKNOWN, "intern", "student", _ASSISTANT, "c-level", "founder", "vp", "head", "manager", "individual")
KINDS = ("seniority", "department")  # of lines in titles.tsv
# Departments whose words others use too (Projektleiter Einkauf, assistant of the finance director): they count where no other is named.
_GENERAL = frozenset(("management", "administration", "operations", "consulting"))

_MOST_WORDS = 24  # of a title that are looked at
_SHORTEST_PART = 4  # letters of a word that a pattern with * is tried on
# What tells that all are meant: (m/w/d), m/f, h/f, Leiter/in, Leiter:in, Directeur·rice, Consultant(e), Director/a.
_FOR_ALL = re.compile(
    r"\((?:[mwfdxhiagn]|gn|all genders|divers)(?:\s*[/|,]\s*(?:[mwfdxhian]|gn|divers))*\)|\b[mwfhx](?:[/|][mwfdxhi]){1,2}\b"
    r"|[/:*_·•]-?(?:innen|in|frau|rice|trice|euse|ne|a|e)(?=[\s,;)]|$)|\((?:innen|in|frau|rice|trice|euse|ne|a|e)\)"
)
_WORD = re.compile(r"[^\W_]+").findall
_UMLAUTS = re.compile(r"(?<=[^\W\d_])([aou])e|([aou])e(?=[^\W\d_])")  # in words; AE is one by itself


class Job(Struct, frozen=True, gc=False):
    """What a title says. `seniority` is unknown where the table knows no word of it; `department` absent."""

    seniority: str
    department: str | None = None


class _Table:
    """One concern's spellings: phrases by their words, words by how they begin and end."""

    __slots__ = ("begins", "ends", "longest", "phrases")

    def __init__(self) -> None:
        self.phrases: dict[str, str] = {}
        self.begins: dict[str, str] = {}
        self.ends: dict[str, str] = {}
        self.longest = 1

    def learn(self, spelling: str, value: str) -> None:
        folded = " ".join(_words(spelling))
        if spelling.startswith("*"):
            self.ends[folded] = value
        elif spelling.endswith("*"):
            self.begins[folded] = value
        else:
            self.phrases[folded] = value
            self.longest = max(self.longest, folded.count(" ") + 1)

    def found(self, title: Sequence[str]) -> list[str]:
        """What the words of a title are, in their order; of spellings that overlap the longest."""
        values = []
        at = 0
        while at < len(title):
            for end in range(min(len(title), at + self.longest), at, -1):
                value = self.phrases.get(" ".join(title[at:end]))
                if value is not None:
                    break
            else:
                end = at + 1
                value = self._of_word(title[at])
            if value is not None:
                values.append(value)
            at = end
        return values

    def _of_word(self, word: str) -> str | None:
        if word.endswith("in"):  # Leiterin: a woman who is a Leiter
            value = self.phrases.get(word[:-2]) or self._of_parts(word[:-2])
            if value is not None:
                return value
        return self._of_parts(word)

    def _of_parts(self, word: str) -> str | None:
        for cut in range(len(word) - _SHORTEST_PART + 1):
            value = self.ends.get(word[cut:])
            if value is not None:
                return value
        for cut in range(len(word), _SHORTEST_PART - 1, -1):
            value = self.begins.get(word[:cut])
            if value is not None:
                return value
        return None


_seniorities, _departments = _Table(), _Table()


def add(lines: Iterable[Sequence[str]]) -> None:
    """Takes in lines of titles.tsv, an operator's after ours: what comes later counts. For the wiring, before the first title is read."""
    for concern, value, _, spellings, *_ in lines:
        table = _seniorities if concern == "seniority" else _departments
        for spelling in words(spellings):
            table.learn(spelling, value)
    read.cache_clear()


@lru_cache(maxsize=5_000)
def read(title: str) -> Job:
    """What a title says, in whichever of the table's languages it is."""
    said = _words(title)[:_MOST_WORDS]
    levels = [value for value in _seniorities.found(said) if value != _NONE]
    level = min(levels, key=SENIORITIES.index) if levels else UNKNOWN
    departments = [value for value in _departments.found(said) if value != _NONE]
    department = next((one for one in departments if one not in _GENERAL), departments[0] if departments else None)
    return Job("individual" if level == _ASSISTANT else level, department)


def seniority(text: str) -> str | None:
    """The seniority that a form's own field names, or None where the table doesn't know it."""
    plain = text.strip().casefold()
    if plain in SENIORITIES and plain != _ASSISTANT:
        return plain
    level = read(text).seniority
    return level if level != UNKNOWN else None


def _words(text: str) -> list[str]:
    """The words of a text without case, accents, and what says that all genders are meant; ä and ae are one."""
    folded = text.casefold()
    if not folded.isalnum():
        folded = _FOR_ALL.sub(" ", folded) if "(" in folded or _MARKED(folded) else folded
    if not folded.isascii():
        bare = unicodedata.normalize("NFKD", folded).casefold()
        folded = "".join(mark for mark in bare if not unicodedata.combining(mark))
    return _WORD(_UMLAUTS.sub(r"\1\2", folded))


_MARKED = re.compile(r"[/:*_·•|]").search

add(rows(DATA / "titles.tsv"))
