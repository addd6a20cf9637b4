"""The command `python -m services.enrich.generate`: writes the table of countries out of Unicode's CLDR as Babel brings it.

`--check` writes nothing and fails where the table is stale. Babel takes 30 MB, so only this command loads it.
"""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import sys
from datetime import UTC, datetime

import msgspec

from services.enrich.domain.country import TABLE, Table

_LANGUAGES = "en de fr es it nl pt pl sv da nb fi cs hu tr ro el ru uk ja zh ko ar".split()
_NO_COUNTRIES = frozenset("EU EZ UN ZZ XA XB QO".split())  # unions, unknown, and CLDR's own tests


def main() -> int:
    """Writes the table, or checks it; the exit status is 1 when it is stale."""
    fresh = table(made=datetime.now(UTC).date().isoformat())
    if TABLE.exists() and not is_stale(fresh):
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{TABLE.name} is stale. Run: python -m services.enrich.generate", file=sys.stderr)
        return 1
    TABLE.write_bytes(msgspec.json.format(msgspec.json.encode(fresh), indent=1) + b"\n")
    print(f"{TABLE.name} written")
    return 0


def table(*, made: str) -> Table:
    """The table out of the installed Babel. Of languages that use one name for two countries the first in our list counts."""
    import babel
    from babel.core import get_global

    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, spelling in babel.Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                names.setdefault(spelling.casefold(), code)
    return Table(
        source=f"Unicode CLDR by Babel {babel.__version__}",
        licence="Unicode-3.0",
        made=made,
        names=dict(sorted(names.items())),
        # CLDR lists the codes of three letters as aliases: DEU is DE.
        alpha3={
            code: to[0]
            for code, to in sorted(get_global("territory_aliases").items())
            if len(code) == 3 and code.isalpha() and len(to) == 1
        },
    )


def is_stale(fresh: Table) -> bool:
    """Whether the table that is kept says anything else than `fresh`, the day that it was made apart."""
    kept = msgspec.json.decode(TABLE.read_bytes(), type=Table)
    return msgspec.structs.replace(kept, made=fresh.made) != fresh


if __name__ == "__main__":
    sys.exit(main())
