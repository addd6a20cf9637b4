"""Of a JSON object only what conditions name, without what else is in it. What conditions make of it is in condition.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, defstruct

Asked = tuple[tuple[str, ...], bool]  # a path, and whether it is only asked whether something is there
_GONE: Any = object()  # asked for in an object that is not there itself


class _Place:
    """A name in an object: None where nothing is wanted of its own value, else whether it is only asked for; and what is below."""

    __slots__ = ("asks", "below")

    def __init__(self) -> None:
        self.asks: bool | None = None
        self.below: dict[str, _Place] = {}


def reader(wanted: Sequence[Asked]) -> Callable[[bytes], list[Any] | None] | None:
    """A function from JSON to what stands at each path (UNSET where nothing does; for what is asked for True, False, or UNSET
    where the object that it would be in is absent). It gives None where the JSON is of another shape than the paths: then ask slowly.

    There is none where a path goes on below another one.
    """
    top = _Place()
    for path, asks in wanted:
        place = top
        for name in path:
            if place.asks is not None:
                return None
            place = place.below.setdefault(name, _Place())
        if place.below or place.asks is not (None if place.asks is None else asks):
            return None
        place.asks = asks
    if top.asks is not None or not top.below:
        return None
    decode = msgspec.json.Decoder(_kind(top)[0]).decode
    numbered = [".".join(_numbers(top, path)) for path, _ in wanted]
    get = attrgetter(*numbered) if len(numbered) > 1 else _alone(numbered[0])
    asked = [index for index, (_, asks) in enumerate(wanted) if asks]

    def read(data: bytes) -> list[Any] | None:
        try:
            # As text: what is passed over is looked at so far that bytes which are no UTF-8 show.
            values = list(get(decode(data.decode())))
        except msgspec.ValidationError:
            return None
        for index in asked:
            value = values[index]
            values[index] = UNSET if value is _GONE else value is not UNSET
        return values

    return read


def _kind(place: _Place) -> tuple[type[Struct], Struct]:
    """The type of an object with what is wanted of it, and the one that stands where there is none."""
    fields: list[tuple[str, Any, Any]] = []
    absent = {}
    for number, one in enumerate(place.below.values()):
        field = f"f{number}"
        if one.below:
            kind, nothing = _kind(one)
            fields.append((field, kind, nothing))
        else:
            fields.append((field, Raw if one.asks else Any, UNSET))
            if one.asks:
                absent[field] = _GONE
    names = {f"f{number}": name for number, name in enumerate(place.below)}
    made = defstruct("Named", fields, rename=names, frozen=True, gc=False)
    return made, made(**absent)


def _numbers(place: _Place, path: Sequence[str]) -> list[str]:
    found = []
    for name in path:
        found.append(f"f{list(place.below).index(name)}")
        place = place.below[name]
    return found


def _alone(path: str) -> Callable[[Any], tuple[Any]]:
    get = attrgetter(path)
    return lambda read: (get(read),)
