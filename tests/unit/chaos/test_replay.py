"""How two stores are compared: every column, every row, and people by what they did, whatever they are called."""

from __future__ import annotations

import msgspec

from tests.chaos.replay import Store, compared, meant, regrouped


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


def test_the_same_people_under_other_names_are_the_same_people() -> None:
    assert regrouped(store(anna=["1", "2"], ben=["3"]), store(carl=["1", "2"], anna=["3"]), but=set()) == []


def test_an_event_that_went_to_another_person_shows() -> None:
    before, after = store(anna=["1", "2"], ben=["3"]), store(anna=["1"], ben=["2", "3"])
    assert regrouped(before, after, but=set()) == ["1, 2 were one person", "3 were one person"]
    assert regrouped(before, after, but={"2"}) == []


def test_documents_are_compared_by_what_they_say() -> None:
    one, other = (msgspec.msgpack.encode({"a": inner, "b": 2}) for inner in ({1: [b"x"], 2: "y"}, {2: "y", 1: [b"x"]}))
    assert one != other
    assert meant(one) == meant(other) != meant(msgspec.msgpack.encode({"a": {1: [b"x"], 2: "z"}, "b": 2}))
    assert str(meant(one)) == str(meant(other))
    assert meant(b'{"json": 1}') == b'{"json": 1}'
