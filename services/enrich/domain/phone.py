"""One phone number: E.164, its region, kind and extension; the raw text is kept by the caller."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from msgspec import Struct
from phonenumbers import CountryCodeSource, PhoneNumberFormat, PhoneNumberType, ValidationResult

_PLAIN = re.compile(r"\+[0-9][0-9 ()-]*", re.ASCII).fullmatch
_AT_HOME = re.compile(r"[0-9(][0-9 ()/.-]*", re.ASCII).fullmatch
_NO_DIGITS = str.maketrans("", "", " ()/.-")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII).fullmatch
_EXTENSION = re.compile(r"[0-9*#]{1,11}", re.ASCII).fullmatch
_NATIONAL = CountryCodeSource.FROM_DEFAULT_COUNTRY
_POSSIBLE = ValidationResult.IS_POSSIBLE

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
    """A number whose length is possible in its country. `region` and `kind` are absent where the numbering plans don't say; one without
    a kind is of no range that they know. `read_as` is the region that had to be told, where the number has no calling code of its own."""

    e164: str
    region: str | None = None
    kind: str | None = None
    extension: str | None = None
    read_as: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the numbering plan knows the number; new ranges are in use before it does."""
        return self.kind is not None


@lru_cache(maxsize=5_000)
def read(raw: str, regions: tuple[str, ...] = ()) -> Number | None:
    """The number in `raw`; where it has no calling code, as one of the first of `regions` (ISO 3166) in which its length is possible.
    None when there is none that could be dialled from everywhere."""
    text = raw.strip()
    if not text or len(text) > 100:
        return None
    plain = _E164(text)
    if plain is None and _PLAIN(text):
        plain = _E164(text.translate(_NO_DIGITS))
    if plain is not None:
        quick = _by_plan(plain[0])
        if quick is not None:
            return quick if quick is not _IMPOSSIBLE else None
    digits = text.translate(_NO_DIGITS) if _AT_HOME(text) else ""
    for region in regions:
        found = (_at_home(digits, region) if digits else None) or _by_library(text, region)
        if found is not None:
            return _lacking_its_plus(digits, region, found) or found
    return _by_library(f"+{text[2:]}" if text.startswith("00") else text, None)


def _lacking_its_plus(digits: str, region: str, found: Number) -> Number | None:
    """The valid number that `digits` are with their plus, where that is likelier than `found`: two zeros in front, as most of the world
    dials abroad; or the calling code of `region` where a zero would be in front of a number at home."""
    code = _HOMES.get(region)
    if digits.startswith("00"):
        likely, digits = not found.valid, digits[2:]
    elif code is not None and digits.startswith(code):
        plan = _plan(code)
        likely = not found.valid or (plan is not None and plan.zero)
    else:
        return None
    other = _by_library(f"+{digits}", None) if likely else None
    return other if other is not None and other.valid else None


def _by_library(text: str, region: str | None) -> Number | None:
    try:
        parsed = phonenumbers.parse(text, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    if not parsed.national_number or phonenumbers.is_possible_number_with_reason(parsed) != _POSSIBLE:
        return None
    where = phonenumbers.region_code_for_number(parsed)
    return Number(
        e164=phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        region=where if where and where != "001" else _only_region(parsed.country_code),
        kind=_KINDS.get(phonenumbers.number_type(parsed)),
        extension=extension(parsed.extension or ""),
        read_as=region if parsed.country_code_source == _NATIONAL else None,
    )


def extension(raw: str) -> str | None:
    """An extension as it would be dialled, or None."""
    text = raw.translate(_NO_DIGITS)
    return text if _EXTENSION(text) else None


def region_of(calling_code: str) -> str | None:
    """The country of a calling code (+49, 0049, 49), the first one where several share it; None for what is none."""
    digits = calling_code.strip().removeprefix("+").removeprefix("00").translate(_NO_DIGITS)
    return _only_region(int(digits)) if digits.isascii() and digits.isdigit() and len(digits) <= 3 else None


def identifier(number: Number) -> str | None:
    """What tells whose a number is: itself and its extension, since colleagues share what is before it (RFC 3966). None for one that
    was made up by holding a key down."""
    rest = number.e164[3:]
    if rest.strip(rest[:1]) == "":
        return None
    return f"{number.e164};ext={number.extension}" if number.extension else number.e164


def _only_region(code: int | None) -> str | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code or 0, ())
    return regions[0] if regions and regions[0] != "001" else None


_IMPOSSIBLE = Number("")  # none of its country is that long, or only where one need not dial all of it
# Calling codes, none of which begins with another, and their countries; what belongs to no country is the library's.
_CODES = {
    str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if regions[0] != "001"
}

_HOMES = {regions[0]: code for code, regions in _CODES.items()}


class _Plan(Struct, frozen=True):
    """What of the numbering plan behind one calling code the fast path needs; patterns over the national number."""

    code: str
    region: str
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None  # what is dialled before the number at home
    zero: bool  # that is a zero, and two lead abroad
    bare: bool  # nothing is dialled before it, and two zeros lead abroad
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
        # As in +49 (0)30; the library takes off what is dialled at home where the rest is a number.
        if not plan.zero or plan.valid.fullmatch(national[1:]) is None:
            return None
        national = national[1:]
        e164 = f"+{plan.code}{national}"
    if len(national) not in plan.lengths or not national.strip("0"):
        return _IMPOSSIBLE
    if plan.valid.fullmatch(national):
        if plan.special is not None and plan.special.fullmatch(national):
            return None
        mobile = plan.mobile is not None and plan.mobile.fullmatch(national) is not None
        if plan.fixed is not None and plan.fixed.fullmatch(national):
            return Number(e164, plan.region, "fixed-or-mobile" if plan.same or mobile else "fixed")
        if mobile and not plan.same:
            return Number(e164, plan.region, "mobile")
    return Number(e164, plan.region) if plan.others is None or plan.others.match(national) is None else None


def _at_home(digits: str, region: str) -> Number | None:
    """What the library would say of a number as it is dialled in `region`, where that is plain to see. None: only the library can tell."""
    code = _HOMES.get(region)
    plan = _plan(code) if code is not None else None
    if plan is None or digits.startswith("00"):
        return None
    national = digits[1:] if plan.zero and digits.startswith("0") else digits if plan.bare else ""
    if plan.valid.fullmatch(national) is None:
        return None
    found = _by_plan(f"+{plan.code}{national}")
    if found is None or found is _IMPOSSIBLE:
        return None
    return Number(found.e164, found.region, found.kind, read_as=region)


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
    prefix, abroad = data.national_prefix_for_parsing, data.international_prefix == "00"
    return _Plan(
        code,
        regions[0],
        frozenset(data.general_desc.possible_length),
        re.compile(prefix) if prefix else None,
        prefix == "0" and not data.national_prefix_transform_rule and abroad,
        not prefix and abroad,
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
