"""Time zones: what browsers, calendars and Windows call them becomes the name of IANA's tz database; and which country is where. Pure.

The names are in data/zones.tsv, which services/enrich/generate writes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from services.enrich.domain.tables import DATA, rows

_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?00)?", re.ASCII).fullmatch
_LONGEST = 64

_names: dict[str, str] = {}  # by any name in small letters
_countries: dict[str, str] = {}
_everywhere: dict[str, str] = {}
for _kind, _name, _value in rows(DATA / "zones.tsv"):
    if _kind == "all":
        _everywhere[_name] = _value
    else:
        _names[_name.lower()] = _value if _kind == "alias" else _name
        if _kind == "zone":
            _countries[_name] = _value


@lru_cache(maxsize=2_000)
def read(text: str) -> str | None:
    """The zone's name of today, or None. Whole hours from UTC are a zone too, though one without a summer."""
    if len(text) > _LONGEST:
        return None
    name = text.strip().lower().replace(" ", "_")
    found = _names.get(name) or _names.get(name.replace("_", " "))
    if found is None and (offset := _OFFSET(name)) is not None:
        hours = int(offset[2])
        # POSIX counts what lies west: two hours ahead of UTC is Etc/GMT-2.
        found = _names.get(f"etc/gmt{'-' if offset[1] == '+' else '+'}{hours}") if hours else "Etc/UTC"
    return found


def country(zone: str) -> str | None:
    """The country that a zone (as `read` says it) is in."""
    return _countries.get(zone)


def of_country(code: str) -> str | None:
    """The zone of a country all of whose clocks agree; None where they don't."""
    return _everywhere.get(code)
