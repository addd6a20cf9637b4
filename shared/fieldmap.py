"""Field maps, of a `generic` hook and of an import: which place of a body is which trait or property, constants, date formats. What is wrong with a map is told here, all at once; what becomes of what a map finds, others say.

A map is a JSON (or YAML, read by who has the file) object. A place is a JSON Pointer (RFC 6901, begins with /) or the name of a form's
field; an object {from, format, zone} reads a date, {value} is a constant:

    {"name": {"value": "webinar"}, "id": "/registration/id", "each": "/registrations",
     "occurred_at": {"from": "/registration/at", "format": "unix_ms"},
     "traits": {"email": "/person/mail", "company": "firm"}, "properties": {"source": {"value": "partner"}},
     "consent": {"marketing_email": "/optin"}, "user_id": "/person/number", "test": "/is_test"}

`form`, which only an import knows, is what `name` is for other events: the form that was filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from shared import clock

FORMATS = {"unix": 1, "unix_ms": 1000}  # counts since 1970, beside `iso` and patterns of strptime
_MOST_PLACES = 200
_LONGEST_ID = 200  # characters
# Yes and no in the languages of our forms, and as systems write them.
_YES_WORDS = """1 true t yes y on x ja j wahr oui o vrai si sí s sì sim verdadeiro vero tak prawda ano pravda
granted given checked subscribed accepted agreed opt-in optin opted-in"""
_NO_WORDS = """0 false f no n off nein falsch non faux não nao falso nee niet onwaar nie fałsz ne nepravda
denied refused unchecked unsubscribed rejected withdrawn opt-out optout opted-out none null"""
_YES = frozenset(_YES_WORDS.split())
_NO = frozenset(_NO_WORDS.split()) | {""}
_NONE: Any = object()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a path into the body, or a constant; and how to read it where it is a date."""

    path: tuple[str, ...] | None = None
    value: Any = None
    format: str | None = None
    zone: ZoneInfo | None = None

    def of(self, body: Any) -> Any:
        """The value in `body`; None where there is none. A date that does not have the format stays as it is."""
        if self.path is None:
            return self.value
        found = at(body, self.path)
        if found is _NONE or found is None:
            return None
        return found if self.format is None else self._date(found) or found

    def moment(self, body: Any) -> str | None:
        """The value as a time, RFC 3339; None where it is none."""
        found = None if self.path is None else at(body, self.path)
        if found is _NONE or found is None:
            return None
        return self._date(found) if self.format is not None else clock.moment(found)

    def _date(self, found: Any) -> str | None:
        if self.format in FORMATS:
            return clock.since_1970(found, FORMATS[self.format])
        if not isinstance(found, str) or self.format is None:
            return None
        try:
            read = datetime.fromisoformat(found) if self.format == "iso" else _pattern(found, self.format)
            return clock.moment((read.replace(tzinfo=self.zone or UTC) if read.tzinfo is None else read).isoformat())
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a map finds in one body; what is not there, or empty, is absent."""

    name: str | None
    form: str | None
    id: str | None
    occurred_at: str | None
    user_id: str | None
    anonymous_id: str | None
    test: bool
    traits: dict[str, Any]
    properties: dict[str, Any]
    consent: dict[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """A map that was found good. Absent parts say nothing."""

    name: Source | None = None
    form: Source | None = None
    id: Source | None = None
    each: tuple[str, ...] | None = None
    occurred_at: Source | None = None
    user_id: Source | None = None
    anonymous_id: Source | None = None
    test: Source | None = None
    traits: dict[str, Source] = field(default_factory=dict)
    properties: dict[str, Source] = field(default_factory=dict)
    consent: dict[str, Source] = field(default_factory=dict)

    def find(self, body: Any) -> Found:
        """What the map finds in `body`. Never raises."""
        consent = {purpose: _yes(source.of(body)) for purpose, source in self.consent.items()}
        return Found(
            name=_text(self.name, body),
            form=_text(self.form, body),
            id=_id(self.id, body),
            occurred_at=self.occurred_at.moment(body) if self.occurred_at is not None else None,
            user_id=_id(self.user_id, body),
            anonymous_id=_id(self.anonymous_id, body),
            test=self.test is not None and _yes(self.test.of(body)) is True,
            traits=_values(self.traits, body),
            properties=_values(self.properties, body),
            consent={purpose: given for purpose, given in consent.items() if given is not None},
        )


class _Place(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    from_: str | None = None
    value: str | int | float | bool | None = None
    format: str | None = None
    zone: str | None = None


_Somewhere = str | _Place


class _Map(Struct, forbid_unknown_fields=True):
    name: _Somewhere | None = None
    form: _Somewhere | None = None
    id: _Somewhere | None = None
    each: str | None = None
    occurred_at: _Somewhere | None = None
    user_id: _Somewhere | None = None
    anonymous_id: _Somewhere | None = None
    test: _Somewhere | None = None
    traits: dict[str, _Somewhere] = {}
    properties: dict[str, _Somewhere] = {}
    consent: dict[str, _Somewhere] = {}


def read(found: Any) -> FieldMap | list[str]:
    """The map in a decoded JSON or YAML document, or every mistake in it, a sentence each."""
    try:
        said = msgspec.convert(found, _Map)
    except msgspec.ValidationError as error:
        return [str(error).replace("`", "'") + "."]
    mistakes: list[str] = []
    if len(said.traits) + len(said.properties) + len(said.consent) > _MOST_PLACES:
        mistakes.append(f"A map has at most {_MOST_PLACES} traits, properties and purposes.")
    if not said.traits and said.user_id is None and said.anonymous_id is None:
        mistakes.append("The map names nobody. Map a trait, best `email`, or `user_id`.")

    def source(place: _Somewhere | None, where: str) -> Source | None:
        if place is None:
            return None
        try:
            return _source(place)
        except ValueError as wrong:
            mistakes.append(f"{where}: {wrong}")
            return None

    def sources(places: dict[str, _Somewhere], where: str) -> dict[str, Source]:
        read = {name: source(place, f"{where}.{name}") for name, place in places.items()}
        return {name: one for name, one in read.items() if one is not None}

    each = None
    if said.each is not None:
        try:
            each = _path(said.each)
        except ValueError as wrong:
            mistakes.append(f"each: {wrong}")
    made = FieldMap(
        name=source(said.name, "name"),
        form=source(said.form, "form"),
        id=source(said.id, "id"),
        each=each,
        occurred_at=source(said.occurred_at, "occurred_at"),
        user_id=source(said.user_id, "user_id"),
        anonymous_id=source(said.anonymous_id, "anonymous_id"),
        test=source(said.test, "test"),
        traits=sources(said.traits, "traits"),
        properties=sources(said.properties, "properties"),
        consent=sources(said.consent, "consent"),
    )
    return mistakes or made


def at(body: Any, path: tuple[str, ...]) -> Any:
    """The value at the end of the path (RFC 6901); a private nothing, which is not None, where the path ends nowhere."""
    for step in path:
        if isinstance(body, dict):
            body = body.get(step, _NONE)
        elif isinstance(body, list) and step.isdecimal() and step.isascii() and len(step) < 6 and int(step) < len(body):
            body = body[int(step)]
        else:
            return _NONE
    return body


def _values(sources: dict[str, Source], body: Any) -> dict[str, Any]:
    values = {name: source.of(body) for name, source in sources.items()}
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _text(source: Source | None, body: Any) -> str | None:
    value = source.of(body) if source is not None else None
    return value if isinstance(value, str) and value else None


def _id(source: Source | None, body: Any) -> str | None:
    value = source.of(body) if source is not None else None
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)[:_LONGEST_ID]


def yes_or_no(value: Any) -> bool | None:
    """Yes or no where a value surely says so."""
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _YES else False if word in _NO else None
    return bool(value) if value in (True, False) else None


def _yes(value: Any) -> bool | None:
    """Yes or no as forms and APIs say it, where any text but a no, such as a box's label, is a yes; None where nothing is said."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value) if isinstance(value, bool | int | float) else None


