"""Phone numbers: E.164 with the region that was told, extension, kind; possible and valid told apart."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import claims, phone
from shared.contracts import Context, Phone
from tests.unit.enrich.cases import absent, cases

_CASES = cases("phone")


def test_there_are_enough_cases() -> None:
    assert len(_CASES) >= 60


@pytest.mark.parametrize("case", _CASES, ids=lambda case: " ".join(case[:2]))
def test_a_number_is_what_its_source_says(case: tuple[str, ...]) -> None:
    raw, regions, e164, *expected = map(absent, case[:-1])

    found = phone.read(raw or "", tuple(regions.split()) if regions else ())

    assert (found is None) == (e164 is None)
    if found is not None:
        valid = "yes" if found.valid else "no"
        assert [found.e164, found.region, found.kind, found.extension, valid, found.read_as] == [e164, *expected]


@settings(deadline=None, max_examples=100)  # the first call of a country loads its plan
@given(st.sampled_from(["49", "43", "41", "33", "34", "31", "48", "46", "81", "55", "1", "1212", "44", "4420", "39", "7", "61", "47", "490", "3906"]), st.from_regex(r"[0-9]{4,10}", fullmatch=True))  # fmt: skip
def test_the_fast_path_of_numbers_says_what_the_library_says(code: str, national: str) -> None:
    raw = f"+{code}{national}"[:16]
    quick = phone._by_plan(raw)
    if quick is not None:
        assert (None if quick is phone._IMPOSSIBLE else quick) == phone._by_library(raw, None)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["DE", "AT", "CH", "FR", "ES", "IT", "PL", "NL", "DK", "IN", "TR"]), st.from_regex(r"0?[0-9]{4,11}", fullmatch=True))  # fmt: skip
def test_the_fast_path_of_numbers_as_dialled_at_home_says_what_the_library_says(region: str, digits: str) -> None:
    quick = phone._at_home(digits, region)
    assert quick is None or quick == phone._by_library(digits, region)


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"\+(49|43|41|33|44|39|1)[ -]?\(?[0-9]{2,4}\)?[ -]?[0-9]{2,4}[ -]?[0-9]{2,4}", fullmatch=True))
def test_blanks_hyphens_and_brackets_in_a_number_change_nothing(raw: str) -> None:
    assert phone.read(raw) == phone.read(f"tel:{raw}"), "the library reads what does not begin with a plus"


@settings(deadline=None, max_examples=50)
@given(
    st.text(max_size=30) | st.from_regex(r"\+?[0-9 ()/-]{3,20}( ?(x|ext\.?) ?[0-9]{1,5})?", fullmatch=True),
    st.sampled_from([(), ("DE",), ("US", "AT"), ("XX", "IT")]),
)
def test_any_text_is_a_number_or_none_and_reading_a_number_again_changes_nothing(
    raw: str, regions: tuple[str, ...]
) -> None:
    found = phone.read(raw, regions)
    if found is not None:
        again = phone.read(found.e164)
        assert again is not None
        assert (again.e164, again.region, again.kind) == (found.e164, found.region, found.kind)
        assert phonenumbers.is_valid_number(phonenumbers.parse(found.e164)) == found.valid


def test_colleagues_behind_one_number_are_told_apart_by_their_extensions() -> None:
    def known_by(raw: str) -> str | None:
        found = phone.read(raw)
        return phone.identifier(found) if found is not None else None

    assert known_by("+442079460958") == "+442079460958"
    assert known_by("+442079460958 x12") == "+442079460958;ext=12"
    assert known_by("+4911111111111") is None, "a key that was held down"


def test_a_calling_code_tells_a_region() -> None:
    told = [phone.region_of(code) for code in ("+49", "0043", "1", " +44 ", "+800", "49x", "", "12345")]
    assert told == ["DE", "AT", "US", "GB", None, None, None, None]


@pytest.mark.parametrize(
    ("traits", "home", "locale", "e164", "told_by"),
    [
        ({"phoneCountry": "AT", "country": "Germany"}, "CH", "fr-FR", "+436641234567", "form"),
        ({"dialCode": "+43", "country": "Germany"}, "CH", "fr-FR", "+436641234567", "form"),
        ({"country": "Austria"}, "DE", "de-DE", "+436641234567", "form"),
        ({}, "AT", "de-DE", "+436641234567", "property"),
        ({}, None, "de-AT", "+436641234567", "country"),
        ({"locale": "de-AT"}, None, None, "+436641234567", "country"),
        ({"country": "Monaco"}, "AT", None, "+436641234567", "property"),
        ({}, None, None, None, None),
    ],
)
def test_the_forms_field_goes_before_the_propertys_country_before_the_country(
    traits: dict[str, str], home: str | None, locale: str | None, e164: str | None, told_by: str | None
) -> None:
    read = claims.read(
        kind="form",
        name="x",
        traits={"phone": "0664 1234567", **traits},
        context=Context(locale=locale),
        test=False,
        home=home,
    )
    value = read.claims["phone"].value

    assert (value.e164, value.region_from) == (e164, told_by)


def test_a_number_with_its_calling_code_needs_nobody_to_tell_and_one_that_is_none_is_kept_as_given() -> None:
    def said(**traits: str) -> object:
        return (
            claims.read(kind="form", name="x", traits=traits, context=None, test=False, home="DE").claims["phone"].value
        )

    assert said(phone="+43 664 1234567", phoneExtension="- 12") == Phone(
        e164="+436641234567", raw="+43 664 1234567", region="AT", kind="mobile", extension="12", valid=True
    )
    assert said(phone="call me") == Phone(raw="call me")
