"""What the connection says: the address behind proxies that are trusted, and who is a robot."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain import connection

INSIDE = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("198.51.100.1", b"203.0.113.9", (), "198.51.100.1"),
        ("198.51.100.1", b"203.0.113.9", INSIDE, "198.51.100.1"),
        ("10.0.0.1", None, INSIDE, "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.9", INSIDE, "203.0.113.9"),
        ("10.0.0.1", b"1.2.3.4, 203.0.113.9, 10.0.0.2", INSIDE, "203.0.113.9"),
        ("10.0.0.1", b"evil, 203.0.113.9", INSIDE, "203.0.113.9"),
        ("10.0.0.1", b"203.0.113.9, evil", INSIDE, "10.0.0.1"),
        ("10.0.0.1", b"2001:DB8::1", INSIDE, "2001:db8::1"),
    ],
)
def test_the_address_is_the_first_that_no_trusted_proxy_has(
    peer: str, forwarded: bytes | None, trusted: tuple[connection.Network, ...], expected: str
) -> None:
    assert connection.address(peer, forwarded, trusted) == expected


@given(st.binary(max_size=30))
def test_any_header_gives_an_address(forwarded: bytes) -> None:
    assert connection.valid_address(connection.address("10.0.0.1", forwarded, INSIDE))


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0", True),
        ("facebookexternalhit/1.1", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 7) Chrome/120.0", False),
        ("python-requests/2.32", False),
        (None, False),
    ],
)
def test_a_robot_is_who_says_so(agent: str | None, robot: bool) -> None:
    assert connection.is_robot(agent) is robot


@pytest.mark.parametrize(
    "agent", ["analytics-python/2.3.2", "analytics-node/1.1", "rudder-sdk-node/2", "RudderStack-Python"]
)
def test_server_side_libraries_are_known_by_their_names(agent: str) -> None:
    assert connection.is_library(agent)
    assert not connection.is_library("Mozilla/5.0 " + agent)


@given(st.one_of(st.ip_addresses(v=6).map(str), st.ip_addresses(v=6, network="2000::/3").map(lambda one: one.exploded)))
def test_an_address_of_ipv6_is_spelled_and_counted_as_the_library_has_it(text: str) -> None:
    found = IPv6Address(text)
    assert connection.valid_address(text) == str(found)
    if found.ipv4_mapped is None:
        network = str(IPv6Network((found, 64), strict=False)) if found.is_global else None
        assert connection.source(text) == network
