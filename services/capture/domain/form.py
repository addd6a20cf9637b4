"""Form posts, bytes to a submission: JSON, urlencoded and multipart bodies become fields; fields become traits, surroundings and properties by the tables of aliases.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.capture.domain import aliases, clean, connection, reading, touch
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Arrival, Refused, Submission
from shared.contracts import ConsentGiven, Page

MAX_FIELDS = 500
_NO = frozenset({"", "0", "false", "no", "off", "n"})
_fields = msgspec.json.Decoder(dict[str, Any]).decode

Fields = dict[str, Any]


class Files(ValueError):
    """Files came with the form."""


def of_json(body: bytes) -> Fields | Refused:
    """The fields of a JSON body. Raises Broken, and nothing else."""
    return reading.decoded(_fields, clean.json_text(body))


def of_urlencoded(body: bytes) -> Fields:
    """The fields of a urlencoded body; bytes that are no UTF-8 become U+FFFD. Raises Broken, and nothing else."""
    try:
        pairs = parse_qsl(body.decode("latin-1"), max_num_fields=MAX_FIELDS, encoding="utf-8", errors="replace")
    except ValueError:
        raise Broken(f"A form has at most {MAX_FIELDS} fields.") from None
    return nested(pairs)


def of_multipart(body: bytes, content_type: bytes) -> Fields:
    """The fields of a multipart body. An empty file field is none. Raises Broken or Files, and nothing else."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Broken("The content type names no boundary.")
    parts: list[tuple[bytes, bytearray]] = []
    header_name, header_value, disposition = bytearray(), bytearray(), bytearray()

    def on_part_begin() -> None:
        disposition.clear()

    def on_header_end() -> None:
        if header_name.lower() == b"content-disposition":
            disposition[:] = header_value
        header_name.clear()
        header_value.clear()

    def on_headers_finished() -> None:
        if len(parts) >= MAX_FIELDS:
            raise Broken(f"A form has at most {MAX_FIELDS} fields.")
        parts.append((bytes(disposition), bytearray()))

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": on_part_begin,
                "on_header_field": lambda data, start, end: header_name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: header_value.extend(data[start:end]),
                "on_header_end": on_header_end,
                "on_headers_finished": on_headers_finished,
                "on_part_data": lambda data, start, end: parts[-1][1].extend(data[start:end]),
            },
        )
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        raise Broken("The multipart body is broken or cut off.") from None
    pairs: list[tuple[str, str]] = []
    for header, content in parts:
        options = parse_options_header(header)[1]
        if b"filename" in options and content:
            raise Files
        name = options.get(b"name")
        if name and content:
            pairs.append((name.decode("utf-8", "replace"), content.decode("utf-8", "replace")))
    return nested(pairs)


def nested(pairs: list[tuple[str, str]]) -> Fields:
    """Fields with bracket names as browsers and PHP forms send them: `consent[mail]=yes` is {"consent": {"mail": "yes"}}, `topic[]`
    or a name that comes twice is a list. Where names contradict each other, the whole name is the field."""
    fields: Fields = {}
    for name, value in pairs:
        name, value = clean.text(name), clean.text(value)
        head, *rest = name.replace("]", "").split("[") if name.endswith("]") else (name,)
        keys = [head, *rest]
        as_list = len(keys) > 1 and keys[-1] == ""
        if as_list:
            keys.pop()
        if not _put(fields, keys, value, as_list=as_list):
            fields[name] = value
    return fields


def _put(fields: Fields, keys: list[str], value: str, *, as_list: bool) -> bool:
    inner: Any = fields
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            return False
    last = keys[-1]
    known = inner.get(last)
    if isinstance(known, dict):
        return False
    if known is None:
        inner[last] = [value] if as_list else value
    elif isinstance(known, list):
        known.append(value)
    else:
        inner[last] = [known, value]
    return True


def write_key(fields: Fields) -> str | None:
    """The write key in a hidden field."""
    for name in ("writeKey", "write_key"):
        found = fields.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def submission(
    form: str, fields: Fields, arrival: Arrival, *, idempotency_key: str | None = None, referer: str | None = None
) -> Submission | Refused:
    """What the form post means. `referer` is the page that the browser says the form stood on; hidden fields know better."""
    flaw = clean.flaw(fields, "")
    if flaw is not None:
        return flaw
    traits: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    around: dict[str, Any] = {}
    utm: dict[str, str] = {}
    click_ids: dict[str, str] = {}
    honeypot = False
    for field, value in fields.items():
        if value is None or value == "":
            continue
        place, name = aliases.place(field)
        if place == "utm" and isinstance(value, str):
            utm[name] = value
        elif place == "click" and isinstance(value, str):
            click_ids[name] = value
        elif place == "surrounding":
            around.setdefault(name, value)
        elif place == "honeypot":
            honeypot = True
        elif place == "trait" and name not in traits:
            traits[name] = value
        elif place == "consent" and isinstance(value, str | bool):
            _purposes(around)[name] = value
        else:
            properties[field] = value
    url = _text(around, "page_url") or referer
    campaign, clicked = touch.of_page(url)
    page = Page(url=url, referrer=_text(around, "referrer"), title=_text(around, "page_title"))
    marks = (["bot"] if connection.is_robot(arrival.user_agent) else []) + (["honeypot"] if honeypot else [])
    return Submission(
        kind="form",
        name=form,
        client_id=_text(around, "client_id") or idempotency_key,
        anonymous_id=_text(around, "anonymous_id"),
        user_id=_text(around, "user_id"),
        timestamp=_text(around, "timestamp"),
        sent_at=_text(around, "sent_at"),
        traits=traits,
        properties=properties,
        page=page if page != _NO_PAGE else None,
        campaign=touch.campaign(utm) or campaign,
        click_ids={**(clicked or {}), **click_ids} or None,
        user_agent=arrival.user_agent,
        ip=arrival.ip,
        locale=_text(around, "locale"),
        timezone=_text(around, "timezone"),
        consent=_consent(around),
        marks=tuple(marks),
    )


_NO_PAGE = Page()


def _text(around: Fields, name: str) -> str | None:
    value = around.get(name)
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None


def _purposes(around: Fields) -> Fields:
    """The purposes gathered so far, whatever way they came."""
    given = around.get("consent")
    if not isinstance(given, dict):
        given = around["consent"] = {} if given is None else {"general": given}
    return given


def _consent(around: Fields) -> ConsentGiven | None:
    """Consent from fields: `consent[mail]=on`, `consent_mail=on`, or one box `consent=on`, whose purpose is called `general`; beside
    them `consent_text`, `consent_version`, `consent_basis`. In JSON also the contract's own form {purposes, text, version, basis}."""
    if "consent" not in around:
        return None
    given = dict(_purposes(around))
    details = {name: _text(around, f"consent_{name}") for name in ("text", "version", "basis")}
    if isinstance(purposes := given.get("purposes"), dict):
        details = {name: _text(given, name) or details[name] for name in details}
        given = purposes
    said = {purpose: _yes(value) for purpose, value in given.items() if isinstance(value, str | bool | int)}
    return ConsentGiven(purposes=said, **details) if said else None


def _yes(value: str | bool | int) -> bool:
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)
