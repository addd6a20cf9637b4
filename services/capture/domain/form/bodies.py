"""Bodies of form posts, bytes to fields: JSON, urlencoded and multipart without files. What a field means is placing.py's."""

from __future__ import annotations

import re
from binascii import a2b_qp
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.capture.domain import clean, reading
from services.capture.domain.form import charset
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused

MAX_FIELDS = 500
_CHARSET = b"_charset_"  # a browser writes there which one it used (HTML standard, 4.10.21.5)
_LONGEST_NAME = 200  # that is remembered, of a field or a content type
_fields = msgspec.json.Decoder(dict[str, Any]).decode

# The separators of a urlencoded body become two control characters that no form holds, and escapes those of quoted-printable,
# which the standard library decodes in C.
_NEXT, _IS = "\x1e", "\x1f"
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"&=+%", b"\x1e\x1f =")
_PLAIN_PART = re.compile(rb'\r\nContent-Disposition: form-data; name="([^"\\\r\n]{1,200})"\r\n\r\n')

Fields = dict[str, Any]
Pairs = list[tuple[str, str]]


class Files(ValueError):
    """Files came with the form."""


class TooMany(Broken):
    """A form with more fields than one has."""

    def __init__(self) -> None:
        super().__init__(f"A form has at most {MAX_FIELDS} fields. Send fewer, or lists in one field.")


def of_json(body: bytes) -> Fields | Refused:
    """The fields of a JSON body. Raises Broken, and nothing else."""
    return reading.decoded(_fields, clean.json_text(body))


def of_urlencoded(body: bytes, content_type: bytes = b"") -> Fields:
    """The fields of a urlencoded body. Raises TooMany, and nothing else."""
    if body.count(b"&") >= MAX_FIELDS:
        raise TooMany
    codec = charset.of_content_type(content_type[:_LONGEST_NAME]) if b"=" in content_type else None
    text = _ordinary(body) if codec is None else None
    if text is None:
        return nested(_pairs(body, codec))
    fields: Fields = {}
    for pair in text.split(_NEXT):
        name, _, value = pair.partition(_IS)
        if value:
            if _IS in value:
                value = value.replace(_IS, "=")
            if name in fields or "]" in name:
                _add(fields, name, value)
            else:
                fields[name] = value
    return fields


def _ordinary(body: bytes) -> str | None:
    """A body in clean UTF-8 as browsers and libraries write it, decoded, with other separators; None for any other."""
    if b"%1" in body or b"\x1e" in body or b"\x1f" in body or b"%\n" in body or b"%\r" in body or _CHARSET in body:
        return None
    decoded = a2b_qp(body.translate(_AS_QUOTED_PRINTABLE))
    if len(body) - len(decoded) != 2 * body.count(b"%"):  # an escape that is none stays as it is, and is longer
        return None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        return None
    return text.replace("\0", "") if "\0" in text else text


def _pairs(body: bytes, codec: str | None) -> Pairs:
    """The pairs of any body; escapes that are none stay as they are."""
    found: list[tuple[bytes, bytes]] = []
    for pair in body.replace(b"+", b" ").split(b"&"):
        name, _, value = pair.partition(b"=")
        if value:
            found.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return _texts(found, codec)


def _texts(found: list[tuple[bytes, bytes]], codec: str | None) -> Pairs:
    """The pairs as text, in the character set that the content type names, else the field `_charset_`."""
    told = [value for name, value in found if name == _CHARSET]
    if codec is None and told:
        codec = charset.codec(told[0].decode("ascii", "replace"))
    pairs = ((charset.text(name, codec), charset.text(value, codec)) for name, value in found if name != _CHARSET)
    return [(name.replace("\0", ""), clean) for name, value in pairs if (clean := value.replace("\0", ""))]


def of_multipart(body: bytes, content_type: bytes) -> Fields:
    """The fields of a multipart body. An empty file field is none. Raises Broken (TooMany) or Files, and nothing else."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Broken("The content type names no boundary.")
    found = _ordinary_parts(body, boundary)
    if found is None:
        found = _parts(body, boundary)
    return nested(_texts(found, None))


def _ordinary_parts(body: bytes, boundary: bytes) -> list[tuple[bytes, bytes]] | None:
    """The parts of a body that is as browsers write text fields; None for any other. A tenth of what the library takes."""
    if body.count(boundary) > MAX_FIELDS + 1:
        return None
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if first or not parts or parts.pop() not in (b"--\r\n", b"--"):
        return None
    found = []
    for part in parts:
        head = _PLAIN_PART.match(part)
        if head is None:
            return None
        found.append((head[1], part[head.end() :]))
    return found


def _parts(body: bytes, boundary: bytes) -> list[tuple[bytes, bytes]]:
    """The parts of any multipart body, as the library reads it."""
    parts: list[tuple[bytes, bytearray]] = []
    header_name, header_value, disposition = bytearray(), bytearray(), bytearray()
    ends: list[bool] = []

    def on_part_begin() -> None:
        disposition.clear()

    def on_header_end() -> None:
        if header_name.lower() == b"content-disposition":
            disposition[:] = header_value
        header_name.clear()
        header_value.clear()

    def on_headers_finished() -> None:
        if len(parts) >= MAX_FIELDS:
            raise TooMany
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
                "on_end": lambda: ends.append(True),
            },
        )
        parser.write(body)
    except MultipartParseError:
        ends.clear()
    if not ends:
        raise Broken("The multipart body is broken or cut off.")
    found: list[tuple[bytes, bytes]] = []
    for header, content in parts:
        options = parse_options_header(header)[1]
        if b"filename" in options and content:
            raise Files
        if name := options.get(b"name"):
            found.append((name, bytes(content)))
    return found


def nested(pairs: Pairs) -> Fields:
    """Fields with bracket names as browsers and PHP forms send them: `consent[mail]=yes` is {"consent": {"mail": "yes"}}, `topic[]`
    or a name that comes twice is a list. Where names contradict each other nothing is lost: `x[y]` after a text `x` is a field of
    its own, and a text `x` after `x[y]` stands in the same object under no name."""
    fields: Fields = {}
    for name, value in pairs:
        _add(fields, name, value)
    return fields


def _add(fields: Fields, name: str, value: str) -> None:
    keys, as_list = _keys(name) if len(name) <= _LONGEST_NAME else _keys.__wrapped__(name)
    inner: Any = fields
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
        if type(inner) is not dict:
            inner, keys = fields, (name,)
            break
    _put(inner, keys[-1], value, as_list=as_list)


@lru_cache(maxsize=4096)
def _keys(name: str) -> tuple[tuple[str, ...], bool]:
    """The levels of a bracket name, and whether it ends in `[]`."""
    if not name.endswith("]"):
        return (name,), False
    keys = tuple(name.replace("]", "").split("["))
    return (keys[:-1], True) if len(keys) > 1 and keys[-1] == "" else (keys, False)


def _put(fields: Fields, key: str, value: str, *, as_list: bool) -> None:
    known = fields.get(key)
    while type(known) is dict:
        fields, key = known, ""
        known = fields.get(key)
    if known is None:
        fields[key] = [value] if as_list else value
    elif type(known) is list:
        known.append(value)
    else:
        fields[key] = [known, value]


def fields_within(value: Any) -> int:
    """How many fields there are in an object or a list, on all levels, however deep it is."""
    count, looked_at = 0, [value]
    while looked_at:
        one = looked_at.pop()
        if type(one) is dict:
            count += len(one)
            one = one.values()
        looked_at += [inner for inner in one if type(inner) in (dict, list)]
    return count
