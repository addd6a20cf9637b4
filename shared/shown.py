"""Settings as an operator may see them: what a process was told and where each value came from. What is secret is masked."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from pydantic_core import PydanticUndefined

from shared.settings import Process

MASK = "***"
_PASSWORD = re.compile(r"(\w+://[^:/@\s]*:)[^@\s]*(?=@)")  # of an address
_PARAMETER = re.compile(r"((?:password|secret|token|key)=)[^&\s]+", re.IGNORECASE)


class Setting(Struct, frozen=True):
    """One setting. `origin` is `environment` or `default`."""

    variable: str
    value: str
    origin: str
    description: str


def settings(told: Process) -> list[Setting]:
    """All settings of a process, by variable."""
    return [
        Setting(
            f"LEADFLOW_{name.upper()}",
            MASK if is_secret(type(told), name) else masked(str(getattr(told, name))),
            "environment" if name in told.model_fields_set else "default",
            field.description or "",
        )
        for name, field in sorted(type(told).model_fields.items())
    ]


def is_secret(kind: type[Process], name: str) -> bool:
    """Whether nothing of the value may be seen."""
    extra: Any = kind.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))


def masked(text: str) -> str:
    """A value without the passwords in it."""
    return _PARAMETER.sub(rf"\g<1>{MASK}", _PASSWORD.sub(rf"\g<1>{MASK}", text))


def default(kind: type[Process], name: str) -> str | None:
    """A default as text, or None where the setting has to be given."""
    value = kind.model_fields[name].default
    return None if value is PydanticUndefined else str(value)
