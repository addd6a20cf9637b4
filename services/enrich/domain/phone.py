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
    plain = _E164(text)
    if plain is None and _PLAIN(text):
        plain = _E164(text.translate(_NO_DIGITS))
    if plain is not None:
        quick = _by_plan(plain[0])
        if quick is not None:
            return quick if quick is not _IMPOSSIBLE else None
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
    rest = number.e164[3:]
    return rest.strip(rest[:1]) != ""


def _only_region(code: int | None) -> str | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code or 0, ())
    return regions[0] if regions and regions[0] != "001" else None


_IMPOSSIBLE = Number("")  # no number of its country is that long
# Calling codes, none of which begins with another, and their countries; what belongs to no country is the library's.
_CODES = {
    str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if regions[0] != "001"
}


class _Plan(Struct, frozen=True):
    """What of the numbering plan behind one calling code the fast path needs; patterns over the national number."""

    code: str
    region: str
    lengths: frozenset[int]
    local: frozenset[int]  # too short to be dialled from elsewhere
    prefix: re.Pattern[str] | None  # what is dialled before the number at home
    valid: re.Pattern[str]
    fixed: re.Pattern[str] | None
    mobile: re.Pattern[str] | None
    special: re.Pattern[str] | None
    others: re.Pattern[str] | None  # what the other countries with this code may claim, where the first one doesn't
    same: bool  # fixed and mobile numbers can't be told apart


def _by_plan(e164: str) -> Number | None:
    """What the library would say of a plain fixed or mobile number, of one that no country's plan knows, and (`_IMPOSSIBLE`) of one
    of a wrong length. None: only the library can tell."""
    plan = _plan(e164[1:3]) or _plan(e164[1:4]) or _plan(e164[1])
    if plan is None:
        return None
    national = e164[1 + len(plan.code) :]
    if plan.prefix is not None and plan.prefix.match(national):
        return None
    if len(national) not in plan.lengths:
        return None if len(national) in plan.local else _IMPOSSIBLE
    if plan.valid.fullmatch(national):
        if plan.special is not None and plan.special.fullmatch(national):
            return None
        mobile = plan.mobile is not None and plan.mobile.fullmatch(national) is not None
        if plan.fixed is not None and plan.fixed.fullmatch(national):
            return Number(e164, plan.region, "fixed-or-mobile" if plan.same or mobile else "fixed")
        if mobile and not plan.same:
            return Number(e164, plan.region, "mobile")
    return Number(e164, plan.region) if plan.others is None or plan.others.match(national) is None else None


@lru_cache(maxsize=1_000)
def _plan(code: str) -> _Plan | None:
    regions = _CODES.get(code)
    if regions is None:
        return None
    plans = [phonenumbers.PhoneMetadata.metadata_for_region(region) for region in regions]
    data = plans[0]
    # Numbers must be tried as the first country's first, and by their patterns.
    if data is None or data.general_desc is None or (len(regions) > 1 and data.leading_digits is not None):
        return None

    valid = _pattern(data.general_desc)
    if valid is None:
        return None
    # Of another country is what begins as its numbers do or, where that is not said, what is of any of its kinds.
    others = [
        other.leading_digits or _text(*_special(other), other.fixed_line, other.mobile) for other in plans[1:] if other
    ]
    prefix = data.national_prefix_for_parsing
    return _Plan(
        code,
        regions[0],
        frozenset(data.general_desc.possible_length),
        frozenset(data.general_desc.possible_length_local_only),
        re.compile(prefix) if prefix else None,
        valid,
        _pattern(data.fixed_line),
        _pattern(data.mobile),
        _pattern(*_special(data)),
        re.compile("|".join(f"(?:{text})" for text in others)) if others else None,
        same=data.same_mobile_and_fixed_line_pattern,
    )


def _special(data: phonenumbers.PhoneMetadata) -> tuple[object, ...]:
    return (
        data.premium_rate,
        data.toll_free,
        data.shared_cost,
        data.voip,
        data.personal_number,
        data.pager,
        data.uan,
        data.voicemail,
    )


def _text(*parts: object) -> str:
    return "|".join(f"(?:{text})" for part in parts if (text := getattr(part, "national_number_pattern", None)))


def _pattern(*parts: object) -> re.Pattern[str] | None:
    text = _text(*parts)
    return re.compile(text) if text else None


def warm() -> None:
    """Loads the metadata of the countries that most numbers come from now, rather than in the first batch."""
    for code in ("49", "43", "41", "44", "1", "33", "39", "34", "31", "32", "48", "46"):
        _plan(code)
    read("+442079460958")
