"""Time zones: their names of today and of old, Windows' names, and which country is where; out of IANA's tz database and Unicode's CLDR."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import babel
import tzdata
from babel.core import get_global

from services.enrich.generate.table import Table

# Names of a clock, not of a place: they stay what they are.
_CLOCKS = frozenset("CET CST6CDT EET EST EST5EDT HST MET MST MST7MDT PST8PDT WET".split())
_DAYS = 400


def zones() -> Table:
    """Zones by all their names, and the country of each."""
    data = files(tzdata) / "zoneinfo"
    places = [line.split("\t") for line in (data / "zone.tab").read_text("utf-8").splitlines() if line[:1] != "#"]
    country = {zone: code for code, _, zone, *_ in places}
    links = {
        name: target
        for kind, target, name in (
            line.split() for line in (data / "tzdata.zi").read_text("utf-8").splitlines() if line.startswith("L ")
        )
        if kind == "L" and name not in country and name not in _CLOCKS
    }
    hours = {f"Etc/GMT{hour:+}" for hour in range(-14, 13) if hour}
    clocks = {"Etc/UTC", "Etc/GMT"} | hours | _CLOCKS
    aliases = {}
    for name in links:
        target = name
        while target in links:
            target = links[target]
        aliases[name] = target
    for name, zone in get_global("windows_zone_mapping").items():
        aliases.setdefault(name, aliases.get(zone, zone))  # CLDR keeps the first name that a zone had
    lines = [("zone", zone, country[zone]) for zone in sorted(country)]
    lines += [("clock", name, "-") for name in sorted(clocks)]
    lines += [("alias", name, zone) for name, zone in sorted(aliases.items()) if zone in country or zone in clocks]
    lines += [("all", code, zone) for code, zone in sorted(_one_clock(places).items())]
    return Table(
        "zones",
        "Time zones: zone and its country; clock, of no place; alias, old and Windows' names; all, a country where all clocks agree.",
        f"IANA tz database {tzdata.IANA_VERSION} by tzdata, Windows' names from Unicode CLDR by Babel {babel.__version__}",
        "public domain, Unicode-3.0",
        tuple(lines),
    )


def _one_clock(places: list[list[str]]) -> dict[str, str]:
    """Countries all of whose zones show the same time through more than a year, with the first (most people's) of their zones."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found: dict[str, str] = {}
    shown: dict[str, set[tuple[timedelta | None, ...]]] = {}
    for code, _, zone, *_ in places:
        with (files(tzdata) / "zoneinfo" / zone).open("rb") as data:  # not the system's, which may be older
            clock = ZoneInfo.from_file(data)
        hours = tuple((start + timedelta(days=day)).astimezone(clock).utcoffset() for day in range(_DAYS))
        found.setdefault(code, zone)
        shown.setdefault(code, set()).add(hours)
    return {code: zone for code, zone in found.items() if len(shown[code]) == 1}
