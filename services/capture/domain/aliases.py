"""The field names that forms use, as tables: which trait, which surrounding, which marker a field is. No code but the spelling rule."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from services.capture.domain.touch import CLICK_IDS, UTM

# Trait (Segment's reserved names) -> how forms name the field. Spelling does not matter: case, hyphens, underscores, dots and
# blanks are ignored, so `e-mail`, `E_Mail` and `Email` are one.
TRAITS: dict[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "youremail", "workemail", "businessemail", "useremail"),
    "phone": ("phone", "phonenumber", "telephone", "tel", "mobile", "mobilephone", "mobilenumber", "cell", "yourphone"),
    "firstName": ("firstname", "fname", "givenname", "forename"),
    "lastName": ("lastname", "lname", "familyname", "surname"),
    "name": ("name", "fullname", "yourname", "contactname"),
    "company": ("company", "companyname", "organization", "organisation", "employer", "business", "yourcompany"),
    "title": ("jobtitle", "position", "role", "jobrole"),
    "salutation": ("salutation",),
    "website": ("website", "companywebsite", "url", "homepage"),
    "industry": ("industry",),
    "employees": ("employees", "companysize", "numberofemployees"),
    "country": ("country", "countrycode", "countryname"),
    "state": ("state", "region", "province"),
    "city": ("city", "town"),
    "postalCode": ("postalcode", "postcode", "zip", "zipcode"),
    "street": ("street", "streetaddress", "addressline1"),
    "language": ("language", "lang"),
}

# What of the surroundings a hidden field may tell.
SURROUNDINGS: dict[str, tuple[str, ...]] = {
    "write_key": ("writekey",),
    "client_id": ("messageid", "idempotencykey"),
    "anonymous_id": ("anonymousid", "visitorid"),
    "user_id": ("userid",),
    "timestamp": ("timestamp",),
    "sent_at": ("sentat",),
    "page_url": ("pageurl", "page", "landingpage"),
    "page_title": ("pagetitle",),
    "referrer": ("referrer", "referer"),
    "locale": ("locale",),
    "timezone": ("timezone",),
    "consent": ("consent",),
    "consent_text": ("consenttext",),
    "consent_version": ("consentversion",),
    "consent_basis": ("consentbasis",),
}

# A field that people do not see, so only robots fill it in.
HONEYPOT = "websiteurlconfirm"

_TRAIT_OF = {alias: trait for trait, aliases in TRAITS.items() for alias in aliases}
_SURROUNDING_OF = {alias: name for name, aliases in SURROUNDINGS.items() for alias in aliases}


@lru_cache(maxsize=4096)
def spelling(field: str) -> str:
    """The field's name as the tables spell it: letters and digits only, lower case."""
    return "".join(filter(str.isalnum, field.casefold()))


def trait(field: str) -> str | None:
    """Which trait a form's field is, or None."""
    return _TRAIT_OF.get(spelling(field))


Place = Literal["utm", "click", "surrounding", "honeypot", "trait", "consent", "property"]


@lru_cache(maxsize=4096)
def place(field: str) -> tuple[Place, str]:
    """Where a form's field belongs, and what it is called there. The tables name no field twice, so their order says nothing."""
    name, spelt = field.lower(), spelling(field)
    if name in UTM:
        return "utm", name
    if name in CLICK_IDS:
        return "click", name
    if (surrounding := _SURROUNDING_OF.get(spelt)) is not None:
        return "surrounding", surrounding
    if spelt == HONEYPOT:
        return "honeypot", field
    if (trait := _TRAIT_OF.get(spelt)) is not None:
        return "trait", trait
    if field.startswith("consent_"):
        return "consent", field.removeprefix("consent_")
    return "property", field
