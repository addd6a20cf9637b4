"""What of a form is kept nowhere: passwords, tokens, card numbers; in events and in dead letters."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain import form
from services.capture.domain.form import Fields, secret
from tests.unit.capture.test_form import posted

# 16 digits of Visa, Mastercard (old and new range), Discover, JCB and UnionPay, 15 of American Express, 14 of Diners: the networks'
# own numbers for tests.
CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5555555555554444",
    "2223003122003222",
    "6011111111111117",
    "3566002020360505",
    "6200000000000005",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
]
HIDDEN: list[Fields] = [
    {"password": "hunter2"},
    {"new_password_confirm": "hunter2", "Passwort": "hunter2", "heslo": "hunter2", "hasło": "hunter2"},
    {"user": {"mot de passe": "hunter2", "cvv": "hunter2", "data": {"pin": "hunter2"}}},
    {"wachtwoord": ["hunter2"], "token": {"a": "hunter2"}},
    {"deep": {"x": [{"y": 1, "contraseña": "hunter2"}, [[{"senha": "hunter2"}]]]}},
    {"fields": [{"name": "password", "value": "hunter2"}, {"name": "a", "value": "b"}]},
    {"other": [{"name": "password", "value": "hunter2"}, 5]},
    {"other": {"x": {"key": "Passwort", "value": "hunter2"}, "field": "csrf_token", "value": "hunter2"}},
    {"g-recaptcha-response": "hunter2", "authenticity_token": "hunter2", "_token": "hunter2", "x" * 300 + "password": "hunter2"},
]  # fmt: skip


@pytest.mark.parametrize("fields", HIDDEN)
def test_passwords_and_tokens_are_kept_nowhere(fields: Fields) -> None:
    whole = {"email": "a@b.example", **fields, "writeKey": "hunter2"}
    assert b"hunter2" not in msgspec.json.encode(posted(whole))
    assert b"hunter2" not in form.without_secrets(whole)
    assert form.unread_without_secrets(msgspec.json.encode(whole)[:-1]) == b""


@pytest.mark.parametrize("card", CARDS)
def test_card_numbers_are_kept_nowhere_and_what_stands_around_them_is(card: str) -> None:
    text = f"Ü take {card}, 12/27"
    whole: dict[str, Any] = {"phone": card, "note": card, "message": text, "notes": [card, {"a": [text]}]}
    for kept in (posted(whole).traits | posted(whole).properties, msgspec.json.decode(form.without_secrets(whole))):
        assert kept == {
            "phone": "[card number]",
            "note": "[card number]",
            "message": "Ü take [card number], 12/27",
            "notes": ["[card number]", {"a": ["Ü take [card number], 12/27"]}],
        }


def test_a_card_number_as_a_number_is_one() -> None:
    assert posted({"email": "a@b.example", "x": 4111111111111111, "y": [4111111111111111]}).properties == {
        "x": "[card number]",
        "y": ["[card number]"],
    }


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # its check digit is wrong
        "9111111111111111",  # no network's
        "41111111111111111",  # too long
        "+49 1512 3456789, 0151 23456789",
        "4915123456789",
        "2026-11-27 2026-11-28",
        "https://shop.example/?gclid=Cj0KCQiA4111111111111112",
    ],
)
def test_what_only_looks_like_a_card_is_kept(text: str) -> None:
    assert posted({"email": "a@b.example", "order": text}).properties == {"order": text}


def test_passports_and_tokens_of_interest_are_no_secrets() -> None:
    kept = {"passport": "P1", "tokens_wanted": "4", "cardinality": "x", "compass": "N", "pinterest": "me"}
    assert posted({"email": "a@b.example", **kept}).properties == kept


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"email": "a@b.example", "message": "Hello', True),
        (b'{"email": "a@b.example", "password": "x', False),
        (b'--b\r\nContent-Disposition: form-data; name="pin"', False),
        (b"Contrase\xc3\xb1a=x", False),
        (b"mot+de+passe=x&numero+de+carte%5B=x", False),
        (b'{"writeKey": "wk_abc', False),
        (b"note=4111111111111111&x", False),
        (b"x" * 32_769, False),
    ],
)
def test_a_body_that_can_not_be_read_is_kept_whole_unless_it_may_hold_a_secret(body: bytes, kept: bool) -> None:
    assert form.unread_without_secrets(body) == (body if kept else b"")


@given(st.text("0123456789 -46a", max_size=60))
def test_whatever_digits_come_no_card_is_left_and_nothing_else_is_changed(text: str) -> None:
    once = secret.without_cards(text)
    assert secret.without_cards(once) == once
    if secret.NO_CARD not in once:
        assert once == text


def test_what_is_too_deep_or_too_much_for_an_event_is_left_out_of_its_dead_letter() -> None:
    deep: Fields = {"end": "x"}
    for _ in range(30):
        deep = {"a": [deep]}
    assert form.without_secrets({"a": [{f"f{number}": 1} for number in range(500)]}) == b""
    assert b"end" not in form.without_secrets({"email": "a@b.example", **deep})
    assert b"a@b.example" in form.without_secrets({"email": "a@b.example", **deep})
