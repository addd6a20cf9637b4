"""What of a form is never kept: passwords, tokens and the like by the names of their fields, numbers of payment cards by their digits."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from services.capture.domain import aliases, clean
from services.capture.domain.form import charset
from services.capture.domain.form.bodies import MAX_FIELDS, Fields, fields_within

NO_CARD = "[card number]"  # stands where one stood
FEWEST_DIGITS = 14
_LARGEST_UNREAD = 32 * 1024

# Numbers of payment cards as the large networks give them out (https://en.wikipedia.org/wiki/Payment_card_number, looked up
# November 27, 2026): Visa 4, Mastercard 51-55 and 2221-2720, Discover 6011, 64, 65, UnionPay 62 and JCB 3528-3589 with 16 digits,
# American Express 34 and 37 with 15, Diners 300-305, 36, 38, 39 with 14; blanks or hyphens between them. No phone number has
# that many digits after such a beginning.
_DIGIT = "[ -]?[0-9]"
_CARD = re.compile(
    rf"(?<![0-9])(?:(?:4[0-9]|5[1-5]|2[2-7]|6[0245]|35)(?:{_DIGIT}){{14}}|3[47](?:{_DIGIT}){{13}}|3[0689](?:{_DIGIT}){{12}})(?![0-9])"
)
_BEGINNINGS = re.compile(
    r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|6[245]|3[47]|30[0-5]|3[689]|35(?:2[89]|[3-8])"
)


def without_cards(text: str) -> str:
    """The text with `NO_CARD` for each card number: digits of a network, with the check digit of ISO/IEC 7812-1 (Luhn)."""
    raw = text.encode("utf-8", "replace")
    if len(raw) - len(raw.translate(None, b"0123456789")) < FEWEST_DIGITS:
        return text
    return _CARD.sub(_unless_a_card, text)


def _unless_a_card(found: re.Match[str]) -> str:
    digits = [int(mark) for mark in found[0] if mark.isdecimal()]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return NO_CARD if valid and _BEGINNINGS.match("".join(map(str, digits[:4]))) else found[0]


def cleared(value: Any, path: str, depth: int = 1) -> Any:
    """A value that stands under `path` without what is never kept; None where nothing is left. What lies deeper than an event may
    be is left out; `depth` is the value's level."""
    kind = type(value)
    if kind is str:
        return without_cards(value)
    if kind is int:
        return NO_CARD if value >= 10 ** (FEWEST_DIGITS - 1) and without_cards(str(value)) == NO_CARD else value
    if kind is not dict and kind is not list:
        return value
    if depth > clean.MAX_DEPTH:
        return None
    if kind is dict:
        return _of_fields(value, path, depth) or None
    return [one for item in value if (one := cleared(item, path, depth + 1)) is not None] or None


def _of_fields(fields: Fields, path: str, depth: int) -> Fields:
    kept: Fields = {}
    for field, value in fields.items():
        whole = f"{path}.{field}" if path else field
        place, name = aliases.PLACES[whole]
        if place != "secret" and name != "write_key" and not (field == "value" and tells_a_secret(fields)):
            found = cleared(value, whole, depth + 1)
            if found is not None:
                kept[field] = found
    return kept


def tells_a_secret(fields: Fields) -> bool:
    """Whether `fields` are one field, its name and value apart, and a secret one."""
    return "value" in fields and any(
        type(named := fields.get(key)) is str and aliases.PLACES[named][0] == "secret"
        for key in ("name", "key", "field", "label", "id")
    )


def without_secrets(fields: Fields) -> bytes:
    """The fields as JSON for a dead letter: whole, but for what is never kept, and the write key. Nothing of more than a form has."""
    if fields_within(fields) > MAX_FIELDS:
        return b""
    return msgspec.json.encode(_of_fields(fields, "", 1))


def unread_without_secrets(body: bytes) -> bytes:
    """A body that could not be read, for a dead letter: as it came, or nothing of it where it is large or may hold a secret, a card
    number or a write key."""
    if len(body) > _LARGEST_UNREAD:
        return b""
    text = charset.text(unquote_to_bytes(body), None)
    hides = "wk_" in text or aliases.names_a_secret(text) or without_cards(text) != text
    return b"" if hides else body
