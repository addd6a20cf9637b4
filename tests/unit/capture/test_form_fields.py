"""What fields of forms are called, in nine languages and as form builders name them; what is never kept."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain import aliases, form
from services.capture.domain.form import Fields
from services.capture.domain.verdict import Refused, Submission
from tests.unit.capture.test_form import ARRIVAL, posted

LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs"}


def test_no_spelling_in_the_table_stands_for_two_things() -> None:
    meanings = defaultdict(set)
    for line in aliases.lines():
        if line.kind not in ("envelope", "secret-within"):
            for spelling in line.spellings:
                meanings[aliases.spelling(spelling)].add((line.kind, line.name))
    assert {spelt: meant for spelt, meant in meanings.items() if len(meant) > 1 or not spelt} == {}


def test_every_trait_is_spelt_in_every_language() -> None:
    spoken = defaultdict(set)
    for line in aliases.lines():
        if line.kind == "trait":
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
    assert aliases.place(field) == ("trait", trait)


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


def test_a_script_that_sends_names_and_values_sends_fields() -> None:
    fields = {"fields": [{"name": "email", "value": "a@b.example"}, {"name": "seats", "value": "4"}]}
    found = posted(fields)
    assert (found.traits, found.properties["fields"]) == ({"email": "a@b.example"}, {"seats": "4"})


SECRETS: Fields = {
    "password": "hunter2",
    "new_password_confirm": "hunter2",
    "user": {"Passwort": "hunter2", "cvv": "hunter2"},
    "wachtwoord": ["hunter2"],
    "credit-card": "hunter2",
    "note": "4111 1111 1111 1111",
    "notes": ["4111-1111-1111-1111", 4111111111111111],
    "deep": {"x": [{"y": "378282246310005", "motdepasse": "hunter2"}]},
}


def test_passwords_and_cards_are_kept_nowhere() -> None:
    for kept in (msgspec.json.encode(posted(SECRETS)), form.without_secrets({**SECRETS, "writeKey": "hunter2"})):
        assert b"hunter2" not in kept
        assert b"1111" not in kept
        assert b"378282" not in kept


def test_what_only_looks_like_a_card_is_kept() -> None:
    found = posted({"order": "4111 1111 1111 1112", "passport": "P1", "phone": "4111111111111111"})
    assert found.properties == {"order": "4111 1111 1111 1112", "passport": "P1"}
    assert found.traits == {"phone": "4111111111111111"}


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
    form.without_secrets(fields)
