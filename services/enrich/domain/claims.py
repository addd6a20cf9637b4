"""What one event says about a person, as claims on fields of the profile with a trust each. Pure; what prevails is profile.py's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from services.enrich.domain import company, country, domains, email, external, job, person, phone, where, zone
from services.enrich.domain.traits import field_of, in_company
from services.enrich.domain.world import Said
from shared.contracts import Context, Email, Phone

# How far an event of a kind is to be trusted, on top of how the value was come by.
_BY_KIND = {"form": 30, "hook": 30, "identify": 20, "track": 10, "page": 10, "pixel": 0}
_GIVEN, _PARSED, _INFERRED, _BY_LOCALE, _UNUSABLE = 100, 60, 40, 10, 0

_LONGEST_TEXT = 500
_LONGEST_TAG = 100  # characters of a locale, a zone's name, an address
_NO_HOME = frozenset(("disposable", "relay"))  # kinds of mailbox whose domain is nobody's


class Reading:
    """The claims of one event while they are collected."""

    __slots__ = ("address", "certain", "claims", "custom", "extension", "externals", "full", "number", "phone_region", "raw_phone", "region", "source", "trust")  # fmt: skip

    def __init__(self, kind: str, name: str) -> None:
        self.source = f"{kind} {name}" if name else kind
        self.trust = _BY_KIND[kind]
        self.certain = _GIVEN + self.trust  # of what the event itself words
        self.claims: dict[str, Said] = {}
        self.custom: dict[str, Said] = {}
        self.address: email.Address | None = None
        self.number: phone.Number | None = None
        self.raw_phone: str | None = None
        self.phone_region: str | None = None
        self.extension: str | None = None
        self.externals: dict[str, str] = {}  # ids by system
        self.full: str | None = None
        self.region: str | None = None  # of a locale that was given

    def given(self, field: str, value: Any) -> None:
        """A claim as the event itself words it."""
        self.claims[field] = Said(self.certain, self.source, value)

    def otherwise(self, field: str, trust: int, source: str, value: Any) -> None:
        """A claim that this event makes only where it says nothing better itself."""
        known = self.claims.get(field)
        if known is None or known.trust < trust + self.trust:
            self.claims[field] = Said(trust + self.trust, source, value)


def read(
    *,
    kind: str,
    name: str,
    traits: Mapping[str, Any],
    context: Context | None,
    test: bool,
    home: str | None = None,
    locate: where.Locate = where.nowhere,
) -> Reading:
    """Everything that an event's traits and context say about the person. `home` is the property's country, `locate` knows addresses."""
    reading = Reading(kind, name)
    for key, value in traits.items():
        field = field_of(key)
        if field is None and (system := external.system_of(key)) is not None:
            reading.externals.update(external.told(system, value))
        elif type(value) is not dict:
            _trait(reading, field, key, value)
        elif field == "company":
            for inner, text in value.items():
                _trait(reading, in_company(inner), f"company_{inner}", text)
        elif field == "address":
            for inner, text in value.items():
                _trait(reading, field_of(inner), f"address_{inner}", text)
        else:
            _trait(reading, field, key, value)
    claims = reading.claims
    if reading.full is not None:
        parts = person.read(reading.full)
        for part, text in (("name.given", parts.given), ("name.family", parts.family), ("name.title", parts.title)):
            if text:
                reading.otherwise(part, _PARSED, reading.source, text)
    elif "name.given" in claims and "name.family" in claims:
        reading.given("name.full", f"{claims['name.given'].value} {claims['name.family'].value}")
    region = _surroundings(reading, context, home, locate)
    if reading.raw_phone is not None:
        _phone(reading, reading.raw_phone, home, region)
    if test:
        claims["test"] = Said(1000, reading.source, True)  # once a test, always a test
    return reading


def _surroundings(reading: Reading, context: Context | None, home: str | None, locate: where.Locate) -> str | None:
    """What the browser, the connection and the property tell of language, time zone and country; returns the locale's country."""
    claims, address = reading.claims, reading.address
    region, clock, edge, place = reading.region, None, None, where.NOWHERE
    if context is not None:
        if context.locale:
            language, told = country.of_locale(context.locale[:_LONGEST_TAG])
            region = told or region
            if language is not None:
                reading.otherwise("language", _BY_LOCALE, "locale", language)
        if context.timezone and (clock := zone.read(context.timezone[:_LONGEST_TAG])) is not None:
            reading.otherwise("timezone", _BY_LOCALE, "browser", clock)
        agent = context.user_agent
        by_browser = agent is not None and agent.startswith("Mozilla/")
        # Of other connections the address is that of a server, and where they begin is where that stands.
        if by_browser or agent is None:
            edge = context.country
        if by_browser and context.ip:
            place = locate(context.ip[:_LONGEST_TAG])
            if place.timezone is not None and clock is None:
                reading.otherwise("timezone", _UNUSABLE, "ip", place.timezone)
    if "country" not in claims:
        guess = where.guess(
            mail_domain=address.domain if address is not None and address.kind not in _NO_HOME else None,
            edge=edge,
            address=place.country,
            timezone=clock,
            locale=region,
            home=home,
        )
        if guess is not None:
            claims["country"] = Said(guess.trust, guess.source, guess.country)
    return region


