"""Working time: when somebody is there, the next moment that they are, and when so much of their time has passed.

A moment is working time where the wall clock of the owner's zone shows an hour of that weekday, on a date that is neither a holiday
nor within an absence. So where a clock is set back, the hour that comes twice is worked twice; where it is set forward, the one that
never comes is not worked. Which days are holidays is days_off.py's, reading hours from a document is document's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HORIZON_DAYS = 800  # who is not there within so many days is not expected back

Minutes = tuple[int, int]  # of a day: from, up to and without
Week = tuple[tuple[Minutes, ...], ...]  # Monday first; the spans of a day are sorted and apart
Away = tuple[date, date]  # the first day and the last

ALWAYS: Week = (((0, 24 * 60),),) * 7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_US = timedelta(microseconds=1)
_MINUTE = 60_000_000
_DAY = 24 * 60 * _MINUTE
_REMEMBERED = 2 * HORIZON_DAYS

_Span = tuple[int, int]  # microseconds since 1970


class Calendar:
    """When one owner works. Remembers days that it was asked for, so it is no value; the answers depend on its arguments alone.

    `days_off` gives the dates of a year that are not worked, as ordinals.
    """

    __slots__ = ("_away", "_days", "_days_off", "_week", "_zone")

    def __init__(
        self,
        zone: ZoneInfo,
        week: Week = ALWAYS,
        *,
        days_off: Callable[[int], frozenset[int]] = lambda _: frozenset(),
        away: tuple[Away, ...] = (),
    ) -> None:
        self._zone = zone
        self._week = week
        self._days_off = days_off
        self._away = tuple((first.toordinal(), last.toordinal()) for first, last in away)
        self._days: dict[int, tuple[_Span, ...]] = {}

    def is_free(self, at: datetime) -> bool:
        """Whether `at` is working time."""
        us = _us(at)
        return any(begin <= us < end for begin, end in self._spans(us // _DAY))

    def next_free(self, at: datetime) -> datetime | None:
        """The first moment of working time from `at` on; `at` itself where it is one. None where none comes within HORIZON_DAYS."""
        us = _us(at)
        for begin, end in self._from(us):
            if us < end:
                return at if begin <= us else _moment(begin)
        return None

    def add(self, at: datetime, time: timedelta) -> datetime | None:
        """The first moment at which `time` of working time has passed since `at`. None where it does not within HORIZON_DAYS."""
        left = time // _US
        if left <= 0:
            return at
        us = _us(at)
        for begin, end in self._from(us):
            if end <= us:
                continue
            begin = max(begin, us)
            if end - begin >= left:
                return _moment(begin + left)
            left -= end - begin
        return None

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """How much working time lies from `begin` up to `end`; nothing where `end` is not after `begin`."""
        first, last = _us(begin), _us(end)
        found = 0
        for day in range(first // _DAY, last // _DAY + 1):
            for since, until in self._spans(day):
                found += max(min(until, last) - max(since, first), 0)
        return timedelta(microseconds=found)

    def _from(self, us: int) -> Iterator[_Span]:
        day = us // _DAY
        for ahead in range(HORIZON_DAYS):
            yield from self._spans(day + ahead)

    def _spans(self, day: int) -> tuple[_Span, ...]:
        """The working time within one day of UTC, in order."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            found = self._days[day] = tuple(self._computed(day * _DAY, (day + 1) * _DAY))
        return found

    def _computed(self, begin: int, end: int) -> Iterator[_Span]:
        """Between two moments, from one change of the zone's offset to the next."""
        while begin < end:
            offset = self._offset(begin)
            until = end if self._offset(end - 1) == offset else self._change(begin, end - 1)
            for day in range((begin + offset) // _DAY, (until + offset - 1) // _DAY + 1):
                for since, to in self._hours_on(_EPOCH_DAY + day):
                    first = max(day * _DAY + since * _MINUTE - offset, begin)
                    last = min(day * _DAY + to * _MINUTE - offset, until)
                    if first < last:
                        yield first, last
            begin = until

    def _change(self, begin: int, end: int) -> int:
        """The moment between these two from which on the zone has another offset than at `begin` (twice within a day: one of them)."""
        offset = self._offset(begin)
        while end - begin > 1:
            middle = (begin + end) // 2
            if self._offset(middle) == offset:
                begin = middle
            else:
                end = middle
        return end

    def _offset(self, us: int) -> int:
        offset = _moment(us).astimezone(self._zone).utcoffset()
        return (offset or timedelta()) // _US

    def _hours_on(self, ordinal: int) -> tuple[Minutes, ...]:
        spans = self._week[(ordinal - 1) % 7]  # day 1 was a Monday
        if not spans or any(first <= ordinal <= last for first, last in self._away):
            return ()
        return () if ordinal in self._days_off(date.fromordinal(ordinal).year) else spans


def _us(at: datetime) -> int:
    since = at - _EPOCH
    return since.days * _DAY + since.seconds * 1_000_000 + since.microseconds


def _moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
