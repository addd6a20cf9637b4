"""Bodies of form posts, bytes to fields: JSON, urlencoded and multipart without files. What a field means is placing.py's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.capture.domain import clean, reading
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused

MAX_FIELDS = 500
_fields = msgspec.json.Decoder(dict[str, Any]).decode

Fields = dict[str, Any]


class Files(ValueError):
    """Files came with the form."""


def of_json(body: bytes) -> Fields | Refused:
    """The fields of a JSON body. Raises Broken, and nothing else."""
    return reading.decoded(_fields, clean.json_text(body))


def of_urlencoded(body: bytes) -> Fields:
    """The fields of a urlencoded body; bytes that are no UTF-8 become U+FFFD. Raises Broken, and nothing else."""
    if body.count(b"&") >= MAX_FIELDS:
        raise Broken(f"A form has at most {MAX_FIELDS} fields.")
    pairs: list[tuple[str, str]] = []
    for pair in body.decode("utf-8", "replace").split("&"):
        name, _, value = pair.partition("=")
        if value:
            pairs.append((_plain_name(name), _plain(value) if "%" in value or "+" in value else value))
    return nested(pairs)


def _plain(encoded: str) -> str:
    return unquote(encoded.replace("+", " "), errors="replace")


# The same forms come again and again: what their names are is worked out once.
_plain_name = lru_cache(maxsize=4096)(_plain)


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
        name, value = _text(name), clean.text(value)
        keys, as_list = _keys(name)
        plain = len(keys) == 1 and not as_list and name not in fields
        if plain or not _put(fields, keys, value, as_list=as_list):
            fields[name] = value
    return fields


_text = lru_cache(maxsize=4096)(clean.text)


@lru_cache(maxsize=4096)
def _keys(name: str) -> tuple[tuple[str, ...], bool]:
    """The levels of a bracket name, and whether it ends in `[]`."""
    if not name.endswith("]"):
        return (name,), False
    keys = tuple(name.replace("]", "").split("["))
    return (keys[:-1], True) if len(keys) > 1 and keys[-1] == "" else (keys, False)


def _put(fields: Fields, keys: tuple[str, ...], value: str, *, as_list: bool) -> bool:
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
