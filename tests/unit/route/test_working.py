"""Working time over weekends, holidays, absences and changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain.working import ALWAYS, Away, Calendar, Minutes, Week

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE: Week = (*((((9 * 60, 17 * 60),),) * 5), (), ())
CHRISTMAS = date(2026, 12, 25).toordinal()


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def office(week: Week = NINE_TO_FIVE, *, away: tuple[Away, ...] = ()) -> Calendar:
    return Calendar(BERLIN, week, days_off=lambda year: frozenset({CHRISTMAS} if year == 2026 else ()), away=away)


@pytest.mark.parametrize(
    ("at", "free"),
    [
        ("2026-11-27T08:59:59", False),
        ("2026-11-27T09:00", True),
        ("2026-11-27T16:59:59.999999", True),
        ("2026-11-27T17:00", False),
        ("2026-11-28T12:00", False),  # Saturday
        ("2026-12-25T12:00", False),  # a holiday
        ("2026-12-24T12:00", True),
    ],
)
def test_hours_are_of_the_owner_s_zone_and_end_before_their_end(at: str, free: bool) -> None:
    assert office().is_free(berlin(at)) is free


def test_who_has_no_hours_is_always_there() -> None:
    desk = Calendar(ZoneInfo("UTC"))
    night = datetime(2026, 12, 25, 3, tzinfo=UTC)
    assert desk.is_free(night)
    assert desk.add(night, timedelta(hours=50)) == night + timedelta(hours=50)


def test_an_absence_has_its_first_and_its_last_day() -> None:
    cleo = office(away=((date(2026, 12, 21), date(2027, 1, 4)),))
    assert cleo.next_free(berlin("2026-12-18T18:00")) == berlin("2027-01-05T09:00")
    assert cleo.is_free(berlin("2026-12-18T16:00"))


def test_half_an_hour_that_begins_before_the_weekend_ends_after_it() -> None:
    assert office().add(berlin("2026-11-27T16:45"), timedelta(minutes=30)) == berlin("2026-11-30T09:15")


def test_time_that_fits_exactly_ends_in_the_evening_not_the_next_morning() -> None:
    assert office().add(berlin("2026-11-27T16:30"), timedelta(minutes=30)) == berlin("2026-11-27T17:00")


def test_no_time_at_all_ends_at_once() -> None:
    assert office().add(berlin("2026-11-28T12:00"), timedelta()) == berlin("2026-11-28T12:00")


def test_nine_o_clock_is_nine_o_clock_on_both_sides_of_a_change_of_the_clock() -> None:
    assert office().next_free(berlin("2027-03-26T17:00")) == datetime(2027, 3, 29, 7, tzinfo=UTC)
    assert office().next_free(berlin("2026-10-23T17:00")) == datetime(2026, 10, 26, 8, tzinfo=UTC)


NIGHT: Week = (((60, 4 * 60),),) * 7  # from one to four


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 27), 3), (date(2027, 3, 28), 2), (date(2026, 10, 25), 4)])
def test_an_hour_that_comes_twice_is_worked_twice_and_one_that_never_comes_is_not(day: date, hours: int) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    assert office(NIGHT).between(begin, begin + timedelta(hours=12)) == timedelta(hours=hours)


def test_half_of_an_hour_that_comes_twice_is_worked_in_two_pieces() -> None:
    half: Week = (((150, 180),),) * 7  # half past two to three
    found = [
        minute
        for minute in range(0, 300, 10)
        if office(half).is_free(berlin("2026-10-25T00:00") + timedelta(minutes=minute))
    ]
    assert found == [150, 160, 170, 210, 220, 230]


def test_a_clock_that_changes_at_midnight_loses_no_hour() -> None:
    """Beirut's clock goes from midnight to one."""
    beirut = Calendar(ZoneInfo("Asia/Beirut"), ((), (), (), (), (), (), ((0, 120),)))
    begin = datetime(2026, 3, 28, tzinfo=UTC)
    assert beirut.next_free(begin) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert beirut.between(begin, begin + timedelta(days=2)) == timedelta(hours=1)


