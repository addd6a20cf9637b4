"""Countries and languages: what people write becomes an ISO 3166 code, by the territory names of Unicode's CLDR.

The names are in data/countries.json, which services/enrich/generate.py writes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import msgspec

TABLE = Path(__file__).parent / "data" / "countries.json"

_ALSO = {
    "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "great britain": "GB", "usa": "US", "u.s.a.": "US", "u.s.": "US",
    "united states of america": "US", "america": "US", "holland": "NL", "brd": "DE", "czech republic": "CZ", "turkey": "TR",
    "uae": "AE", "korea": "KR", "south korea": "KR", "russia": "RU", "d": "DE", "a": "AT", "ch": "CH",
}  # fmt: skip

_LOCALE = re.compile(r"([a-zA-Z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?(?:[-_.@].*)?", re.ASCII).fullmatch


class Table(msgspec.Struct, frozen=True, gc=False):
    """What CLDR says: countries by their names without case in common languages, and by their codes of three letters."""

    source: str
    licence: str
    made: str
    names: dict[str, str]
    alpha3: dict[str, str]


_cldr = msgspec.json.decode(TABLE.read_bytes(), type=Table)
_names = {**_cldr.names, **_ALSO}
_codes = frozenset(_cldr.names.values())


@lru_cache(maxsize=5_000)
def read(text: str) -> str | None:
    """The ISO 3166 code of the country that `text` names in a common language or by a code, else None."""
    plain = " ".join(text.split())
    if len(plain) == 2 and plain.upper() in _codes:
        return plain.upper()
    found = _names.get(plain.casefold())
    if found is None and len(plain) == 3 and plain.isascii():
        found = _cldr.alpha3.get(plain.upper())
    return found


@lru_cache(maxsize=5_000)
def of_locale(locale: str) -> tuple[str | None, str | None]:
    """Language and country of a locale (de-AT, zh-Hans-CN); what it doesn't say, or doesn't exist, is None."""
    found = _LOCALE(locale.strip())
    if found is None:
        return None, None
    country = (found[2] or "").upper()
    return found[1].lower(), country if country in _codes else None
