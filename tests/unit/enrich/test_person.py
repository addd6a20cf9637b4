"""Names of people: what a full name is taken apart into, and which spellings are repaired."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import claims, person
from services.enrich.domain.tables import DATA, rows, words
from tests.unit.enrich.cases import absent, cases

_NAMES, _SPELLINGS = cases("names"), cases("spellings")
_WORDS = [word for line in rows(DATA / "names.tsv") for word in words(line[2])]
_TEXTS = st.text(max_size=30) | st.lists(
    st.sampled_from([*_WORDS, "Jo", "Doe", "JO", "o'neil", "Meyer-Landrut", "Doe,", "İPEK", "ß", "y", "mcdonald"]),
    max_size=5,
).map(" ".join)


def test_there_are_enough_cases() -> None:
    assert len(_NAMES) >= 60


@pytest.mark.parametrize("case", _NAMES, ids=lambda case: case[0])
def test_a_full_name_is_taken_apart_as_its_source_says(case: tuple[str, ...]) -> None:
    full, given_name, family, title, _ = map(absent, case)

    found = person.read(person.tidy(full or ""))

    assert (found.given, found.family, found.title) == (given_name, family, title)


@pytest.mark.parametrize("case", _SPELLINGS, ids=lambda case: case[0])
def test_only_shouted_and_whispered_names_are_repaired(case: tuple[str, ...]) -> None:
    raw, expected, _ = map(absent, case)
    assert person.tidy(raw or "") == expected


@settings(deadline=None, max_examples=100)
@given(_TEXTS)
def test_a_repaired_name_needs_no_repair_and_has_no_parts_that_it_does_not_hold(raw: str) -> None:
    tidy = person.tidy(raw)
    parts = person.read(tidy)

    assert person.tidy(tidy) == tidy
    assert person.read(" ".join(part for part in (parts.given, parts.family) if part)) is not None
    if tidy.isascii():
        for part in (parts.given, parts.family, parts.title):
            assert part is None or set(part.split()) <= set(tidy.replace(",", " ").split()), (part, tidy)


def test_a_part_that_was_given_by_itself_is_never_overwritten_by_a_full_name() -> None:
    def said(**traits: str) -> dict[str, object]:
        read = claims.read(kind="form", name="x", traits=traits, context=None, test=False).claims
        return {field: one.value for field, one in read.items() if field.startswith("name.")}

    assert said(name="Jo Doe", first_name="Joanna") == {
        "name.full": "Jo Doe",
        "name.given": "Joanna",
        "name.family": "Doe",
    }
    assert said(last_name="DOE", name="Frau Dr. Jo Miller", salutation="Ms") == {
        "name.full": "Frau Dr. Jo Miller",
        "name.given": "Jo",
        "name.family": "Doe",
        "name.title": "Ms",
    }
    assert said(firstName="jo", lastName="van der berg") == {
        "name.full": "Jo van der Berg",
        "name.given": "Jo",
        "name.family": "van der Berg",
    }
