"""How two stores are compared: every column, every row, and documents by what they say."""

from __future__ import annotations

import msgspec

from tests.chaos.replay import Store, compared, meant


def store(**leads: list[str]) -> Store:
    return {"activity": {event: {"lead_id": lead} for lead, events in leads.items() for event in events}}


def test_equal_stores_have_no_difference() -> None:
    assert compared("enrich", store(anna=["1", "2"]), store(anna=["2", "1"])) == []


def test_a_column_that_differs_is_named_with_its_row() -> None:
    (found,) = compared("enrich", store(anna=["1"]), store(ben=["1"]))
    assert (found.store, found.table, found.column) == ("enrich", "activity", "lead_id")
    assert found.row.startswith("1: ")


def test_a_row_on_one_side_only_is_a_difference() -> None:
    assert [one.row for one in compared("enrich", store(anna=["1"]), store(anna=["1", "2"]))] == ["2: only after"]
    assert [one.row for one in compared("enrich", store(anna=["1", "2"]), store(anna=["1"]))] == ["2: only before"]


def test_documents_are_compared_by_what_they_say() -> None:
    one, other = (msgspec.msgpack.encode({"a": inner, "b": 2}) for inner in ({1: [b"x"], 2: "y"}, {2: "y", 1: [b"x"]}))
    assert one != other
    assert meant(one) == meant(other) != meant(msgspec.msgpack.encode({"a": {1: [b"x"], 2: "z"}, "b": 2}))
    assert str(meant(one)) == str(meant(other))
    assert meant(b'{"a": 1, "b": 2}') == meant(b'{"b": 2, "a": 1}') != meant(b'{"a": 1}')
    assert meant(b"\xc1 no document") == b"\xc1 no document"
