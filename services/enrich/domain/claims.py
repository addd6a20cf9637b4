"""What one event says about a person, as claims on fields of the profile with a trust each. Pure; what prevails is profile.py's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from services.enrich.domain import company, country, domains, email, person, phone
from services.enrich.domain.world import Said
from shared.contracts import Context

# How far an event of a kind is to be trusted, on top of how the value was come by.
_BY_KIND = {"form": 30, "hook": 30, "identify": 20, "track": 10, "page": 10, "pixel": 0}
_GIVEN, _PARSED, _INFERRED, _BY_LOCALE, _UNUSABLE = 100, 60, 40, 10, 0

# Traits by their names without case, blanks, hyphens and underscores, as SDKs and forms spell them; what is in no table is custom.
_FIELDS = {
    "email": "email", "emailaddress": "email", "mail": "email",
    "phone": "phone", "phonenumber": "phone", "telephone": "phone", "tel": "phone", "mobile": "phone", "mobilephone": "phone",
    "name": "name.full", "fullname": "name.full",
    "firstname": "name.given", "givenname": "name.given",
    "lastname": "name.family", "familyname": "name.family", "surname": "name.family",
    "salutation": "name.title", "nametitle": "name.title", "honorific": "name.title",
    "company": "company", "companyname": "company.name", "organization": "company.name", "organisation": "company.name",
    "companydomain": "company.website", "website": "company.website", "companywebsite": "company.website",
    "companysize": "company.size", "employees": "company.size", "employeecount": "company.size", "numberofemployees": "company.size",
    "industry": "company.industry",
    "title": "job.title", "jobtitle": "job.title", "position": "job.title",
    "address": "address",
    "country": "country", "countrycode": "country", "region": "region", "state": "region", "city": "city",
    "postalcode": "postal_code", "zip": "postal_code", "zipcode": "postal_code", "postcode": "postal_code",
    "language": "language", "locale": "language", "timezone": "timezone",
}  # fmt: skip
_IN_COMPANY = {"name": "company.name", "domain": "company.website", "website": "company.website", "url": "company.website",
               "size": "company.size", "industry": "company.industry", "id": ""}  # fmt: skip
_READ = frozenset(
    ("country", "language", "company.name", "company.website", "company.size")
)  # what is more than its text
_LONGEST_TEXT = 500


class Reading:
    """The claims of one event while they are collected."""

    __slots__ = ("address", "claims", "number", "source", "trust")

    def __init__(self, kind: str, name: str) -> None:
        self.source = f"{kind} {name}" if name else kind
        self.trust = _BY_KIND[kind]
        self.claims: dict[str, Said] = {}
        self.address: email.Address | None = None
        self.number: phone.Number | None = None

    def given(self, field: str, value: Any) -> None:
        self.claims[field] = Said(_GIVEN + self.trust, self.source, value)

    def otherwise(self, field: str, trust: int, source: str, value: Any) -> None:
        """A claim that this event makes only where it says nothing better itself."""
        if field not in self.claims:
            self.claims[field] = Said(trust + self.trust, source, value)


def read(*, kind: str, name: str, traits: Mapping[str, Any], context: Context | None, test: bool) -> Reading:
    """Everything that an event's traits and context say about the person."""
    reading = Reading(kind, name)
    flat = _flat(traits)
    for field, value in flat.items():
        if field == "email":
            _email(reading, value)
        elif field.startswith("name."):
            reading.given(field, person.tidy(value))
        elif field in _READ:
            _converted(reading, field, value)
        elif field != "phone":
            reading.given(field, value)
    full = flat.get("name.full")
    if full is not None:
        parts = person.read(person.tidy(full))
        for part, text in (("name.given", parts.given), ("name.family", parts.family), ("name.title", parts.title)):
            if text:
                reading.otherwise(part, _PARSED, reading.source, text)
    elif "name.given" in flat and "name.family" in flat:
        reading.given("name.full", f"{reading.claims['name.given'].value} {reading.claims['name.family'].value}")
    language, region = country.of_locale(context.locale) if context is not None and context.locale else (None, None)
    if "phone" in flat:
        said = reading.claims.get("country")
        _phone(reading, flat["phone"], said.value if said is not None else region)
    if region is not None:
        reading.otherwise("country", _BY_LOCALE, "locale", region)
    if language is not None:
        reading.otherwise("language", _BY_LOCALE, "locale", language)
    if context is not None and context.timezone and len(context.timezone) <= 64:
        reading.otherwise("timezone", _BY_LOCALE, "browser", context.timezone)
    if test:
        reading.claims["test"] = Said(1000, reading.source, True)  # once a test, always a test
    return reading


