"""What owners can take: a bucket that is never rounded, open handovers, hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain.capacity import NO_LOAD, Load, busy, taken
from services.route.domain.routing import Capacity, Owner
from services.route.domain.working import Calendar

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def owner(*, per_day: int | None = None, open_: int | None = None) -> Owner:
    return Owner(id="ann", name="Ann", email="ann@us.example", capacity=Capacity(per_day, open_))


def test_so_many_at_once_and_then_one_each_share_of_a_day() -> None:
    ann, load = owner(per_day=4), NO_LOAD
    for _ in range(4):
        assert busy(ann, load, NOON) is None
        load = taken(ann, load, NOON)
    found = busy(ann, load, NOON)
    assert found is not None
    assert found.until == NOON + timedelta(hours=6)
    assert found.why == "ann has had 4 a day until 2026-11-27T18:00:00.000Z"
    assert busy(ann, load, NOON + timedelta(hours=6)) is None


def test_what_was_given_over_the_capacity_is_not_owed() -> None:
    ann, load = owner(per_day=1), NO_LOAD
    for _ in range(5):
        load = taken(ann, load, NOON)
    assert busy(ann, load, NOON + timedelta(days=1)) is None


def test_open_handovers_have_a_bound() -> None:
    found = busy(owner(open_=3), Load(open=3), NOON)
    assert found is not None
    assert found.why == "ann has 3 open handovers of 3"
    assert busy(owner(open_=3), Load(open=2), NOON) is None


def test_who_is_not_at_work_is_told_with_the_time_they_come() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"), (*((((9 * 60, 17 * 60),),) * 5), (), ()))
    ann = Owner(id="ann", name="Ann", email="ann@us.example", calendar=calendar)
    found = busy(ann, NO_LOAD, NOON + timedelta(days=1))
    assert found is not None
    assert found.why == "ann is not at work until 2026-11-30T08:00:00.000Z"


@given(st.integers(1, 100), st.lists(st.integers(0, 40_000_000_000), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_in_any_stretch_no_more_than_the_bucket_and_what_filled_it_in_that_time(per_day: int, gaps: list[int]) -> None:
    ann, load, now = owner(per_day=per_day), NO_LOAD, NOON
    given_at = []
    for gap in gaps:
        now += timedelta(microseconds=gap)
        found = busy(ann, load, now)
        if found is None:
            load = taken(ann, load, now)
            given_at.append(now)
        else:
            assert found.until is not None
            assert busy(ann, load, found.until) is None
            assert busy(ann, load, found.until - timedelta(microseconds=1)) is not None
    for first, begin in enumerate(given_at):
        for last, end in enumerate(given_at[first:], start=first):
            assert (last - first + 1 - per_day) * timedelta(days=1) <= (end - begin) * per_day


def test_a_record_of_an_earlier_time_wins_nothing_back() -> None:
    ann = owner(per_day=1)
    load = taken(ann, NO_LOAD, NOON)
    assert busy(ann, load, NOON - timedelta(days=3)) is not None
    assert taken(ann, load, NOON - timedelta(days=3)).at == NOON
