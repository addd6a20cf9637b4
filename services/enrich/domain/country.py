"""Countries and languages: what people write becomes an ISO 3166 code, by the territory names of Unicode's CLDR (Babel)."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

_LANGUAGES = "en de fr es it nl pt pl sv da nb fi cs hu tr ro el ru uk ja zh ko ar".split()
_ALSO = {
    "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "great britain": "GB", "usa": "US", "u.s.a.": "US", "u.s.": "US",
    "united states of america": "US", "america": "US", "holland": "NL", "brd": "DE", "czech republic": "CZ", "turkey": "TR",
    "uae": "AE", "korea": "KR", "south korea": "KR", "russia": "RU", "d": "DE", "a": "AT", "ch": "CH",
}  # fmt: skip

_LOCALE = re.compile(r"([a-zA-Z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?(?:[-_.@].*)?", re.ASCII).fullmatch


@lru_cache(maxsize=1)
def _territories() -> tuple[dict[str, str], frozenset[str]]:
    names: dict[str, str] = {}
    codes: set[str] = set()
    for language in _LANGUAGES:
        for code, spelling in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"):
                codes.add(code)
                names.setdefault(spelling.casefold(), code)
    names.update(_ALSO)
    return names, frozenset(codes)


@lru_cache(maxsize=5_000)
def read(text: str) -> str | None:
    """The ISO 3166 code of the country that `text` names in a common language or by a code, else None."""
    names, codes = _territories()
    plain = " ".join(text.split())
    if len(plain) == 2 and plain.upper() in codes:
        return plain.upper()
    found = names.get(plain.casefold())
    if found is None and len(plain) == 3 and plain.isascii():
        found = _alpha3().get(plain.upper())
    return found


@lru_cache(maxsize=1)
def _alpha3() -> dict[str, str]:
    from babel.core import get_global

    aliases = get_global("territory_aliases")  # CLDR lists DEU -> DE and the like
    return {code: to[0] for code, to in aliases.items() if len(code) == 3 and code.isalpha() and len(to) == 1}


@lru_cache(maxsize=5_000)
def of_locale(locale: str) -> tuple[str | None, str | None]:
    """Language and country of a locale (de-AT, zh-Hans-CN); what it doesn't say, or doesn't exist, is None."""
    found = _LOCALE(locale.strip())
    if found is None:
        return None, None
    country = (found[2] or "").upper()
    return found[1].lower(), country if country in _territories()[1] else None


def warm() -> None:
    """Loads the tables now (0.3 s) rather than in the first batch."""
    _territories()
    _alpha3()
