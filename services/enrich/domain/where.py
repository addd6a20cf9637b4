"""In which country somebody is who does not say it: the best of what their mail, connection, browser and the property tell. Pure."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from services.enrich.domain import country, zone

# Country codes that are sold to the whole world, so that a domain under them tells nothing: Google Search Central, "Generic country code
# top-level domains", and what else is mostly used for the look of its letters (2026-11-27).
_FOR_EVERYBODY = frozenset(
    "ac ad ai as bz cc cd cf cm co cx dj eu fm ga gd gg gq gs im io la ly me ml ms mu nu pn pw sc sh so sr st su sx tc tf tk tm to tv vc vg "
    "vu ws".split()
)
_NO_ISO = {"uk": "GB"}

# How far each is to be trusted, on the scale of claims.py: under a country that was given or that a phone number has. Unlike those it is
# the same for every kind of event: a form knows no more of its sender's browser than a page view does.
_MAIL, _EDGE, _ADDRESS, _ZONE, _LOCALE, _PROPERTY = 35, 32, 28, 20, 10, 5


class Place(Struct, frozen=True, gc=False):
    """What a database of addresses says of one."""

    country: str | None = None
    timezone: str | None = None


NOWHERE = Place()
Locate = Callable[[str], Place]


def nowhere(_: str) -> Place:
    """What is said of every address where the operator gave no database."""
    return NOWHERE


class Guess(Struct, frozen=True, gc=False):
    """A country with how far it is to be trusted, and what told it."""

    trust: int
    source: str
    country: str


def guess(
    *, mail_domain: str | None, edge: str | None, address: str | None, timezone: str | None, locale: str | None, home: str | None
) -> Guess | None:  # fmt: skip
    """The best that there is: the country of a mail's domain, of the edge's header, of the connection's address, of the browser's time
    zone, of its locale, of the property. `timezone` is a zone of IANA, all others but the domain are ISO 3166 codes."""
    if mail_domain is not None and (found := of_domain(mail_domain)) is not None:
        return Guess(_MAIL, "email", found)
    if edge is not None and country.is_country(edge):
        return Guess(_EDGE, "edge", edge)
    if address is not None and country.is_country(address):
        return Guess(_ADDRESS, "ip", address)
    if timezone is not None and (found := zone.country(timezone)) is not None:
        return Guess(_ZONE, "timezone", found)
    if locale is not None:
        return Guess(_LOCALE, "locale", locale)
    return Guess(_PROPERTY, "property", home) if home is not None and country.is_country(home) else None


def of_domain(domain: str) -> str | None:
    """The country of a domain under a country's code, where that code means its country."""
    last = domain[-3:]
    if last[:1] != "." or last[1:] in _FOR_EVERYBODY:
        return None
    code = _NO_ISO.get(last[1:]) or last[1:].upper()
    return code if country.is_country(code) else None