def _source(place: _Somewhere) -> Source:
    if isinstance(place, str):
        return Source(path=_path(place))
    if place.from_ is None:
        if place.value is None or place.format is not None or place.zone is not None:
            raise ValueError("an object has either `from`, with `format` and `zone` where it is a date, or `value`")
        return Source(value=place.value)
    if place.value is not None:
        raise ValueError("`from` and `value` exclude each other")
    if place.zone is not None and place.format is None:
        raise ValueError("a `zone` needs a `format`")
    if place.format is not None and place.format != "iso" and place.format not in FORMATS:
        _checked(place.format)
    return Source(path=_path(place.from_), format=place.format, zone=_zone(place.zone))


def _path(place: str) -> tuple[str, ...]:
    if not place:
        raise ValueError("a place is empty. Example: /contact/email, or the name of a form's field")
    if not place.startswith("/"):
        return (place,)
    if re.search(r"~(?![01])", place):
        raise ValueError("in a JSON Pointer ~ is written ~0, and / inside of a name ~1")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in place[1:].split("/"))


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("the zone is not known. Example: Europe/Berlin") from None


def _checked(pattern: str) -> None:
    sample = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    try:
        _pattern(sample.strftime(pattern), pattern)
    except (ValueError, re.error):
        raise ValueError("the format is none of iso, unix, unix_ms, nor a pattern like %d.%m.%Y %H:%M") from None
    if "%" not in pattern:
        raise ValueError("the format is none of iso, unix, unix_ms, nor a pattern like %d.%m.%Y %H:%M")


def _pattern(text: str, pattern: str) -> datetime:
    return datetime.strptime(text[:100], pattern)  # noqa: DTZ007  (the zone is the map's, see _date)
