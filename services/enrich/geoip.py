"""The operator's database of addresses, if there is one: a file in MaxMind's format, mapped into memory. Which country counts is
where.py's to say.

It is a snapshot: a replay with a newer file may find an address elsewhere. GeoLite2, DB-IP and IPinfo say it in their own fields.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from services.enrich.domain import zone
from services.enrich.domain.where import NOWHERE, Locate, Place, nowhere


class Unreadable(ValueError):
    """The file is no such database. What it says is for the operator."""


def opened(path: Path | None) -> Locate:
    """Where addresses are by the database in this file; nowhere without one. Raises Unreadable."""
    if path is None:
        return nowhere
    try:
        reader = maxminddb.open_database(path)
    except FileNotFoundError:
        raise Unreadable(f"there is no file {path}") from None
    except (OSError, maxminddb.InvalidDatabaseError):
        raise Unreadable(f"{path} can't be read as a MaxMind database (.mmdb)") from None

    @lru_cache(maxsize=5_000)
    def locate(address: str) -> Place:
        try:
            found = reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return NOWHERE  # no address, or one of IPv6 in a database of IPv4
        return _place(found) if isinstance(found, dict) else NOWHERE

    return locate


def _place(found: dict[str, Any]) -> Place:
    country = found.get("country") or found.get("registered_country") or found.get("country_code")
    code = country.get("iso_code") if isinstance(country, dict) else country
    location = found.get("location")
    clock = location.get("time_zone") if isinstance(location, dict) else found.get("timezone")
    return Place(
        code.upper() if isinstance(code, str) and len(code) == 2 else None,
        zone.read(clock) if isinstance(clock, str) else None,
    )
