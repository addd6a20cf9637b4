"""What an answer means: delivered, again when, failed, disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.route.domain.webhooks.answer import TRIES, WAITS, Answer, judge

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def judged(status: int, tries: int = 1, since: datetime | None = None, after: float | None = None, chance: float = 0.5):  # type: ignore[no-untyped-def]
    return judge(Answer(status, "", 5, after), tries, since, now=NOW, chance=chance)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_success_is_delivery_whatever_was_before(status: int) -> None:
    assert judged(status, TRIES, NOW - timedelta(days=9)).state == "delivered"


@given(
    status=st.sampled_from([0, 199, 301, 400, 404, 410, 429, 500, 503]),
    tries=st.integers(1, TRIES),
    chance=st.floats(0, 1),
)
def test_all_else_is_tried_again_until_the_tries_are_used_up(status: int, tries: int, chance: float) -> None:
    verdict = judged(status, tries, chance=chance)
    assert verdict.state == ("failed" if tries == TRIES else "again")
    if tries < TRIES:
        assert 0.9 * WAITS[tries - 1] <= verdict.wait_seconds <= 1.1 * WAITS[tries - 1]
    assert (verdict.disable is not None) == (status == 410)


def test_tries_go_on_for_a_day() -> None:
    assert timedelta(hours=24) <= timedelta(seconds=sum(WAITS)) <= timedelta(hours=26)


def test_a_hook_at_which_nothing_succeeded_for_a_day_is_disabled() -> None:
    assert judged(500, since=NOW - timedelta(hours=23, minutes=59)).disable is None
    assert judged(500, since=NOW - timedelta(days=1)).disable == "nothing succeeded for a day"


def test_a_busy_receiver_is_given_the_time_that_it_asks_for_up_to_an_hour() -> None:
    assert judged(429, after=60.0).wait_seconds == 60.0
    assert judged(503, after=1e9).wait_seconds == 3600.0
    assert judged(500, after=60.0).wait_seconds == WAITS[0]
