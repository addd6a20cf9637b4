"""Fields to a submission: each goes where the table of aliases.py says, passwords and cards go nowhere, the rest are properties."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from services.capture.domain import aliases, clean, connection, touch
from services.capture.domain.form.bodies import Fields
from services.capture.domain.verdict import Arrival, Refused, Submission
from shared.contracts import ConsentGiven, Page

_NO = frozenset({"", "0", "false", "no", "off", "n"})
_NO_PAGE = Page()

# What a field called `title` says when it means the salutation, spelt as aliases.spelling does.
_SALUTATIONS = frozenset(
    "mr mrs ms miss mx dr prof herr frau divers m mme mlle monsieur madame sr sra srta sig sigra dott dottssa dhr mevr mevrouw pan "  # noqa: SIM905
    "pani ing".split()
)

# Numbers of payment cards: the ranges that the large networks give out (Visa 4, Mastercard 51-55 and 2221-2720, American Express
# 34 and 37, Discover 6011 and 65), 13 to 19 digits with blanks or hyphens, and the check digit of ISO/IEC 7812-1 (Luhn).
_CARD = re.compile(
    r"(?:4[ \d-]{12,27}|5[1-5][ \d-]{14,24}|2[2-7][ \d-]{14,24}|3[47][ \d-]{13,22}|6(?:011|5)[ \d-]{12,24})\Z"
)
_CARD_DIGITS = range(13, 20)
_CARD_BEGINS = frozenset("23456 ")


class _Sorted:
    """A form's fields while they are put where they belong."""

    __slots__ = ("around", "click_ids", "honeypot", "properties", "traits", "utm")

    def __init__(self) -> None:
        self.traits: Fields = {}
        self.properties: Fields = {}
        self.around: Fields = {}
        self.utm: dict[str, str] = {}
        self.click_ids: dict[str, str] = {}
        self.honeypot = False

    def sort(self, fields: Fields, rest: Fields, path: str = "") -> None:
        """Sorts `fields`, which stand under `path`; what is nobody's goes to `rest`, nested as it came."""
        look_up, traits = aliases.place, self.traits
        for field, value in fields.items():
            if value is None or value == "":
                continue
            place, name = look_up(path + field if path else field)
            kind = type(value)
            if place == "property" and kind is str and (len(value) < 13 or value[0] not in _CARD_BEGINS):
                rest[field] = value
            elif place == "trait" and kind is str and name not in traits and name != "title":
                traits[name] = value
            elif kind is dict:
                if place == "secret":
                    continue
                if place == "surrounding" and name == "consent":
                    _purposes(self.around).update(value)
                    continue
                inner: Fields = {}
                self.sort(value, inner, f"{path}{field}.")
                if inner:
                    rest[field] = inner
            elif place == "trait":
                if name == "title" and isinstance(value, str) and aliases.spelling(value[:40]) in _SALUTATIONS:
                    name = "salutation"
                if name in self.traits:
                    self._keep(rest, field, value)
                elif kind is list:
                    self._first_of(value, name, rest, field)
                else:
                    self.traits[name] = value
            elif place == "property":
                self._keep(rest, field, value, path)
            elif place == "utm" and isinstance(value, str):
                self.utm.setdefault(name, value)
            elif place == "click" and isinstance(value, str):
                self.click_ids.setdefault(name, value)
            elif place == "surrounding":
                if name not in self.around:
                    self.around[name] = value
                elif name == "consent":
                    _purposes(self.around).setdefault("general", value)
                elif name != "write_key":
                    self._keep(rest, field, value)
            elif place == "consent" and isinstance(value, str | bool):
                _purposes(self.around)[name] = value
            elif place == "honeypot":
                self.honeypot = True
            elif place != "secret":
                self._keep(rest, field, value)

    def _keep(self, rest: Fields, field: str, value: Any, path: str = "") -> None:
        """Keeps what is nobody's, but no card. In a list of {name, value}, as scripts serialise forms, each item is a field."""
        kind = type(value)
        if kind is list:
            items: list[Any] = []
            for item in value:
                if type(item) is dict:
                    if type(name := item.get("name")) is str and "value" in item and type(item["value"]) is not dict:
                        self.sort({name: item["value"]}, rest, path)
                    elif kept := _without(item, f"{path}{field}."):
                        items.append(kept)
                elif not _is_card(item):
                    items.append(item)
            if items:
                rest[field] = items
        elif not ((kind is str or kind is int) and _is_card(value)):
            rest[field] = value

    def _first_of(self, values: list[Any], name: str, rest: Fields, field: str) -> None:
        """A trait that comes several times is the first that says something; the others are kept."""
        said = [value for value in values if value is not None and value != ""]
        if said and isinstance(said[0], str | int):
            self.traits[name] = said.pop(0)
        if said:
            self._keep(rest, field, said)

    def name(self) -> None:
        """Makes of a field called just `name` what it is: the half that is missing beside a given half, else the whole name."""
        traits = self.traits
        found = traits.pop("anyName")
        halves = [half for half in ("firstName", "lastName") if half in traits]
        if len(halves) == 1 and isinstance(found, str) and str(traits[halves[0]]).casefold() not in found.casefold():
            traits["lastName" if halves[0] == "firstName" else "firstName"] = found
        elif "name" in traits:
            self.properties.setdefault("name", found)
        else:
            traits["name"] = found


