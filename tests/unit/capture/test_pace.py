"""A rate with its burst: what is taken, what is refused, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain import pace
from services.capture.domain.pace import BURST_SECONDS, Meter


@given(rate=st.integers(1, 50_000), start=st.floats(0, 1e7))
def test_ten_seconds_of_a_rate_can_be_taken_at_once_and_one_more_cannot(rate: int, start: float) -> None:
    meter = Meter(rate)
    assert meter.take("a", start, meter.limit - 1) > 0
    last = meter.take("a", start)
    assert last > 0
    assert meter.remaining(last) == 0
    assert meter.take("a", start) < 0
    assert meter.take("b", start) > 0


@given(
    rate=st.integers(1, 100),
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=200),
)
def test_no_more_is_given_than_the_rate_and_the_burst_together(rate: int, steps: list[tuple[float, int]]) -> None:
    meter, now, given_ = Meter(rate), 1000.0, 0
    for pause, count in steps:
        now += pause
        wait = meter.take("a", now, count)
        if wait > 0:
            given_ += count
        else:  # who waits as long as they are told gets it
            now -= wait
            assert meter.take("a", now + 1e-6) > 0
            given_ += 1
        assert given_ <= rate * (now - 1000.0) + rate * BURST_SECONDS + 5


def test_a_steady_sender_at_the_rate_is_never_refused() -> None:
    meter = Meter(7)
    assert all(meter.take("a", index / 7) > 0 for index in range(5000))


def test_a_count_beyond_the_burst_is_given_and_then_paid_off() -> None:
    meter = Meter(1)
    assert meter.take("a", 0.0, 500) == 500
    assert meter.take("a", 489.0) < 0
    assert meter.take("a", 491.0) > 0


def test_strangers_without_end_are_forgotten_and_who_keeps_coming_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_MOST", 10)
    meter = Meter(1)
    meter.take("me", 0.0, 10)
    for stranger in range(1000):
        meter.take(stranger, 0.0)
        if stranger % 5 == 0:
            assert meter.take("me", 0.0) < 0
    assert len(meter._paid) + len(meter._long_ago) <= 20
