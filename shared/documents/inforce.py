"""What is in force for a number at a moment. No IO: who reads the store tells it (`take_in`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

D = TypeVar("D")

VERSION_DIGITS = 12
MOST_BYTES = 262_144  # of a document's text in UTF-8: with JSON's escapes it still fits into a record
BEFORE_ANY = -1
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def version_of(text: str) -> str:
    """What a text is called: the same text always the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_DIGITS]


class Unusable(Exception):
    """A text that is no document of its kind. `mistakes` has all of them, each with its line."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Publication:
    """One number's publication as its store keeps it. `seq` is the offset of its record."""

    part: int
    seq: int
    at: datetime
    version: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing(Generic[D]):
    """A document in force: since when, by which publication (`seq`, or BEFORE_ANY for the file), and what it says."""

    seq: int
    at: datetime
    version: str
    document: D
    options: Mapping[str, Any]


class Documents(Generic[D]):
    """The documents of one kind, and which of them is in force. `first` is the text in force before any publication.

    `read` makes a document of a text, or raises Unusable. Every version is read once.
    """

    def __init__(self, kind: str, *, read: Callable[[str], D], name: Callable[[D], str], first: str) -> None:
        self.kind = kind
        self.first = first
        self._read = read
        self._name = name
        self._documents: dict[str, D] = {}
        self._texts: dict[str, str] = {version_of(first): first}
        self._publications: dict[int, list[Publication]] = {}
        self._latest: dict[int, Standing[D]] = {}
        self._judged: tuple[str, tuple[str, ...]] | None = (
            None  # the text that was asked about last, and what is wrong with it
        )
        self._first = self._standing(Publication(0, BEFORE_ANY, _EVER, version_of(first)))

    def at(self, part: int, now: datetime) -> Standing[D]:
        """What is in force for a record of this number at this moment."""
        latest = self._latest.get(part)
        if latest is None:
            return self._first
        if latest.at <= now:
            return latest
        earlier = [one for one in self._publications[part] if one.at <= now]
        return self._standing(earlier[-1]) if earlier else self._first

    def since(self, part: int, seq: int, now: datetime) -> list[Standing[D]]:
        """The publications of this number after that one and up to this moment, in order."""
        latest = self._latest.get(part)
        if latest is None or latest.seq <= seq:
            return []
        return [self._standing(one) for one in self._publications[part] if one.seq > seq and one.at <= now]

    def latest(self, part: int) -> Standing[D]:
        """The last publication of this number, in force from its moment on."""
        return self._latest.get(part, self._first)

    def by_seq(self, part: int, seq: int) -> Standing[D]:
        """The publication of this number with this `seq`. Raises LookupError where the number has none such."""
        if seq == BEFORE_ANY:
            return self._first
        for one in reversed(self._publications.get(part, ())):
            if one.seq == seq:
                return self._standing(one)
        raise LookupError(f"number {part} has no publication {seq}")

    def take_in(self, part: int, publications: Sequence[Publication], texts: Mapping[str, str]) -> None:
        """All publications of this number from now on, in order, with the texts of their versions. Raises Unusable when the last one can't
        be used (any more): nothing of this number is decided then."""
        self._texts |= texts
        if publications:
            self._publications[part] = list(publications)
            self._latest[part] = self._standing(publications[-1])
        else:
            self._publications.pop(part, None)
            self._latest.pop(part, None)

    def document(self, text: str) -> D:
        """What a text says; remembered. Raises Unusable with all its mistakes."""
        version = version_of(text)
        if version not in self._documents:
            self._documents[version] = self._read(text)
        return self._documents[version]

    def mistakes(self, text: str) -> tuple[str, ...]:
        """Why a text can't be used; none where it can. Only the last answer is remembered: a publication comes once in every number."""
        judged = self._judged
        if judged is None or judged[0] != text:
            judged = self._judged = text, self._mistakes(text)
        return judged[1]

    def _mistakes(self, text: str) -> tuple[str, ...]:
        if "\x00" in text:
            return ("it holds a NUL, which is no text",)
        if len(text.encode(errors="replace")) > MOST_BYTES:
            return (f"it is larger than {MOST_BYTES // 1024} KiB",)
        try:
            self._read(text)
        except Unusable as error:
            return error.mistakes
        return ()

    def name(self, text: str) -> str:
        """The id that a document gives itself. Raises Unusable. Nothing of it is remembered: drafts are many."""
        return self._name(self._documents.get(version_of(text)) or self._read(text))

    def anew(self, text: str | None = None) -> D:
        """What a text says, or the one in force for number 0: read for the caller alone. For another thread: a document may remember what it was
        asked, and whoever decides by it must not find somebody else's answers. Raises Unusable."""
        return self._read(self._texts[self.latest(0).version] if text is None else text)

    def _standing(self, one: Publication) -> Standing[D]:
        return Standing(one.seq, one.at, one.version, self.document(self._texts[one.version]), one.options)
