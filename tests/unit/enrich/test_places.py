"""Countries, languages and time zones: what is written becomes a code, and what is not written is guessed from the best that there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import country, where, zone
from services.enrich.domain.spelling import plain
from tests.unit.enrich.cases import absent, cases

_CASES = cases("places")


def _of(kind: str) -> list[tuple[str, ...]]:
    return [case for case in _CASES if case[0] == kind]


def test_there_are_enough_cases() -> None:
    assert len(_CASES) >= 60


@pytest.mark.parametrize("case", _of("country"), ids=lambda case: case[1])
def test_a_country_is_what_its_source_says(case: tuple[str, ...]) -> None:
    assert country.read(case[1]) == absent(case[2])


@pytest.mark.parametrize("case", _of("language"), ids=lambda case: case[1])
def test_a_language_is_what_its_source_says(case: tuple[str, ...]) -> None:
    expected, _, at = case[2].partition(" ")
    assert country.language(case[1]) == (absent(expected), at or None)


@pytest.mark.parametrize("case", _of("zone"), ids=lambda case: case[1])
def test_a_time_zone_is_what_its_source_says(case: tuple[str, ...]) -> None:
    assert zone.read(case[1]) == absent(case[2])


@pytest.mark.parametrize("case", _of("guess"), ids=lambda case: case[1])
def test_a_country_is_guessed_from_the_best_that_tells(case: tuple[str, ...]) -> None:
    known = dict(one.split("=") for one in case[1].split(" ")) if case[1] != "-" else {}
    guess = where.guess(
        mail_domain=known.get("mail"),
        edge=known.get("edge"),
        address=known.get("address"),
        timezone=known.get("zone"),
        locale=known.get("locale"),
        home=known.get("home"),
    )

    assert (f"{guess.country} {guess.source}" if guess is not None else None) == absent(case[2])


@pytest.mark.parametrize(
    ("code", "expected"),
    [("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("CH", "Europe/Zurich"), ("JP", "Asia/Tokyo"), ("US", None), ("BR", None), ("ES", None), ("XX", None)],
)  # fmt: skip
def test_a_country_has_a_zone_where_all_of_its_clocks_agree(code: str, expected: str | None) -> None:
    assert zone.of_country(code) == expected


def test_every_zone_that_is_told_is_one_of_its_own_country() -> None:
    assert all(zone.read(name) == name for name in zone._countries)
    assert all(zone.country(name) == code for code, name in zone._everywhere.items())
    assert all(country.is_country(code) for code in zone._countries.values())


_texts = st.text(max_size=30) | st.sampled_from(["Germany", "DE", "de-AT", "Europe/Kiev", "UTC+2", "Deutsch (Schweiz)"])


@given(_texts)
def test_a_country_that_was_read_reads_as_itself(text: str) -> None:
    code = country.read(text)
    assert code is None or (country.is_country(code) and country.read(code) == code)


@given(_texts)
def test_a_language_that_was_read_reads_as_itself(text: str) -> None:
    code, at = country.language(text)
    assert code is None or country.language(code) == (code, None)
    assert at is None or country.is_country(at)
    code, at = country.of_locale(text)
    assert code is None or country.of_locale(code) == (code, None)


@given(_texts)
def test_a_zone_that_was_read_reads_as_itself(text: str) -> None:
    name = zone.read(text)
    assert name is None or zone.read(name) == name


@given(st.text(max_size=40))
def test_a_plain_spelling_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert plain(text.upper()) == plain(text) or not text.isascii()


@given(_texts, _texts, _texts, _texts, _texts, _texts)
def test_any_words_are_guessed_from_or_not(mail: str, edge: str, address: str, clock: str, locale: str, home: str) -> None:  # fmt: skip
    guess = where.guess(mail_domain=mail, edge=edge, address=address, timezone=clock, locale=None, home=home)
    assert guess is None or country.is_country(guess.country)
