"""Channels: GA4's rules in their order, click ids, referrers, assistants."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import channel
from services.enrich.domain.domains import host_of, registrable
from services.enrich.domain.tables import DATA, rows, words
from shared.contracts import Campaign
from tests.unit.enrich.cases import absent, cases

_CASES = cases("channels")
_PAGE = "https://www.shop.example/landing"


def test_there_are_enough_cases_and_every_channel_has_some() -> None:
    assert len(_CASES) >= 120
    assert {case[0] for case in _CASES} == {*channel._DIRECTIONS, channel.UNASSIGNED, "-"}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: " ".join(case[1:6]))
def test_a_channel_is_what_its_source_says(case: tuple[str, ...]) -> None:
    expected, source, medium, name, clicks, referrer, page, _ = map(absent, case)

    found = channel.channel(
        campaign=Campaign(source=source, medium=medium, name=name) if source or medium or name else None,
        click_ids=dict.fromkeys(clicks.split(","), "x") if clicks else None,
        referrer=referrer,
        page=page,
    )

    assert found == expected


def test_the_order_in_which_click_ids_came_changes_nothing() -> None:
    ids = [{"fbclid": "1", "msclkid": "2", "ttclid": "3"}, {"ttclid": "3", "msclkid": "2", "fbclid": "1"}]
    assert {channel.channel(campaign=None, click_ids=one, referrer=None, page=_PAGE) for one in ids} == {"paid-search"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("email", "outbound"), ("sms", "outbound"), ("push", "outbound"), ("display", "outbound"), ("audio", "outbound"),
        ("paid-social", "outbound"), ("paid-video", "outbound"), ("paid-other", "outbound"), ("cross-network", "outbound"),
        ("paid-search", "inbound"), ("paid-shopping", "inbound"), ("organic-search", "inbound"), ("organic-social", "inbound"),
        ("ai-assistant", "inbound"), ("referral", "inbound"), ("affiliates", "inbound"), ("direct", "inbound"), ("unassigned", "inbound"),
    ],
)  # fmt: skip
def test_where_we_went_to_people_is_outbound(found: str, expected: str) -> None:
    assert channel.direction(found) == expected


def test_a_channel_has_one_direction() -> None:
    directions = {(cells[1], cells[2]) for cells in rows(DATA / "channels.tsv") if cells[0] == "rule"}
    assert len(directions) == len(channel._DIRECTIONS)


def test_the_lists_of_sites_name_each_host_and_each_source_once_and_as_a_host_is_written() -> None:
    names = [word for _, sources, _ in rows(DATA / "sites.tsv") for word in words(sources)]
    hosts = [word for _, _, addresses in rows(DATA / "sites.tsv") for word in words(addresses)]

    assert sorted(set(names)) == sorted(names)
    assert sorted(set(hosts)) == sorted(hosts)
    assert [host for host in hosts if re.fullmatch(r"(?:[a-z0-9-]+\.)+(?:[a-z0-9-]+|\*)", host) is None] == []
    assert [name for name in names if name != name.lower()] == []


def test_no_list_claims_a_whole_public_suffix() -> None:
    hosts = [host for _, _, cell in rows(DATA / "sites.tsv") for host in words(cell) if not host.endswith(".*")]
    suffixes = {host for host in hosts if registrable(host) is None}
    # Under these the public suffix list has names of customers; all of them are of the one house all the same.
    assert suffixes <= {"blogspot.com", "github.io", "netlify.app", "translate.goog"}


_texts = st.none() | st.text(max_size=20) | st.sampled_from(["google", "cpc", "email", "(direct)", "shop", "video"])


@given(_texts, _texts, _texts, st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=4)), _texts, _texts)
def test_anything_has_a_channel_that_is_in_the_table_or_none(
    source: str | None, medium: str | None, name: str | None, ids: dict[str, str] | None, referrer: str | None, page: str | None
) -> None:  # fmt: skip
    campaign = Campaign(source=source, medium=medium, name=name)
    found = channel.channel(campaign=campaign, click_ids=ids, referrer=referrer, page=page)
    assert found is None or found in channel._DIRECTIONS or found == channel.UNASSIGNED


@given(_texts, _texts, _texts)
def test_case_and_blanks_around_change_nothing(source: str | None, medium: str | None, name: str | None) -> None:
    def found(change: Callable[[str], str]) -> str | None:
        said = [text and change(text) for text in (source, medium, name)]
        campaign = Campaign(source=said[0], medium=said[1], name=said[2])
        return channel.channel(campaign=campaign, click_ids=None, referrer=None, page=_PAGE)

    assert found(str.lower) == found(lambda text: f" {text.lower()} ")
    if all(text is None or text.isascii() for text in (source, medium, name)):
        assert found(str.upper) == found(str.lower)


@given(st.from_regex(r"(https?://)?(www\.)?[a-zA-Z0-9.-]{0,12}(:[0-9]{0,3})?(@x)?([/?#][a-z \t/?:#@]{0,8})?", fullmatch=True))  # fmt: skip
def test_the_fast_path_of_hosts_says_what_the_library_says(url: str) -> None:
    text = url.strip().lower()
    expected = None
    if text and not any(mark.isspace() for mark in text):
        try:
            expected = urlsplit(text if "://" in text else f"//{text}").hostname
        except ValueError:
            expected = None
    assert host_of(url) == ((expected or "").removeprefix("www.") or None)
