"""Countries and languages by their names in common languages and by their codes, out of Unicode's CLDR as Babel brings it."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import babel
from babel.core import get_global

from services.enrich.domain.spelling import plain
from services.enrich.generate.table import Table

# Of two countries or languages that share a name, the first of these languages decides.
_LANGUAGES = "en de fr es it nl pt pl sv da nb fi cs sk hu tr ro el ru uk bg hr sl sr lt lv et ca is ja zh zh_Hant ko ar he hi th vi id".split()
_NO_COUNTRIES = frozenset("EU EZ UN ZZ XA XB QO".split())  # unions, unknown, and CLDR's own tests
# Codes that CLDR has and ISO 3166 does not give out, and whose these places are.
_ELSEWHERE = {"AC": "SH", "TA": "SH", "CP": "FR", "CQ": "GG", "DG": "IO", "EA": "ES", "IC": "ES"}
_SOURCE = f"Unicode CLDR by Babel {babel.__version__}"
_LICENCE = "Unicode-3.0"


def countries() -> Table:
    """ISO 3166 codes by names, codes of three letters and numbers."""
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, spelling in babel.Locale.parse(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                names.setdefault(plain(spelling), _ELSEWHERE.get(code, code))
    known = set(names.values())
    # CLDR lists the codes of three letters or digits as aliases: DEU and 276 are DE.
    codes = {code: to[0] for code, to in get_global("territory_aliases").items() if len(code) == 3 and len(to) == 1}
    lines = [("code", code, to) for code, to in sorted(codes.items()) if to in known]
    return Table(
        "countries",
        "Countries: code (three letters or digits) or name (spelling.plain), and the ISO 3166 code that it means.",
        _SOURCE,
        _LICENCE,
        (*lines, *(("name", name, code) for name, code in sorted(names.items()))),
    )


def languages() -> Table:
    """ISO 639-1 codes by names and codes of three letters."""
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, spelling in babel.Locale.parse(language).languages.items():
            if len(code) == 2:
                names.setdefault(plain(spelling), code)
    known = set(names.values())
    codes = {code: to for code, to in get_global("language_aliases").items() if code.isalpha() and to in known}
    lines = [("code", code, to) for code, to in sorted(codes.items())]
    return Table(
        "languages",
        "Languages: code (old, or of three letters) or name (spelling.plain), and the ISO 639-1 code that it means.",
        _SOURCE,
        _LICENCE,
        (*lines, *(("name", name, code) for name, code in sorted(names.items()))),
    )
