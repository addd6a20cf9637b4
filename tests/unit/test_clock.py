"""Moments and milliseconds are each other's inverse, rounded down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared import clock


@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_are_rounded_down_before_and_after_1970(at: datetime) -> None:
    assert clock.to_ms(at) == (at - clock.EPOCH) // timedelta(milliseconds=1)
    assert timedelta(0) <= at - clock.from_ms(clock.to_ms(at)) < timedelta(milliseconds=1)
