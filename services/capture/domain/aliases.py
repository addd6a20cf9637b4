"""What the fields of forms are: which trait, which surrounding, which marker, by the table data/fields.tsv. The spelling rule and the look-up, no values."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from services.capture.domain.touch import CLICK_IDS

TABLE = Path(__file__).parent / "data" / "fields.tsv"

Place = Literal["utm", "click", "surrounding", "honeypot", "trait", "consent", "property", "secret"]
Kind = Literal[
    "trait", "utm", "surrounding", "honeypot", "envelope", "secret", "secret-within", "property"
]  # of lines in the table

_LONGEST_NAME = 200  # characters; a longer name is nobody's field
_MOST_WRAPPERS = 4  # levels of envelopes that are looked through
_STEPS = re.compile(r"[.\[\]]+")
# JotForm numbers its fields (`q3_email`), Webflow the copies of one (`Email-2`).
_NUMBERED = re.compile(r"^q\d+_|-\d{1,2}$")
_NO_MARKS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})  # letters that Unicode takes for whole


class Line(NamedTuple):
    """One line of the table: what it is, in which language (ISO 639), and how forms spell it."""

    kind: Kind
    name: str
    language: str
    spellings: tuple[str, ...]


def lines() -> tuple[Line, ...]:
    """The table as it stands, for look-up and for the documentation. Raises ValueError at a line that is none."""
    found = []
    for number, text in enumerate(TABLE.read_text("utf-8").splitlines(), 1):
        if text.startswith("#"):
            continue
        parts = text.split("\t")
        if len(parts) != 4 or parts[0] not in get_args(Kind):
            raise ValueError(f"{TABLE.name}, line {number}: not kind, name, language and spellings between tabs.")
        spellings = tuple(spelling.strip() for spelling in parts[3].split(","))
        found.append(Line(parts[0], parts[1], parts[2], spellings))  # type: ignore[arg-type]
    return tuple(found)


def spelling(field: str) -> str:
    """The field's name as the look-up spells it: letters and digits only, without case and accents (`E-Mail`, `Prénom` are
    `email`, `prenom`)."""
    folded = field.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(_NO_MARKS))
        folded = "".join(mark for mark in folded if not unicodedata.combining(mark))
    return "".join(filter(str.isalnum, folded))


def _spelt(*kinds: Kind) -> dict[str, tuple[Kind, str]]:
    return {spelling(one): (line.kind, line.name) for line in lines() if line.kind in kinds for one in line.spellings}


_KNOWN = _spelt("trait", "utm", "surrounding", "honeypot", "secret", "property")
_ENVELOPES = frozenset(_spelt("envelope"))
_SECRET_WITHIN = re.compile("|".join(sorted(_spelt("secret-within"))))
_CLICKS = {spelling(name): name for name in CLICK_IDS}


@lru_cache(maxsize=4096)
def trait(field: str) -> str | None:
    """Which trait a form's field or an SDK's trait is, or None."""
    kind, name = _KNOWN.get(spelling(field[:_LONGEST_NAME]), ("", None))
    return name if kind == "trait" else None


@lru_cache(maxsize=4096)
def place(field: str) -> tuple[Place, str]:
    """Where a form's field belongs, and what it is called there; one that nobody knows is a property under its own name.

    A nested field goes by its path (`data[merges][LNAME]`, `user.email`): as a whole (`company.name`), or without the envelopes
    around it. In anything else it is somebody else's: `friend[email]` is no trait.
    """
    if len(field) > _LONGEST_NAME:
        return ("secret", field) if _SECRET_WITHIN.search(spelling(field)) else ("property", field)
    steps = [step for step in _STEPS.split(_NUMBERED.sub("", field)) if step]
    for start in range(min(len(steps), _MOST_WRAPPERS + 1)):
        found = _looked_up("".join(steps[start:]), steps[start:])
        if found is not None:
            return found
        if spelling(steps[start]) not in _ENVELOPES:
            break
    # A secret is one wherever it is wrapped: nobody's password is kept.
    last = spelling(steps[-1]) if steps else ""
    if _SECRET_WITHIN.search(spelling(field)) or _KNOWN.get(last, ("",))[0] == "secret":
        return "secret", field
    return "property", field


def _looked_up(whole: str, steps: list[str]) -> tuple[Place, str] | None:
    spelt = spelling(whole)
    if (known := _KNOWN.get(spelt)) is not None:
        kind, name = known
        return ("property", whole) if kind == "property" else (kind, name)  # type: ignore[return-value]
    if (click := _CLICKS.get(spelt)) is not None:
        return "click", click
    if _SECRET_WITHIN.search(spelt):
        return "secret", whole
    if len(steps) > 1 and _KNOWN.get(spelling(steps[0])) == ("surrounding", "consent"):
        return "consent", "_".join(steps[1:])
    if whole.lower().startswith("consent_"):
        return "consent", whole[len("consent_") :]
    return None
