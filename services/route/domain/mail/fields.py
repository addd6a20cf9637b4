"""What templates may show: the fields of the contracts, all of them there, None where nothing is known. Templates themselves are mail/templates.py's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct, inspect

from shared import contracts


class Shape(Struct, frozen=True):
    """Names below a place: `fields` where they are listed, `any_name` where any may be; a plain value has neither."""

    fields: Mapping[str, Shape] = {}
    any_name: Shape | None = None


_VALUE = Shape()


class Open(dict[str, Any]):
    """Names that nobody lists beforehand: of what is not there nothing is known."""

    def __init__(self, values: Mapping[str, Any], below: Shape) -> None:
        super().__init__((name, _filled(below, one)) for name, one in values.items())
        self._below = below

    def __missing__(self, name: str) -> Any:
        return _filled(self._below, None)


def _shape(type_: inspect.Type) -> Shape:
    match type_:
        case inspect.StructType(fields=fields):
            return Shape({one.name: _shape(one.type) for one in fields})
        case inspect.UnionType(types=types):
            return next((one for one in map(_shape, types) if one != _VALUE), _VALUE)
        case inspect.DictType(value_type=value):
            return Shape(any_name=_shape(value))
        case inspect.Metadata(type=inner):
            return _shape(inner)
        case _:
            return _VALUE


def _of(type_: type) -> Shape:
    return _shape(inspect.type_info(type_))


_NURTURE, _HANDOVER, _OWNER = _of(contracts.Nurture), _of(contracts.Handover), _of(contracts.Owner)
_LINKS = {"unsubscribe_url": _VALUE, "preferences_url": _VALUE}
_LEAD = Shape({"id": _VALUE, "stage": _VALUE})
_NOTICE: dict[str, Shape] = {
    "lead": _LEAD,
    "owner": _OWNER,
    "escalated_to": _OWNER,
    "profile": _HANDOVER.fields["profile"],
    "handover": Shape(
        dict.fromkeys((*_HANDOVER.fields, "because", "at", "deadline", "due_at", "recent_activities", "path"), _VALUE)
    ),
    "score": _HANDOVER.fields["score"],
    "first_touch": _HANDOVER.fields["first_touch"],
    "last_touch": _HANDOVER.fields["last_touch"],
}
_STEP = {
    "lead": _LEAD,
    "profile": _NURTURE.fields["profile"],
    "nurture": Shape(dict.fromkeys(("track", "step", "content", "channel", "due_at", "at", "transactional"), _VALUE)),
    **_LINKS,
}


def shape(*, notice: bool) -> Mapping[str, Shape]:
    """What a notice to an owner may show, or a mail to a lead."""
    return _NOTICE if notice else _STEP


def shown(data: bytes, *, notice: bool) -> dict[str, Any]:
    """The fields of an event for a template, all of them."""
    said = msgspec.json.decode(data) if data else {}
    if not isinstance(said, dict):
        said = {}
    itself = "handover" if notice else "nurture"
    found = {**said, itself: said, "lead": {"id": said.get("lead_id"), "stage": said.get("stage") or _stage(said)}}
    return {name: _filled(below, found.get(name)) for name, below in shape(notice=notice).items() if name not in _LINKS}


def _stage(said: Mapping[str, Any]) -> Any:
    score = said.get("score")
    return score.get("stage") if isinstance(score, dict) else None


def _filled(below: Shape, value: Any) -> Any:
    if below.fields:
        has = value if isinstance(value, dict) else {}
        return {name: _filled(one, has.get(name)) for name, one in below.fields.items()}
    if below.any_name is not None:
        has = value if isinstance(value, dict) else {}
        return Open(has, below.any_name)
    return value


def unknown(path: tuple[str, ...], *, notice: bool) -> str | None:
    """What there is instead, where a path names a field that no event has; None where it may be there. Only names that a template is given."""
    below: Shape | None = shape(notice=notice).get(path[0])
    if below is None:
        return None
    for place, name in enumerate(path[1:], 1):
        if below is None or below == _VALUE:
            return None
        if below.any_name is not None:
            below = below.any_name
            continue
        if name not in below.fields:
            return f"there is no `{'.'.join(path[: place + 1])}`: {'.'.join(path[:place])} has {', '.join(sorted(below.fields))}"
        below = below.fields[name]
    return None


def examples(*, notice: bool) -> Iterator[tuple[str, bytes]]:
    """Events to try templates with: somebody of whom everything is known, and somebody of whom nothing but the address is."""
    moment = "2026-03-02T09:30:00Z"
    whole = {
        "email": {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"},
        "phone": {"e164": "+442079460958", "region": "GB"},
        "name": {"full": "Jo Fields", "given": "Jo", "family": "Fields", "title": "Dr"},
        "company": {"name": "Acme Ltd", "domain": "acme.example", "size": 120, "industry": "software"},
        "job": {"title": "Head of Operations", "seniority": "head", "department": "operations"},
        "country": "GB", "region": "England", "city": "London", "postal_code": "N1", "language": "en", "timezone": "Europe/London",
        "consent": {"marketing_email": {"given": True, "at": moment, "text": "Write to me"}},
    }  # fmt: skip
    for name, profile in (
        ("everything known", whole),
        ("only the address known", {"email": {"address": "jo@acme.example"}}),
    ):
        said: dict[str, Any] = {
            "event_id": "00000000-0000-5000-8000-000000000000",
            "lead_id": "ld_example",
            "profile": profile,
            "at": moment,
        }
        if notice:
            owner = {"id": "ann", "name": "Ann", "email": "ann@us.example", "team": "north"}
            said |= {
                "handover_id": "ho_ld_example_1_1", "episode": 1, "attempt": 1, "owner": owner, "escalated_to": owner, "because": "not accepted in time",
                "score": {"total": 120.0, "fit": 60.0, "engagement": 60.0, "grade": "A", "stage": "SQL", "top": []}, "path": [], "deadline": "accept",
                "created_at": moment, "accept_by": moment, "contact_by": moment, "due_at": moment, "recent_activities": [],
            }  # fmt: skip
        else:
            said |= {
                "track": "welcome",
                "step": "first",
                "content": "example",
                "channel": "email",
                "stage": "IQL",
                "due_at": moment,
            }
        yield name, msgspec.json.encode(said)
