"""What a row means: the call of Segment's API that a field map makes of it, or every reason why there is none. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared import fieldmap
from shared.fieldmap import FieldMap, Found, Source
from shared.origin import CLICK_IDS, UTM

MAX_EVENT_BYTES = 32 * 1024  # as capture has it
_FORM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")  # likewise
_LONGEST_MESSAGE_ID = 300
_PAGE = {"page_url": "url", "page_title": "title", "referrer": "referrer"}  # as hidden fields of forms are called
_CLICK_IDS = {name: name for name in CLICK_IDS}
_encode = msgspec.json.Encoder(order="deterministic").encode


def read_map(said: Any, columns: Sequence[str] = ()) -> FieldMap | list[str]:
    """The field map in a decoded document, or every mistake in it; `columns` are those that a CSV file has."""
    found = fieldmap.read(said)
    if isinstance(found, list):
        return found
    mistakes = ["each: a row is one event, so an import knows no `each`"] if found.each is not None else []
    if columns:
        known = set(columns)
        for where, source in _sources(found):
            if source.path is not None and (len(source.path) != 1 or source.path[0] not in known):
                mistakes.append(f"{where}: the file has no column {'/'.join(source.path)!r}")
        if mistakes:
            mistakes.append(f"The file's columns: {', '.join(filter(None, columns))}")
    return mistakes or found


def _sources(found: FieldMap) -> Iterator[tuple[str, Source]]:
    for name in ("name", "form", "id", "occurred_at", "user_id", "anonymous_id", "test"):
        source: Source | None = getattr(found, name)
        if source is not None:
            yield name, source
    for group in ("traits", "properties", "consent"):
        yield from ((f"{group}.{name}", source) for name, source in getattr(found, group).items())


def event(row: dict[str, Any], field_map: FieldMap, *, as_history: bool) -> dict[str, Any] | list[str]:
    """The event of a row: `form` where the map has the name of a form, `track` where it has one for what happened, else `identify`. Or
    why there is none.

    Its messageId is the same whenever the row is met: the row's `id` where the map names one, else what the row says. So a row that is
    there twice counts once.
    """
    found = field_map.find(row)
    mistakes = []
    if field_map.occurred_at is not None and found.occurred_at is None:
        mistakes.append("occurred_at: there is no time that the map's format reads")
    if found.form is not None and not _FORM_NAME.match(found.form):
        mistakes.append("form: it is no name for a form; letters, digits, dots, hyphens and underscores are")
    if found.form is not None and found.name is not None:
        mistakes.append("form and name: a row is a form or something else that happened, not both")
    if found.form is None and found.name is None and (field_map.form is not None or field_map.name is not None):
        where = "form" if field_map.name is None else "name"
        mistakes.append(f"{where}: nothing says what happened")
    if not found.traits and found.user_id is None and found.anonymous_id is None:
        mistakes.append("the row names nobody: every field that the map takes traits and ids from is empty")
    consent: dict[str, bool] = {}
    for purpose, source in field_map.consent.items():
        value = source.of(row)
        given = fieldmap.yes_or_no(value)
        if value is None or value == "":
            continue  # nothing was said, which is no refusal
        if given is None:
            mistakes.append(f"consent.{purpose}: it is no word for yes or no")
        else:
            consent[purpose] = given
    if found.test:
        mistakes.append("test: the row is marked as a test")
    if mistakes:
        return mistakes
    try:
        made = _call(row, found, consent, as_history)
        size = len(_encode(made))
    except (msgspec.MsgspecError, OverflowError, UnicodeError, RecursionError):
        return ["the row holds a value that no event can hold"]
    return [f"the row is larger than {MAX_EVENT_BYTES // 1024} KiB"] if size > MAX_EVENT_BYTES else made


def _call(row: dict[str, Any], found: Found, consent: dict[str, bool], as_history: bool) -> dict[str, Any]:
    properties = dict(found.properties)

    def told(names: Mapping[str, str]) -> dict[str, str]:
        return {ours: properties.pop(name) for name, ours in names.items() if isinstance(properties.get(name), str)}

    context = {"page": told(_PAGE), "campaign": told(UTM), "click_ids": told(_CLICK_IDS)}
    said: dict[str, Any] = {
        "type": "form" if found.form is not None else "track" if found.name is not None else "identify",
        "event": found.name,
        "name": found.form,
        "messageId": _message_id(row, found.name or (f"form {found.form}" if found.form else ""), found.id),
        "timestamp": found.occurred_at,
        "userId": found.user_id,
        "anonymousId": found.anonymous_id,
        "traits": found.traits,
        "properties": properties,
        "context": {name: value for name, value in context.items() if value},
        "consent": {"purposes": consent} if consent else None,
        "history": True if as_history else None,
    }
    return {name: value for name, value in said.items() if value is not None and value != {}}


def _message_id(row: dict[str, Any], name: str, id_: str | None) -> str:
    if id_ is None:
        return "import:" + hashlib.sha256(_encode([name or None, row])).hexdigest()[:40]
    return f"import:{name}:{id_}"[:_LONGEST_MESSAGE_ID]
