"""One phone number: E.164, its region, kind and extension; the raw text is kept by the caller."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneNumberFormat, PhoneNumberType

_PLAIN = re.compile(r"\+[0-9][0-9 ()-]*", re.ASCII).fullmatch
_NO_DIGITS = str.maketrans("", "", " ()-")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII).fullmatch

_KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed-or-mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared-cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


class Number(Struct, frozen=True, gc=False):
    """A number that could be dialled. `region` and `kind` are absent where the numbering plans don't say."""

    e164: str
    region: str | None = None
    kind: str | None = None
    extension: str | None = None


@lru_cache(maxsize=5_000)
def read(raw: str, region: str | None = None) -> Number | None:
    """The number in `raw`, read as one of `region` (ISO 3166) where it has no country code; None when there is none.

    A number counts when its length is possible in its country: new ranges are in use before the metadata knows them.
    """
    text = raw.strip()
    if len(text) > 100:
        return None
    digits = text.translate(_NO_DIGITS) if _PLAIN(text) else text
    if _E164(digits):
        quick = _by_plan(digits)
        if quick is not None:
            return quick
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return Number(
        e164=phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        region=phonenumbers.region_code_for_number(parsed) or _only_region(parsed.country_code),
        kind=_KINDS.get(phonenumbers.number_type(parsed)),
        extension=parsed.extension or None,
    )


def identifies(number: Number) -> bool:
    """Whether a number may tell who somebody is: not made up by holding a key down."""
    return len(set(number.e164[3:])) > 1


def _only_region(code: int | None) -> str | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code or 0, ())
    return regions[0] if regions and regions[0] != "001" else None


class _Plan(Struct, frozen=True):
    """What of one country's numbering plan the fast path needs; patterns over the national number."""

    region: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None  # what is dialled before the number at home
    valid: re.Pattern[str]
    fixed: re.Pattern[str] | None
    mobile: re.Pattern[str] | None
    special: re.Pattern[str] | None
    same: bool  # fixed and mobile numbers can't be told apart
    first: bool  # of the countries with this code, numbers are tried as this one's first, by their patterns


def _by_plan(e164: str) -> Number | None:
    """A plain fixed or mobile number of a country, or of its only one any that is long enough, as the library would say; else None."""
    for length in (2, 3, 1):
        code = e164[1 : 1 + length]
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
        if regions is not None:
            break
    else:
        return None
    plan = _plan(regions[0]) if regions[0] != "001" else None
    if plan is None or (len(regions) > 1 and not plan.first):
        return None
    national = e164[1 + length :]
    if plan.prefix is not None and plan.prefix.match(national):
        return None
    if plan.valid.fullmatch(national):
        if plan.special is not None and plan.special.fullmatch(national):
            return None
        mobile = plan.mobile is not None and plan.mobile.fullmatch(national) is not None
        if plan.fixed is not None and plan.fixed.fullmatch(national):
            return Number(e164, plan.region, "fixed-or-mobile" if plan.same or mobile else "fixed")
        if mobile and not plan.same:
            return Number(e164, plan.region, "mobile")
    return Number(e164, plan.region) if len(regions) == 1 and len(national) in plan.lengths else None


@lru_cache(maxsize=300)
def _plan(region: str) -> _Plan | None:
    data = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if data is None or data.general_desc is None:
        return None

    def pattern(*parts: object) -> re.Pattern[str] | None:
        texts = [text for part in parts if (text := getattr(part, "national_number_pattern", None))]
        return re.compile("|".join(f"(?:{text})" for text in texts)) if texts else None

    valid = pattern(data.general_desc)
    special = pattern(
        data.premium_rate,
        data.toll_free,
        data.shared_cost,
        data.voip,
        data.personal_number,
        data.pager,
        data.uan,
        data.voicemail,
    )
    if valid is None:
        return None
    prefix = data.national_prefix_for_parsing
    return _Plan(
        region,
        frozenset(data.general_desc.possible_length),
        re.compile(prefix) if prefix else None,
        valid,
        pattern(data.fixed_line),
        pattern(data.mobile),
        special,
        same=data.same_mobile_and_fixed_line_pattern,
        first=data.leading_digits is None,
    )


def warm() -> None:
    """Loads the metadata of the countries that most numbers come from now, rather than in the first batch."""
    for region in ("DE", "AT", "CH", "GB", "US", "FR", "IT", "ES", "NL", "BE", "PL", "SE"):
        _plan(region)
    read("+442079460958")
