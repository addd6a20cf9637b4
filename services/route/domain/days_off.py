"""Public holidays, by the package `holidays`: which codes there are, and the days of a year. When somebody works is working.py's."""

from __future__ import annotations

import functools

import holidays


@functools.cache
def codes() -> frozenset[str]:
    """Every country (DE) and subdivision (DE-BE) whose holidays are known."""
    supported = holidays.list_supported_countries(include_aliases=False)
    return frozenset((*supported, *(f"{country}-{part}" for country, parts in supported.items() for part in parts)))


@functools.lru_cache(maxsize=4096)
def of(code: str, year: int) -> frozenset[int]:
    """The public holidays of `year` in a country or subdivision, as ordinals. Empty for years that nothing is known of.

    Raises NotImplementedError for a code that is not in `codes`.
    """
    country, _, part = code.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)
    return frozenset(day.toordinal() for day in found)
