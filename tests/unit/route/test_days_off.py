"""Public holidays by country and subdivision."""

from __future__ import annotations

from datetime import date

from services.route.domain import days_off


def test_subdivisions_have_holidays_of_their_own() -> None:
    womens_day = date(2026, 3, 8).toordinal()
    assert womens_day in days_off.of_all(("DE-BE",), 2026)
    assert womens_day not in days_off.of_all(("DE",), 2026)
    assert date(2026, 12, 26).toordinal() in days_off.of_all(("GB-ENG",), 2026)


def test_the_codes_are_those_of_countries_and_their_subdivisions() -> None:
    assert {"DE", "DE-BE", "GB-ENG", "US", "US-CA"} <= days_off.codes()
    assert "GB-XX" not in days_off.codes()


def test_a_year_is_not_mixed_with_another() -> None:
    assert {date.fromordinal(day).year for day in days_off.of_all(("DE-BE",), 2027)} == {2027}
