"""What fields of forms are called, in nine languages and as form builders name them."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain import aliases, form
from services.capture.domain.form import Fields
from services.capture.domain.verdict import Refused, Submission
from shared.contracts import Campaign, Page
from tests.unit.capture.test_form import ARRIVAL, posted

LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs"}


def test_no_spelling_in_the_table_stands_for_two_things() -> None:
    meanings = defaultdict(set)
    for line in aliases.lines():
        if line.kind not in ("envelope", "secret-within", "word"):
            for spelling in line.spellings:
                meanings[aliases.spelling(spelling)].add((line.kind, line.name))
    assert {spelt: meant for spelt, meant in meanings.items() if len(meant) > 1 or not spelt} == {}


def test_every_trait_and_every_consent_is_spelt_in_every_language() -> None:
    spoken = defaultdict(set)
    for line in aliases.lines():
        if line.kind in ("trait", "consent", "word") or line.name in ("timezone", "user_id", "consent"):
            spoken[line.name].add(line.language)
    assert {name: LANGUAGES - languages for name, languages in spoken.items() if languages < LANGUAGES} == {}


@pytest.mark.parametrize(
    ("field", "trait"),
    [
        ("data[merges][LNAME]", "lastName"),
        ("fields[email]", "email"),
        ("user.email", "email"),
        ("q3_fullName[first]", "firstName"),
        ("Email-2", "email"),
        ("PRÉNOM", "firstName"),
        ("Příjmení", "lastName"),
        ("Unternehmensgröße", "employees"),
        ("razón social", "company"),
        ("Imię i nazwisko", "name"),
        ("address[city]", "city"),
    ],
)
def test_a_field_is_known_however_it_is_wrapped_and_accented(field: str, trait: str) -> None:
    assert aliases.PLACES[field] == ("trait", trait)


def test_what_is_unknown_stays_nested_and_somebody_elses_field_is_no_trait() -> None:
    fields = {"data": {"merges": {"LNAME": "Doe", "MMERGE7": "x"}}, "friend": {"email": "b@c.example"}}
    found = posted({"email": "a@b.example", **fields})
    assert found.traits == {"email": "a@b.example", "lastName": "Doe"}
    assert found.properties == {"data": {"merges": {"MMERGE7": "x"}}, "friend": {"email": "b@c.example"}}


@pytest.mark.parametrize(
    ("fields", "traits"),
    [
        ({"Vorname": "Anna", "Name": "Schmidt"}, {"firstName": "Anna", "lastName": "Schmidt"}),
        ({"nombre": "Ana", "apellidos": "García"}, {"firstName": "Ana", "lastName": "García"}),
        ({"first_name": "Jo", "name": "Jo Doe"}, {"firstName": "Jo", "name": "Jo Doe"}),
        ({"title": "Dr."}, {"salutation": "Dr."}),
        ({"title": "Head of Sales"}, {"title": "Head of Sales"}),
    ],
)
def test_names_and_titles_mean_what_stands_beside_them(fields: Fields, traits: Fields) -> None:
    assert posted(fields).traits == traits


@pytest.mark.parametrize(
    "fields",
    [
        {"fields": [{"name": "email", "value": "a@b.example"}, {"name": "seats", "value": "4"}]},
        {"fields": {"0": {"name": "email", "value": "a@b.example"}, "1": {"name": "seats", "value": "4"}}},
        {"fields": {"email": {"value": "a@b.example"}, "seats": "4"}},
        {"fields": {"email": ["", "a@b.example"], "seats": "4", "fax": "", "vat": None}},
    ],
)
def test_a_script_that_sends_names_and_values_sends_fields(fields: Fields) -> None:
    found = posted(fields)
    assert (found.traits, found.properties) == ({"email": "a@b.example"}, {"fields": {"seats": "4"}})


def test_names_and_values_of_something_else_are_kept_as_they_are() -> None:
    plans = [{"name": "email", "value": 5}, {"name": "Pro", "value": 7}]
    assert posted({"email": "a@b.example", "plans": plans}).properties == {"plans": plans}


def test_of_a_trait_that_comes_several_times_the_first_counts_and_the_others_are_kept() -> None:
    found = posted({"email": ["", "a@b.example", "c@d.example"], "topic": ["x", "y"], "utm_source": ["s", "s2"]})
    assert found.traits == {"email": "a@b.example"}
    assert found.properties == {"email": ["c@d.example"], "topic": ["x", "y"], "utm_source": ["s2"]}
    assert found.campaign == Campaign(source="s")


def test_a_machines_underscore_is_no_part_of_a_name_that_people_use() -> None:
    found = posted({"_t": "1790000000000", "_email": "a@b.example", "t": "x", "hp": "y", "_hp": ""})
    assert (found.traits, found.properties) == ({"email": "a@b.example"}, {"t": "x", "hp": "y"})
    assert (found.rendered_at, found.marks) == ("1790000000000", ())
    assert posted({"email": "a@b.example", "_hp": "x"}).marks == ("honeypot",)


def test_a_page_of_which_only_the_path_is_told_is_completed_by_the_referer() -> None:
    found = posted({"email": "a@b.example", "_wp_http_referer": "/demo?x=1"}, referer="https://shop.example/y?gclid=g")
    assert found.page == Page(url="https://shop.example/demo?x=1")
    assert found.click_ids == {"gclid": "g"}


@pytest.mark.parametrize("referer", ["http://[", "", None])
def test_a_referer_that_is_none_does_no_harm(referer: str | None) -> None:
    assert posted({"email": "a@b.example", "page": "/demo"}, referer=referer).page is not None


def test_more_than_500_fields_and_deep_nesting_are_refused_with_a_reason() -> None:
    deep: Fields = {}
    for _ in range(20):
        deep = {"a": deep}
    many: Fields = {f"f{number}": 1 for number in range(501)}
    for fields, word in ((many, "500"), ({"a": [[many]]}, "500"), ({"data": {"a": many}}, "500"), (deep, "20 levels")):
        found = form.submission("demo", fields, ARRIVAL)
        assert isinstance(found, Refused)
        assert word in found.detail


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["email", "name", "consent", "data", "page", "title", "utm_source", "user.email"]) | st.text(
    max_size=12
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(_NAMES, _JSON, max_size=4))
def test_any_fields_are_a_submission_or_refused(fields: Fields) -> None:
    assert isinstance(form.submission("demo", fields, ARRIVAL), Submission | Refused)