@lru_cache(maxsize=2_000)
def _field(key: str) -> str | None:
    return _FIELDS.get(key.lower().replace("_", "").replace("-", "").replace(" ", ""))


def _flat(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Traits by field, one level; of two spellings of a field the first that says something counts."""
    flat: dict[str, Any] = {}
    for key, value in traits.items():
        if value is None or value == "":
            continue
        field = _field(key)
        if type(value) is str and field is not None and field != "company" and field != "address":
            text = value.strip()  # the plain majority
            if text and field not in flat:
                flat[field] = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT]
        elif field == "company" and isinstance(value, Mapping):
            for inner, text in value.items():
                _put(
                    flat,
                    _IN_COMPANY.get(inner) or _field(inner) or f"custom.company_{inner}",
                    text,
                )
        elif field == "address" and isinstance(value, Mapping):
            for inner, text in value.items():
                _put(flat, _field(inner) or f"custom.address_{inner}", text)
        elif field is None or field == "address":
            _put(flat, f"custom.{key}", value)
        else:
            _put(flat, "company.name" if field == "company" else field, value)
    return flat


def _put(flat: dict[str, Any], field: str, value: Any) -> None:
    if field.startswith("custom."):
        flat.setdefault(field, value)
        return
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return  # a list or an object where a text belongs says nothing
    text = str(value).strip()
    if text:
        flat.setdefault(field, text[:_LONGEST_TEXT])


def _email(reading: Reading, raw: str) -> None:
    address = email.read(raw)
    reading.address = address
    if address is None:
        reading.claims["email"] = Said(_UNUSABLE, reading.source, {"address": raw[:254], "kind": "invalid"})
        return
    reading.given("email", {"address": address.address, "kind": address.kind, "domain": address.domain})
    if address.kind in ("business", "role"):
        # Only an address of one's own house tells where somebody works.
        domain = domains.registrable(address.domain)
        if domain is not None:
            reading.otherwise("company.domain", _INFERRED, "email", domain)


def _phone(reading: Reading, raw: str, region: str | None) -> None:
    number = phone.read(raw, region)
    reading.number = number
    if number is None:
        reading.claims["phone"] = Said(_UNUSABLE, reading.source, {"raw": raw[:64]})
        return
    value = {
        "e164": number.e164,
        "raw": raw,
        "region": number.region,
        "kind": number.kind,
        "extension": number.extension,
    }
    reading.given("phone", {key: part for key, part in value.items() if part is not None})
    if number.region is not None:
        reading.otherwise("country", _INFERRED, "phone", number.region)


def _converted(reading: Reading, field: str, value: Any) -> None:
    match field:
        case "country":
            code = country.read(value)
            if code is not None:
                reading.given(field, code)
        case "language":
            language, region = country.of_locale(value)
            if language is not None:
                reading.given(field, language)
                if region is not None:
                    reading.otherwise("country", _BY_LOCALE, "locale", region)
        case "company.name":
            name = company.bare(value)
            if name is not None:
                reading.given(field, name)
        case "company.website":
            domain = domains.of_website(value)
            if domain is not None:
                reading.given("company.domain", domain)
        case _:
            size = _size(value)
            if size is not None:
                reading.given(field, size)


def _size(text: str) -> int | None:
    """The number of employees; of a range (51-200, 1.000+) the lower end, of which one is sure."""
    lower = text.replace("–", "-").split("-", 1)[0]
    digits = "".join(mark for mark in lower if mark.isdigit())
    if lower.strip().endswith(".0"):
        digits = digits[:-1]
    return int(digits) if digits and len(digits) <= 8 else None