def test_who_is_never_there_again_is_not_waited_for() -> None:
    gone = office(away=((date(2026, 1, 1), date(2999, 1, 1)),))
    at = berlin("2026-11-27T12:00")
    assert gone.next_free(at) is None
    assert gone.add(at, timedelta(minutes=1)) is None
    assert gone.between(at, at + timedelta(days=30)) == timedelta()


def spans() -> st.SearchStrategy[tuple[Minutes, ...]]:
    edges = st.lists(st.integers(0, 24 * 60), max_size=6, unique=True).map(sorted)
    return edges.map(lambda at: tuple(zip(at[::2], at[1::2], strict=False)))


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut"]
)
WEEKS = st.tuples(*[spans()] * 7)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 730 * 24 * 3600).map(lambda seconds: YEAR + timedelta(seconds=seconds))
ABSENCES = st.lists(
    st.tuples(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 30)).map(
        lambda of: (of[0], of[0] + timedelta(days=of[1]))
    ),
    max_size=3,
).map(tuple)
DAYS_OFF = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(date.toordinal), max_size=30)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, ZoneInfo, Week, frozenset[int], tuple[Away, ...]]:
    zone, week, off, away = ZoneInfo(draw(ZONES)), draw(WEEKS), draw(DAYS_OFF), draw(ABSENCES)
    return Calendar(zone, week, days_off=lambda _: off, away=away), zone, week, off, away


@given(calendars(), MOMENTS)
@settings(deadline=None, max_examples=80)
def test_who_is_free_is_what_the_wall_clock_says(
    made: tuple[Calendar, ZoneInfo, Week, frozenset[int], tuple[Away, ...]], at: datetime
) -> None:
    calendar, zone, week, off, away = made
    local = at.astimezone(zone)
    day, minute = local.date(), local.hour * 60 + local.minute
    there = any(begin <= minute < end for begin, end in week[day.weekday()])
    there = there and day.toordinal() not in off and not any(first <= day <= last for first, last in away)
    assert calendar.is_free(at) is there


@given(calendars(), MOMENTS)
@settings(deadline=None, max_examples=25)
def test_the_next_free_moment_is_free_and_nobody_is_free_before_it(
    made: tuple[Calendar, ZoneInfo, Week, frozenset[int], tuple[Away, ...]], at: datetime
) -> None:
    calendar = made[0]
    found = calendar.next_free(at)
    until = at + timedelta(days=700) if found is None else found
    assert calendar.between(at, until) == timedelta()
    assert found is None or (found >= at and calendar.is_free(found))


@given(calendars(), MOMENTS, st.integers(1, 20_000))
@settings(deadline=None, max_examples=25)
def test_what_was_added_lies_between_and_not_a_moment_sooner(
    made: tuple[Calendar, ZoneInfo, Week, frozenset[int], tuple[Away, ...]], at: datetime, minutes: int
) -> None:
    calendar, time = made[0], timedelta(minutes=minutes)
    found = calendar.add(at, time)
    if found is not None:
        assert calendar.between(at, found) == time
        assert calendar.between(at, found - timedelta(microseconds=1)) == time - timedelta(microseconds=1)


@given(calendars(), MOMENTS, st.integers(1, 3_000), st.integers(1, 3_000))
@settings(deadline=None, max_examples=25)
def test_adding_twice_is_adding_the_sum(
    made: tuple[Calendar, ZoneInfo, Week, frozenset[int], tuple[Away, ...]], at: datetime, one: int, other: int
) -> None:
    calendar = made[0]
    first = calendar.add(at, timedelta(minutes=one))
    if first is not None:
        assert calendar.add(first, timedelta(minutes=other)) == calendar.add(at, timedelta(minutes=one + other))


def test_days_that_were_asked_for_are_forgotten_without_changing_an_answer() -> None:
    desk = Calendar(ZoneInfo("UTC"), ALWAYS)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    assert desk.between(begin, begin + timedelta(days=5_000)) == timedelta(days=5_000)
