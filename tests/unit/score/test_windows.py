"""The windows of score's Faust worker, without Faust: what counts when, what is said of it, and that memory has an end."""

from __future__ import annotations

import json

import msgspec
import pytest

from services.score import signals
from services.score.domain import windows
from services.score.domain.windows import MINUTE_MS, SECOND_MS, Noted, Panes, Seen, Windows

NOON_MS = 1_781_784_000_000
LEAD = "ld_1"


def seen(
    number: int,
    seconds: float = 0.0,
    *,
    late: float = 0.0,
    lead: str = LEAD,
    source: str = "",
    domain: str = "",
    property_: str = "www",
) -> Seen:
    """An activity so many seconds after noon, whose record came `late` seconds after it."""
    at = NOON_MS + round(seconds * SECOND_MS)
    return Seen(lead, f"a{number}", "page", property_, source, domain, at, at + round(late * SECOND_MS))


def said(room: Windows, *all_: Seen) -> list[tuple[str, float]]:
    return [(one.name, one.value) for each in all_ for one in room.take(each)]


@pytest.mark.parametrize(("at", "size", "number"), [(0, 60, 0), (59, 60, 0), (60, 60, 1), (119, 60, 1), (600, 60, 10)])
def test_a_tumbling_window_begins_where_the_one_before_ends(at: int, size: int, number: int) -> None:
    assert windows.pane(at, size) == number


@pytest.mark.parametrize(
    ("at", "panes"), [(0, range(-9, 1)), (59, range(-9, 1)), (60, range(-8, 2)), (3600, range(51, 61))]
)
def test_a_hopping_window_is_its_last_panes(at: int, panes: range) -> None:
    assert windows.hopping(at, 600, 60) == panes


def test_who_comes_twice_into_a_pane_counts_once_and_a_full_pane_stays_full() -> None:
    panes: Panes = {}
    for number in (*range(5), *range(5)):
        windows.put(panes, 7, f"a{number}")
    assert windows.count(panes, range(7, 8)) == 5
    for number in range(2 * windows.MOST_PER_PANE):
        windows.put(panes, 8, f"a{number}")
    assert (windows.count(panes, range(7, 9)), windows.count(panes, range(8, 9))) == (1005, 1000)
    windows.forget(panes, 8)
    assert list(panes) == [8]


@pytest.mark.parametrize(
    ("people", "known_minutes", "value"),
    [
        ([10] * 10 + [60], 30, 6.0),  # six times as many as usual
        ([0] * 10 + [60], 30, 60.0),  # usual is nobody: at least one is taken
        ([10] * 10 + [60], 4, 0.0),  # too little is known of what is usual
        ([0] * 5 + [10] * 5 + [60], 6, 6.0),  # of ten minutes five are known
        ([10] * 10 + [0], 30, 0.0),
    ],
)
def test_a_burst_is_a_multiple_of_what_is_usual(people: list[int], known_minutes: int, value: float) -> None:
    here = windows.pane(NOON_MS, MINUTE_MS)
    panes = {here - 10 + minute: {f"ld_{minute}_{n}" for n in range(many)} for minute, many in enumerate(people)}
    assert windows.burst(panes, NOON_MS, known_since=NOON_MS - known_minutes * MINUTE_MS) == value


def test_velocity_is_said_from_three_activities_on_each_time_it_grows() -> None:
    room = Windows()
    assert said(room, *(seen(n, n * 30) for n in range(5))) == [("velocity", 3), ("velocity", 4), ("velocity", 5)]


def test_velocity_forgets_what_is_older_than_ten_minutes() -> None:
    room = Windows()
    said(room, *(seen(n, n) for n in range(5)))
    assert said(room, seen(9, 11 * 60)) == []


def test_the_same_activity_told_again_counts_once() -> None:
    assert said(Windows(), *(seen(1, second) for second in range(20))) == []


def test_what_happened_long_before_its_record_says_nothing_of_now() -> None:
    assert said(Windows(), *(seen(n, n, late=601) for n in range(9))) == []


def test_a_clock_that_is_ahead_counts_as_now() -> None:
    room = Windows()
    ahead = [seen(n)._replace(at=NOON_MS + 10**9) for n in range(3)]
    assert said(room, *ahead) == [("velocity", 3)]


def test_inhuman_speed_is_eight_activities_in_one_window_of_ten_seconds() -> None:
    room = Windows()
    slow = said(room, *(seen(n, n * 2, lead="ld_slow") for n in range(30)))
    assert {name for name, _ in slow} == {"velocity"}
    fast = said(room, *(seen(n, n * 0.1, lead="ld_fast") for n in range(8)))
    assert ("inhuman_speed", 8) in fast


