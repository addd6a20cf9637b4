"""Where an event may hold personal data, found from the marks in its type, so that a test can look for it where it must not be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect

_ANY = "*"  # the step into any entry of a list or of a map


def personal_paths(event: type[msgspec.Struct]) -> frozenset[str]:
    """The dotted paths of all fields of this contract that are marked as personal.

    `profile.email.address` is a field, `*` any entry of a list or map (`recent_activities.*.page.url`), a number a place
    in a pair (`headers.*.1`). All that is below a path is personal too.
    """
    return frozenset(".".join(path) for path in _marked(inspect.type_info(event), ()))


def personal_values(event: msgspec.Struct) -> frozenset[str]:
    """Every text and number that this event holds in a personal field, as it stands in JSON; empty texts and truths are none."""
    plain = msgspec.to_builtins(event)
    found = (
        text for path in personal_paths(type(event)) for part in _parts(plain, path.split(".")) for text in _texts(part)
    )
    return frozenset(text for text in found if text)


def _marked(kind: inspect.Type, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            if (extra or {}).get("x-personal"):
                yield path
            else:
                yield from _marked(inner, path)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from _marked(field.type, (*path, field.encode_name))
        case inspect.UnionType(types=types):
            for one in types:
                yield from _marked(one, path)
        case inspect.TupleType(item_types=types):
            for place, one in enumerate(types):
                yield from _marked(one, (*path, str(place)))
        case (
            inspect.ListType(item_type=inner)
            | inspect.VarTupleType(item_type=inner)
            | inspect.DictType(value_type=inner)
        ):
            yield from _marked(inner, (*path, _ANY))
        case _:
            return


def _parts(plain: Any, path: Sequence[str]) -> Iterator[Any]:
    """What stands at a path; nothing where the event lacks it."""
    if not path:
        yield plain
        return
    step, rest = path[0], path[1:]
    match plain:
        case dict():
            for inner in plain.values() if step == _ANY else [plain[step]] if step in plain else []:
                yield from _parts(inner, rest)
        case list() | tuple():
            for inner in plain if step == _ANY else [plain[int(step)]]:
                yield from _parts(inner, rest)


def _texts(plain: Any) -> Iterator[str]:
    match plain:
        case dict():
            for inner in plain.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in plain:
                yield from _texts(inner)
        case bool() | None:
            return
        case _:
            yield str(plain)
