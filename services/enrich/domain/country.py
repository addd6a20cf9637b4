"""Countries and languages: what people and browsers write becomes ISO 3166 and ISO 639 codes, by the names of Unicode's CLDR. Pure.

The names are in data/countries.tsv and languages.tsv, which services/enrich/generate writes, and in countries-also.tsv, which people do.
"""

from __future__ import annotations

import re
from functools import lru_cache

from services.enrich.domain.spelling import plain
from services.enrich.domain.tables import DATA, rows

_LOCALE = re.compile(
    r"([a-zA-Z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_.@].*)?", re.ASCII
).fullmatch
_SUBDIVISION = re.compile(r"([A-Za-z]{2})-[A-Za-z0-9]{1,3}", re.ASCII).fullmatch  # ISO 3166-2
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}").search
_BETWEEN = re.compile(r"[,;:/|()\[\]–—]|\s-\s")
_NO_LANGUAGES = frozenset(("und", "mul", "zxx", "mis"))  # ISO 639: undetermined, several, none, without a code
_LONGEST = 100  # characters; no country's name is half as long


def _read(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Codes by other codes and by names, of one of the tables that are written."""
    codes: dict[str, str] = {}
    names: dict[str, str] = {}
    for kind, spelling, code in rows(DATA / name):
        (codes if kind == "code" else names)[spelling] = code
    return codes, names


_codes, _names = _read("countries.tsv")
_countries = frozenset(_names.values())
_names |= {plain(name): code for name, code, _ in rows(DATA / "countries-also.tsv")}
_other_languages, _language_names = _read("languages.tsv")
_languages = frozenset(_language_names.values())


def is_country(code: str) -> bool:
    """Whether it is a code of ISO 3166 (or XK), in capitals."""
    return code in _countries


@lru_cache(maxsize=5_000)
def read(text: str) -> str | None:
    """The ISO 3166 code of the one country that `text` names: in a common language, by a code, by its flag, alone or with a town."""
    text = text.strip()
    if len(text) == 2 and text.upper() in _countries:
        return text.upper()
    if len(text) > _LONGEST:
        return None
    found = _named(text)
    if found is None and (part := _SUBDIVISION(text)) is not None and part[1].upper() in _countries:
        found = part[1].upper()
    if found is None and (flag := _FLAG(text)) is not None:
        letters = "".join(chr(ord(letter) - 0x1F1E6 + ord("A")) for letter in flag[0])
        found = letters if letters in _countries else None
    if found is None:
        parts = {code for part in _BETWEEN.split(text) if (code := _part(part)) is not None}
        found = parts.pop() if len(parts) == 1 else None
    return found


def _named(text: str) -> str | None:
    words = plain(text)
    return _names.get(words) or _names.get(words.removeprefix("the ")) or _codes.get(words.upper())


def _part(text: str) -> str | None:
    text = text.strip()
    if len(text) == 2:
        return text if text in _countries else None  # in capitals only: `in`, `de` and `la` are words
    return _named(text) if len(text) > 2 else None


@lru_cache(maxsize=5_000)
def of_locale(locale: str) -> tuple[str | None, str | None]:
    """Language and country of a locale (de-AT, zh-Hans-CN), or of the first of an Accept-Language; what it doesn't say, or doesn't
    exist, is None."""
    found = _LOCALE(locale.partition(",")[0].partition(";")[0].strip())
    if found is None:
        return None, None
    country = (found[2] or "").upper()
    return _language(found[1].lower()), country if country in _countries else None


def _language(code: str) -> str | None:
    if code in _languages:
        return code
    known = _other_languages.get(code)
    if known is None and len(code) == 3 and code not in _NO_LANGUAGES:
        return code  # hundreds of languages have no shorter code
    return known


@lru_cache(maxsize=5_000)
def language(text: str) -> tuple[str | None, str | None]:
    """Language and country that a field for a language tells: a locale, or a language's name in a common language, perhaps with its
    country (Deutsch (Schweiz))."""
    if len(text) > _LONGEST:
        return None, None
    named = _language_names.get(plain(text))
    if named is not None:
        return named, None
    name, _, where = text.partition("(")
    named = _language_names.get(plain(name)) if where else None
    return (named, read(where.partition(")")[0])) if named is not None else of_locale(text)