def _trait(reading: Reading, field: str | None, key: str, value: Any) -> None:
    """One trait; of two spellings of a field the first that says something counts."""
    if value is None or value == "":
        return
    if field is None:
        reading.custom[key] = Said(reading.certain, reading.source, value)
        return
    kind = type(value)
    if kind is not str:
        if kind is not int and kind is not float:
            return  # a list or an object where a text belongs says nothing
        value = str(value)
    text = value.strip()
    claims = reading.claims
    if not text or field in claims:
        return
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT]
    clean = _CLEANED.get(field)
    if clean is not None:
        said = clean(text)
        if said is not None:
            claims[field] = Said(reading.certain, reading.source, said)
        return
    reader = _READERS.get(field)
    if reader is None:
        claims[field] = Said(reading.certain, reading.source, text)
    else:
        reader(reading, field, text)


def _email(reading: Reading, _: str, raw: str) -> None:
    address = email.read(raw)
    reading.address = address
    if address is None:
        invalid = Email(address=raw[:254], kind="invalid")
        reading.claims["email"] = Said(_UNUSABLE, reading.source, invalid)
        return
    kind, domain = address.kind, address.domain
    sendable = address.address
    reading.given("email", Email(address=sendable, given=raw if raw != sendable else None, kind=kind, domain=domain))
    if kind == "business" or (kind == "role" and company.is_own(domain)):
        # Only an address of one's own house tells where somebody works.
        own = domains.registrable(domain)
        if own is not None:
            reading.otherwise("company.domain", _INFERRED, "email", own)


def _phone(reading: Reading, raw: str, home: str | None, elsewhere: str | None) -> None:
    """Reads the number with what tells its region: the form's fields, the property's country, the country that something else tells."""
    told: dict[str, str] = {}  # who, by region
    if raw[0] != "+":
        said = reading.claims.get("country")
        in_form = said is not None and said.trust >= reading.certain
        for region, who in (
            (reading.phone_region, "form"),
            (said.value if said is not None and in_form else None, "form"),
            (country.read(home) if home is not None else None, "property"),
            (said.value if said is not None else elsewhere, "country"),
        ):
            if region is not None:
                told.setdefault(region, who)
    number = phone.read(raw, tuple(told))
    if number is None:
        reading.number = None
        reading.claims["phone"] = Said(_UNUSABLE, reading.source, Phone(raw=raw[:64]))
        return
    if reading.extension is not None and number.extension is None:
        number = structs.replace(number, extension=reading.extension)
    reading.number = number
    region, read_as = number.region, number.read_as
    value = Phone(
        e164=number.e164,
        raw=raw,
        region=region,
        kind=number.kind,
        extension=number.extension,
        valid=number.valid,
        region_from=told[read_as] if read_as is not None else None,
    )
    reading.given("phone", value)
    if region is not None:
        reading.otherwise("country", _INFERRED, "phone", region)


def _full_name(reading: Reading, field: str, text: str) -> None:
    reading.full = person.tidy(text)
    reading.given(field, reading.full)


def _later(reading: Reading, _: str, text: str) -> None:
    """A phone number is read last, when the country is known."""
    if reading.raw_phone is None:
        reading.raw_phone = text


def _extension(reading: Reading, _: str, text: str) -> None:
    reading.extension = phone.extension(text)


def _country(reading: Reading, field: str, text: str) -> None:
    """A country; or, since `country_code` is beside a phone number as often a calling code (+49), what tells the number's region."""
    said = country.read(text)
    if said is not None:
        reading.given(field, said)
    elif reading.phone_region is None:
        reading.phone_region = phone.region_of(text)


def _phone_region(reading: Reading, _: str, text: str) -> None:
    reading.phone_region = country.read(text) or phone.region_of(text)


def _language(reading: Reading, field: str, text: str) -> None:
    language, reading.region = country.language(text)
    if language is not None:
        reading.given(field, language)


def _seniority(reading: Reading, field: str, text: str) -> None:
    """A seniority that the table does not know is kept as the form's own field."""
    known = job.seniority(text)
    if known is not None:
        reading.given(field, known)
    else:
        reading.custom["seniority"] = Said(reading.certain, reading.source, text)


def _address(reading: Reading, field: str, text: str) -> None:
    """An address in one line is kept as it is: where its town ends can't be told."""
    reading.custom[field] = Said(reading.certain, reading.source, text)


def _company(reading: Reading, _: str, text: str) -> None:
    name = company.bare(text)
    if name is not None:
        reading.given("company.name", name)


def _website(reading: Reading, _: str, text: str) -> None:
    domain = company.domain_of(text)
    if domain is not None:
        reading.given("company.domain", domain)


# Fields that are their text made clean, or nothing where nothing can be made of it.
_CLEANED: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("name.given", "name.family", "name.title"), person.tidy),
    "timezone": zone.read,
    "company.name": company.bare,
    "company.size": company.size,
    "job.department": lambda text: job.read(text).department or text,
}
# Fields that say more than themselves, with who reads them.
_READERS: dict[str, Callable[[Reading, str, str], None]] = {
    "email": _email,
    "phone": _later,
    "phone.extension": _extension,
    "phone.region": _phone_region,
    "country": _country,
    "name.full": _full_name,
    "address": _address,
    "job.seniority": _seniority,
    "language": _language,
    "company": _company,
    "company.website": _website,
}