def submission(
    form: str, fields: Fields, arrival: Arrival, *, idempotency_key: str | None = None, referer: str | None = None
) -> Submission | Refused:
    """What the form post means. `referer` is the page that the browser says the form stood on; hidden fields know better."""
    flaw = clean.flaw(fields, "")
    if flaw is not None:
        return flaw
    found = _Sorted()
    found.sort(fields, found.properties)
    if "anyName" in found.traits:
        found.name()
    around = found.around
    url = _text(around, "page_url") or referer
    campaign, clicked = touch.of_page(url)
    if campaign is None and clicked is None and url is not referer:
        campaign, clicked = touch.of_page(referer)
    page = Page(url=url, referrer=_text(around, "referrer"), title=_text(around, "page_title"))
    marks = (["bot"] if connection.is_robot(arrival.user_agent) else []) + (["honeypot"] if found.honeypot else [])
    return Submission(
        kind="form",
        name=form,
        client_id=_text(around, "client_id") or idempotency_key,
        anonymous_id=_text(around, "anonymous_id"),
        user_id=_text(around, "user_id"),
        timestamp=_text(around, "timestamp"),
        sent_at=_text(around, "sent_at"),
        traits=found.traits,
        properties=found.properties,
        page=page if page != _NO_PAGE else None,
        campaign=touch.campaign(found.utm) or campaign,
        click_ids={**(clicked or {}), **found.click_ids} or None,
        user_agent=arrival.user_agent,
        ip=arrival.ip,
        locale=_text(around, "locale"),
        timezone=_text(around, "timezone"),
        consent=_consent(around),
        marks=tuple(marks),
    )


def write_key(fields: Fields) -> str | None:
    """The write key in a hidden field."""
    for name in ("writeKey", "write_key"):
        found = fields.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def without_secrets(fields: Fields) -> bytes:
    """The fields as JSON for a dead letter: whole, but for passwords, cards, tokens and the write key. What is nested deeper than
    an event may be is left out."""
    return msgspec.json.encode(_without(fields, ""))


def _without(fields: Fields, path: str, depth: int = 1) -> Fields:
    kept: Fields = {}
    for field, value in fields.items():
        place, name = aliases.place(path + field)
        if place != "secret" and (place, name) != ("surrounding", "write_key"):
            clear = _clear(value, f"{path}{field}.", depth + 1)
            if clear is not None:
                kept[field] = clear
    return kept


def _clear(value: Any, path: str, depth: int) -> Any:
    if type(value) is dict:
        return _without(value, path, depth) if depth <= clean.MAX_DEPTH else None
    if type(value) is list:
        return [_clear(item, path, depth + 1) for item in value] if depth <= clean.MAX_DEPTH else None
    return None if _is_card(value) else value


def _is_card(value: Any) -> bool:
    """Whether a text or number is that of a payment card, and nothing else."""
    text = str(value).strip() if type(value) is int else value
    if type(text) is not str or not 13 <= len(text) <= 40 or _CARD.match(text := text.strip()) is None:
        return False
    digits = [int(digit) for digit in text if digit.isdecimal()]
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _text(around: Fields, name: str) -> str | None:
    value = around.get(name)
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None


def _purposes(around: Fields) -> Fields:
    """The purposes gathered so far, whatever way they came."""
    given = around.get("consent")
    if not isinstance(given, dict):
        given = around["consent"] = {} if given is None else {"general": given}
    return given


def _consent(around: Fields) -> ConsentGiven | None:
    """Consent from fields: `consent[mail]=on`, `consent_mail=on`, or one box `consent=on`, whose purpose is called `general`; beside
    them `consent_text`, `consent_version`, `consent_basis`. In JSON also the contract's own form {purposes, text, version, basis}."""
    if "consent" not in around:
        return None
    given = dict(_purposes(around))
    details = {name: _text(around, f"consent_{name}") for name in ("text", "version", "basis")}
    if isinstance(purposes := given.get("purposes"), dict):
        details = {name: _text(given, name) or details[name] for name in details}
        given = purposes
    said = {purpose: _yes(value) for purpose, value in given.items() if isinstance(value, str | bool | int)}
    return ConsentGiven(purposes=said, **details) if said else None


def _yes(value: str | bool | int) -> bool:
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)
