"""A lead's recent activities: at most ten, by time, the highest revision of each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain import recent
from tests.unit.route.builders import activity


def after(*activities: dict[str, Any]) -> list[dict[str, Any]]:
    row = b""
    for one in activities:
        row = recent.added(row, msgspec.json.encode(one))
    return [msgspec.json.decode(raw) for raw in recent.newest_first(row)]


def at(minute: int, **more: Any) -> dict[str, Any]:
    return activity(id=f"a{minute}", occurred_at=f"2026-11-27T10:{minute:02d}:00Z", **more)


def test_the_newest_ten_are_kept_newest_first() -> None:
    assert [one["id"] for one in after(*(at(minute) for minute in range(13)))] == [f"a{n}" for n in range(12, 2, -1)]


def test_a_late_one_takes_its_place_by_time() -> None:
    assert [one["id"] for one in after(at(1), at(5), at(3))] == ["a5", "a3", "a1"]


def test_a_higher_revision_replaces_and_a_lower_one_does_not() -> None:
    assert [one["human"] for one in after(at(1), at(1, revision=2, human=0.1), at(1))] == [0.1]


def test_a_withdrawn_activity_is_gone_and_stays_gone() -> None:
    assert after(at(1), at(2), at(1, revision=2, withdrawn=True), at(1)) == [at(2) | {"id": "a2"} | after(at(2))[0]]


def test_json_over_several_lines_is_kept_on_one() -> None:
    row = recent.added(b"", msgspec.json.format(msgspec.json.encode(at(1, properties={"a": "b\nc"})), indent=2))
    assert b"\n" not in row
    assert msgspec.json.decode(recent.newest_first(row)[0])["properties"] == {"a": "b\nc"}


def test_an_id_with_blanks_and_line_ends_is_an_id_like_others() -> None:
    assert [
        one["human"] for one in after(at(1) | {"id": "a b\nc"}, at(2), at(1, revision=2, human=0.2) | {"id": "a b\nc"})
    ] == [1.0, 0.2]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        recent.added(b"", msgspec.json.encode(at(1) | {"occurred_at": "2026-11-27T10:00:00"}))


@given(st.permutations([(minute, revision) for minute in range(4) for revision in (1, 2)]))
@settings(deadline=None)
def test_any_order_gives_the_same(order: list[tuple[int, int]]) -> None:
    shown = after(*(at(minute, revision=revision) for minute, revision in order))
    assert [(one["id"], one["revision"]) for one in shown] == [(f"a{minute}", 2) for minute in (3, 2, 1, 0)]
