"""Public holidays, by the package `holidays`: which codes there are, and the days of a year. When somebody works is working.py's."""

from __future__ import annotations

import functools


@functools.cache
def codes() -> frozenset[str]:
    """Every country (DE) and subdivision (DE-BE) whose holidays are known."""
    import holidays  # most of 100 ms, and only where a document names holidays

    supported = holidays.list_supported_countries(include_aliases=False)
    return frozenset((*supported, *(f"{country}-{part}" for country, parts in supported.items() for part in parts)))


@functools.lru_cache(maxsize=4096)
def of_all(places: tuple[str, ...], year: int) -> frozenset[int]:
    """The public holidays of `year` in any of these countries or subdivisions, as ordinals. A year that nothing is known of has none.

    Raises NotImplementedError for a code that is not in `codes`.
    """
    return frozenset(day for place in places for day in _of(place, year))


def _of(place: str, year: int) -> frozenset[int]:
    import holidays

    country, _, part = place.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)
    return frozenset(day.toordinal() for day in found)
