"""What the fields of forms are called: which trait, which surrounding, which marker, by the table data/fields.tsv. The spelling rule and the look-up, no values."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from shared.origin import CLICK_IDS

TABLE = Path(__file__).parent / "data" / "fields.tsv"

Place = Literal["trait", "utm", "click", "surrounding", "consent", "honeypot", "secret", "property"]
Kind = Literal[
    "trait", "utm", "surrounding", "consent", "honeypot", "envelope", "secret", "secret-within", "property", "word"
]  # of lines in the table

_LONGEST = 200  # characters of a path that are looked at, from its end; so many are remembered
_MOST_PLACES = 4096
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
    `email`, `prenom`). An underscore in front stays: `_t` is a machine's, `t` is anybody's."""
    folded = field.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(_NO_MARKS))
        folded = "".join(mark for mark in folded if not unicodedata.combining(mark))
    return ("_" if field[:1] == "_" else "") + "".join(filter(str.isalnum, folded))


def _spelt(*kinds: Kind) -> dict[str, tuple[Kind, str]]:
    return {spelling(one): (line.kind, line.name) for line in lines() if line.kind in kinds for one in line.spellings}


_KNOWN = _spelt("trait", "utm", "surrounding", "consent", "honeypot", "secret", "property")
_ENVELOPES = frozenset(_spelt("envelope"))
_SECRET_WITHIN = re.compile("|".join(sorted(_spelt("secret-within"))))
_WORDS = _spelt("word")
_CLICKS = {spelling(name): name for name in CLICK_IDS}


@lru_cache(maxsize=4096)
def word(value: str) -> str | None:
    """What a value says whatever its field: `salutation`, `yes`, `no`; or None. Call it with a short one: it may remember it."""
    return _WORDS.get(spelling(value), ("word", None))[1]


def trait(field: str) -> str | None:
    """Which trait a form's field or an SDK's trait is, or None."""
    place, name = PLACES[field]
    return name if place == "trait" else None


class _Places(dict[str, tuple[Place, str]]):
    """Places by path; what a path is, is worked out once. The same forms come again and again, and a new one costs some 10 us."""

    def __missing__(self, path: str) -> tuple[Place, str]:
        found = _place(path[-_LONGEST:])
        if len(path) <= _LONGEST:
            if len(self) >= _MOST_PLACES:
                self.clear()
            self[path] = found
        return found


# Where a form's field belongs, and what it is called there; one that nobody knows is a property. A nested field goes by its path
# (`data[merges][LNAME]`, `user.email`): as a whole (`company.name`), or without the envelopes around it. In anything else it is
# somebody else's: `friend[email]` is no trait.
PLACES = _Places()


def _place(path: str) -> tuple[Place, str]:
    steps = [step for step in _STEPS.split(_NUMBERED.sub("", path)) if step]
    if len(steps) > 1 and steps[-1] == "value":
        steps.pop()
    spelt = [spelling(step) for step in steps]
    for start in range(min(len(steps), _MOST_WRAPPERS + 1)):
        found = _looked_up(steps[start:], spelt[start:])
        if found is not None:
            return found
        if spelt[start] not in _ENVELOPES:
            break
    # A secret is one wherever it is wrapped: nobody's password is kept.
    if _SECRET_WITHIN.search("".join(spelt)) or (spelt and _known(spelt[-1])[0] == "secret"):
        return "secret", ""
    return "property", ""


def wraps(path: str) -> bool:
    """Whether there is nothing but envelopes in the path, so that what is within is the form's own."""
    return all(spelling(step) in _ENVELOPES for step in _STEPS.split(path[-_LONGEST:]) if step)


def names_a_secret(text: str) -> bool:
    """Whether a text that is no list of fields may hold the name of a secret one."""
    if _SECRET_WITHIN.search(spelling(text)):
        return True
    return any(_known(spelling(word))[0] == "secret" for word in set(re.findall(r"[\w-]+", text)))


def _known(spelt: str) -> tuple[Kind | Literal[""], str]:
    return _KNOWN[spelt] if spelt in _KNOWN else _KNOWN.get(spelt.lstrip("_"), ("", ""))


def _looked_up(steps: list[str], spelt: list[str]) -> tuple[Place, str] | None:
    whole = "".join(spelt)
    kind, name = _known(whole)
    if kind:
        return kind, name  # type: ignore[return-value]
    if (click := _CLICKS.get(whole)) is not None:
        return "click", click
    if len(steps) > 1 and _known(spelt[0]) == ("surrounding", "consent"):
        return "consent", "_".join(steps[1:])
    if steps[0].lower().startswith("consent_"):
        return "consent", "_".join(steps)[len("consent_") :]
    return None
