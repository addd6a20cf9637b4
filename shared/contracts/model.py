"""What every event and every part of one is made of: the model, the marks of personal data, and the kinds of values. No event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

PERSONAL = Meta(extra_json_schema={"x-personal": True})
Personal = Annotated[str, PERSONAL]
PersonalMap = Annotated[dict[str, Any], PERSONAL]
PersonalNames = Annotated[dict[str, str], PERSONAL]
Ratio = Annotated[float, Meta(ge=0, le=1)]
# A time without a zone is no moment: it is refused where it is decoded, not where it is first compared.
Moment = Annotated[datetime, Meta(tz=True)]


class Model(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frozen, keyword-only, absent when default: what every event and every part of one has in common."""


# omit_defaults leaves out what its own `list` and `dict` made empty, and never what a function of ours made.
def no_entries() -> list[Any]:
    return []


def no_fields() -> dict[str, Any]:
    return {}


def surely() -> float:
    return 1.0
