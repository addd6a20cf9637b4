"""Consent as forms give it. What counts as a field of consent is the table's; what is done with consent is enrich's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.capture.domain import aliases
from services.capture.domain.form.bodies import Fields
from shared.contracts import ConsentGiven

GENERAL = "general"  # the purpose of a box that names none
_PURPOSE = re.compile(r"[^\W\d][\w.-]{1,39}\Z")
_DETAILS = ("text", "version", "basis")


def given(purposes: Fields, told: Mapping[str, str | None]) -> ConsentGiven | None:
    """Consent from fields: `consent[mail]=on`, `consent_mail=on`, `consent[]=mail`, or one box `consent=on`; beside them
    `consent_text`, `consent_version`, `consent_basis`. In JSON also the contract's own form {purposes, text, version, basis}."""
    details = [told.get("consent_text"), told.get("consent_version"), told.get("consent_basis")]
    if type(inner := purposes.get("purposes")) is dict:
        details = [text(purposes.get(name)) or known for name, known in zip(_DETAILS, details, strict=True)]
        others = {purpose: value for purpose, value in purposes.items() if purpose not in ("purposes", *_DETAILS)}
        purposes = {**others, **inner}
    said = {purpose: yes for purpose, value in purposes.items() if (yes := _says(value)) is not None}
    return ConsentGiven(purposes=said, text=details[0], version=details[1], basis=details[2]) if said else None


def gathered(purposes: Fields, value: Any) -> None:
    """Puts what a field called just `consent` says to the purposes so far: yes or no in general, each with its own answer, or a
    list of those that are given."""
    if type(value) is dict:
        purposes.update(value)
        if "" in value:
            purposes.setdefault(GENERAL, purposes.pop(""))
        return
    named = [one for one in value if _is_purpose(one)] if type(value) is list else []
    purposes.update(dict.fromkeys(named, True))
    if not named:
        purposes.setdefault(GENERAL, value)


def text(value: Any) -> str | None:
    """A text, or a number as one; None for anything else and for nothing."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def _is_purpose(value: Any) -> bool:
    return type(value) is str and _PURPOSE.match(value) is not None and aliases.word(value) is None


def _says(value: Any) -> bool | None:
    """Yes or no. Of a box that comes twice, as frameworks send an unticked value before or behind it, yes counts."""
    if type(value) is str:
        return not _no(value)
    if type(value) is list:
        said = [_says(one) for one in value]
        return True in said if any(one is not None for one in said) else None
    return bool(value) if type(value) is bool or type(value) is int else None


def _no(value: str) -> bool:
    return aliases.word(value[:40]) == "no" or not value.strip()