def test_a_signal_is_said_again_when_half_of_its_life_is_over_and_lives_as_long_as_its_name_says() -> None:
    room = Windows()
    said(room, *(seen(n, n) for n in range(3)))
    first = Noted(LEAD, "velocity", 3, NOON_MS + 2 * SECOND_MS, NOON_MS + 602 * SECOND_MS)
    assert room._leads[LEAD].said["velocity"] == first
    assert said(room, seen(2, 2, late=248)) == []
    assert said(room, seen(2, 2, late=308)) == [("velocity", 3)]


def test_from_twenty_on_it_is_said_when_it_has_grown_by_half() -> None:
    found = said(Windows(), *(seen(n, n * 3) for n in range(100)))
    assert [value for name, value in found if name == "velocity" and value > 19] == [20, 31, 47, 71]


@pytest.mark.parametrize(
    ("name", "field", "least"),
    [("property_burst", "property_", 50), ("source_burst", "source", 30), ("domain_burst", "domain", 5)],
)
def test_many_new_people_in_a_minute_are_a_burst_on_their_property_from_their_source_and_domain(
    name: str, field: str, least: int
) -> None:
    room = Windows()
    assert said(room, *(seen(0, minute * 60, lead=f"ld_quiet{minute}") for minute in range(7))) == []
    where = {"property_": "other", field: "somewhere"}
    crowd = [seen(n, 420 + n * 0.1, lead=f"ld_{n}", **where) for n in range(least)]  # type: ignore[arg-type]
    assert said(room, *crowd[:-1]) == []
    assert said(room, crowd[-1]) == [(name, float(least))]


def test_a_property_that_is_always_busy_has_no_burst() -> None:
    room = Windows()
    people = [seen(n, minute * 60 + n * 0.1, lead=f"ld_{minute}_{n}") for minute in range(12) for n in range(60)]
    assert said(room, *people) == []


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_LEADS", 10)
    monkeypatch.setattr(windows, "MOST_GROUPS", 10)
    room = Windows()
    for n in range(100):
        room.take(seen(n, n, lead=f"ld_{n}", source=f"s{n}", domain=f"d{n}.example", property_=f"p{n}"))
    assert (len(room._leads), len(room._groups), len(room.funnel)) == (10, 10, 10)
    assert list(room._leads) == [f"ld_{n}" for n in range(90, 100)]


def test_the_funnel_counts_people_once_an_hour() -> None:
    room = Windows()
    for n in range(5):
        room.take(seen(n, n))
        room.take(seen(n, n, lead="ld_2")._replace(kind="form"))
    assert sorted(room.funnel.values()) == [1, 1]
    room.take(seen(9, 3600))
    assert list(room.funnel.values()) == [1]


ENRICHED = {
    "event_id": "e1",
    "lead_id": LEAD,
    "profile_version": 3,
    "activity": {
        "id": "a1",
        "revision": 2,
        "name": "visit",
        "kind": "page",
        "occurred_at": "2026-06-18T12:00:00Z",
        "property": "www",
        "campaign": {"source": "google"},
    },
    "profile": {"email": {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"}},
}


def test_an_activity_is_read_from_its_record() -> None:
    assert signals.read(json.dumps(ENRICHED).encode(), NOON_MS) == Seen(
        LEAD, "a1", "page", "www", "google", "acme.example", NOON_MS, NOON_MS
    )


@pytest.mark.parametrize(
    "record",
    [
        {**ENRICHED, "history": True},
        {**ENRICHED, "activity": {**ENRICHED["activity"], "withdrawn": True}},  # type: ignore[dict-item]
        {"event_id": "e1", "survivor": LEAD, "absorbed": "ld_2", "because": "mail"},
        {"event_id": "e1", "activity_id": "a1", "why": "visitor"},
        [],
    ],
)
def test_what_is_no_activity_of_now_is_passed_over(record: object) -> None:
    assert signals.read(json.dumps(record).encode(), NOON_MS) is None


def test_what_is_no_json_is_told_as_such_and_caught_by_the_agent() -> None:
    with pytest.raises(msgspec.DecodeError):
        signals.read(b"\x00nonsense", NOON_MS)


def test_a_free_mail_domain_is_nobodys_company() -> None:
    free = {**ENRICHED, "profile": {"email": {"address": "jo@gmail.com", "kind": "free", "domain": "gmail.com"}}}
    found = signals.read(json.dumps(free).encode(), NOON_MS)
    assert found is not None
    assert found.domain == ""
