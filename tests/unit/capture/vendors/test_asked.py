"""How vendors' APIs are asked for leads, and what their answers mean."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.vendors import asked
from services.capture.vendors.asked import APIS, Again, Got, Never
from services.capture.vendors.vendor import Fetch
from tests.unit.capture.vendors.posts import NOW

FETCH = Fetch(vendor="meta", lead_id="1", path="1?fields=id", message_id="meta:1")


def test_the_vendors_own_address_and_version_are_used_where_a_hook_names_none() -> None:
    url, headers = asked.question("meta", FETCH, token="t", base_url=None, version=None)
    assert url == f"https://graph.facebook.com/{APIS['meta'].version}/1?fields=id"
    assert headers["Authorization"] == "Bearer t"
    assert "t" not in url.rpartition("?")[2].split("&")


def test_a_hook_can_name_another_address_and_version() -> None:
    assert asked.question("meta", FETCH, token="t", base_url=None, version="v25.0")[0].startswith(
        "https://graph.facebook.com/v25.0/1"
    )
    url, headers = asked.question("linkedin", FETCH, token="t", base_url="http://127.0.0.1:1/rest/", version="202701")
    assert url == "http://127.0.0.1:1/rest/1?fields=id"
    assert (headers["LinkedIn-Version"], headers["X-Restli-Protocol-Version"]) == ("202701", "2.0.0")


@pytest.mark.parametrize("vendor", APIS)
def test_what_is_gone_is_gone_and_a_token_a_limit_or_a_bad_day_passes(vendor: str) -> None:
    assert asked.understood(vendor, 200, None, NOW) == Got()
    assert isinstance(asked.understood(vendor, 404, None, NOW), Never)
    for status in (401, 403, 429, 500, 502, 503):
        assert isinstance(asked.understood(vendor, status, None, NOW), Again)


def test_metas_400_may_be_a_token_that_ran_out() -> None:
    assert isinstance(asked.understood("meta", 400, None, NOW), Again)
    assert isinstance(asked.understood("linkedin", 400, None, NOW), Never)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300.0),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0.0),
        ("999999999", 21_600.0),
        ("soon", None),
        ("-1", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str | None, seconds: float | None) -> None:
    assert asked.understood("meta", 429, said, NOW) == Again("status 429", seconds)


@given(st.text(max_size=40))
def test_any_retry_after_is_understood_or_ignored(said: str) -> None:
    found = asked.understood("meta", 503, said, NOW)
    assert isinstance(found, Again)
    assert found.after_seconds is None or 0 <= found.after_seconds <= 21_600


@given(st.integers(1, 10**6), st.none() | st.floats(0, 21_600), st.floats(0, 1))
def test_a_wait_is_never_shorter_than_asked_for_nor_longer_than_that_or_an_hour(
    tries: int, asked_for: float | None, chance: float
) -> None:
    wait = asked.wait_seconds(tries, asked_for, chance)
    assert max(2.5, asked_for or 0) <= wait <= max(3600, asked_for or 0)


def test_waits_grow() -> None:
    assert [asked.wait_seconds(tries, None, 0) for tries in (1, 2, 3, 9, 10**9)] == [5, 15, 45, 3600, 3600]
