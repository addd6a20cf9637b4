"""Where webhooks may go: table of addresses, as written and as resolved."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.route.domain.webhooks import address

INTERNAL = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "no address", "",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("text", INTERNAL)
def test_an_address_inside_is_never_spoken_to(text: str) -> None:
    assert not address.is_allowed(text, encrypted=True, allowed=())


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_spoken_to_with_encryption_only(text: str) -> None:
    assert address.is_allowed(text, encrypted=True, allowed=())
    assert not address.is_allowed(text, encrypted=False, allowed=())


def test_an_operator_may_allow_networks_and_these_alone() -> None:
    allowed = (ip_network("127.0.0.0/8"),)
    assert address.is_allowed("127.0.0.1", encrypted=False, allowed=allowed)
    assert address.is_allowed("::ffff:127.0.0.1", encrypted=False, allowed=allowed)
    assert not address.is_allowed("10.0.0.1", encrypted=True, allowed=allowed)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://crm.example/leads?source=x", None),
        ("http://127.0.0.1:9/x", None),
        ("https://[::1]:8443/x", None),
        ("ftp://crm.example/", "https://"),
        ("crm.example/leads", "https://"),
        ("https:///leads", "https://"),
        ("https://me:secret@crm.example/", "user or a password"),
        ("https://crm.example/#x", "fragment"),
        ("https://crm.example:99999/", "no address"),
        ("https://crm.example/a b", "no address"),
        ("https://crm.example:0/", "no address"),
        ("https://[::1/", "no address"),
    ],
)
def test_an_address_is_looked_through_as_it_is_written(url: str, wrong: str | None) -> None:
    said = address.mistake(url)
    assert said is None if wrong is None else said is not None and wrong in said
