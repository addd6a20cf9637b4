"""Field maps: places, dates, and every mistake told at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import fieldmap
from shared.fieldmap import FieldMap, Source

WHO = {"traits": {"email": "/mail"}}


def mistakes(said: Any) -> list[str]:
    found = fieldmap.read(said)
    assert isinstance(found, list), found
    return found


def test_a_pointer_goes_through_objects_and_lists_and_a_name_is_one_field() -> None:
    found = fieldmap.read({"traits": {"a": "/b/0/c~0d~1e", "f": "g/h"}})
    assert isinstance(found, FieldMap)
    body = {"b": [{"c~d/e": 1}], "g/h": 2}
    assert [source.of(body) for source in found.traits.values()] == [1, 2]


@pytest.mark.parametrize("body", [{}, {"b": []}, {"b": {"0": 1}}, {"b": "text"}, [], "text", None, 5])
def test_a_path_that_ends_nowhere_has_no_value(body: Any) -> None:
    assert Source(path=("b", "0", "c")).of(body) is None


@pytest.mark.parametrize(
    ("format_", "zone", "value", "moment"),
    [
        ("iso", None, "2026-03-01T09:30:00+01:00", "2026-03-01T08:30:00+00:00"),
        ("iso", "Europe/Berlin", "2026-07-01T09:30:00", "2026-07-01T07:30:00+00:00"),
        ("unix", None, 1614265330, "2021-02-25T15:02:10+00:00"),
        ("unix", None, "1614265330", "2021-02-25T15:02:10+00:00"),
        ("unix_ms", None, 1614265330500, "2021-02-25T15:02:10.500000+00:00"),
        ("%m/%d/%Y %I:%M %p", None, "03/01/2026 09:30 PM", "2026-03-01T21:30:00+00:00"),
        ("%d.%m.%Y", "America/New_York", "01.03.2026", "2026-03-01T05:00:00+00:00"),
        ("unix", None, True, None),
        ("unix", None, 1e300, None),
        ("unix", None, -5, None),
        ("%d.%m.%Y", None, "2026-03-01", None),
        ("%d.%m.%Y", None, {"day": 1}, None),
    ],
)
def test_dates_are_read_as_the_map_says(format_: str, zone: str | None, value: Any, moment: str | None) -> None:
    at = {"from": "/at", "format": format_, **({"zone": zone} if zone else {})}
    found = fieldmap.read({**WHO, "occurred_at": at, "properties": {"at": at}})
    assert isinstance(found, FieldMap), found
    assert found.occurred_at is not None
    assert found.occurred_at.moment({"at": value}) == moment
    assert found.properties["at"].of({"at": value}) == (moment or value)


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    found = mistakes(
        {
            "each": "/a~",
            "id": "",
            "properties": {
                "a": {"value": "x", "from": "/a"},
                "b": {"from": "/b", "format": "tomorrow"},
                "c": {"from": "/c", "zone": "Europe/Berlin"},
                "d": {"from": "/d", "format": "iso", "zone": "Mars/Base"},
                "e": {},
                "f": {"from": "/f", "format": "%Q"},
            },
        }
    )
    assert [one.partition(":")[0] for one in found] == [
        "The map names nobody. Map a trait, best `email`, or `user_id`.",
        "each",
        "id",
        "properties.a",
        "properties.b",
        "properties.c",
        "properties.d",
        "properties.e",
        "properties.f",
    ]


@pytest.mark.parametrize("said", [None, [], "map", {"trait": {}}, {"traits": {"email": 5}}, {"traits": []}])
def test_what_is_no_map_is_told(said: Any) -> None:
    assert len(mistakes(said)) == 1


def test_a_map_has_an_end() -> None:
    assert "at most 200" in mistakes({"traits": {f"t{number}": "/a" for number in range(201)}})[0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc01"), inner, max_size=3),
    max_leaves=10,
)


@given(
    _JSON,
    st.lists(st.sampled_from(["a", "b", "0", "1", "²", "", "-1"]), max_size=4),
    st.sampled_from(["iso", "unix", "%Y", None]),
)
def test_no_body_breaks_a_source(body: Any, path: list[str], format_: str | None) -> None:
    source = Source(path=tuple(path), format=format_)
    source.of(body)
    assert source.moment(body) is None or isinstance(source.moment(body), str)


def test_yes_and_no_are_known_in_many_words_and_nothing_else_is_either() -> None:
    said: dict[bool | None, tuple[Any, ...]] = {
        True: (" Ja ", "TRUE", "1", 1, True, "opted-in"),
        False: ("Nein", "não", 0, False, "", "unsubscribed"),
        None: ("perhaps", None, 2, [], {"yes": 1}),
    }
    for word, values in said.items():
        assert [fieldmap.yes_or_no(value) for value in values] == [word] * len(values)


def test_a_refusal_is_one_in_any_language_and_a_boxs_label_is_a_yes() -> None:
    found = fieldmap.read({**WHO, "consent": {"mail": "/mail", "phone": "/phone"}})
    assert isinstance(found, FieldMap)
    assert found.find({"mail": "nein", "phone": "Please call me"}).consent == {"mail": False, "phone": True}
