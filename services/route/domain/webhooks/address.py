"""Where a webhook may go: never to private, loopback, link-local or metadata addresses, unless the operator allows their network."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

# For protocols (RFC 6890); Python calls some of it global.
_PROTOCOLS = IPv4Network("192.0.0.0/24")
# Prefixes of IPv6 in which an IPv4 address stands in the last 32 bits: NAT64 (RFC 6052, RFC 8215).
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def mistake(url: str) -> str | None:
    """What is wrong with a hook's address as it is written, if anything is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "must begin with https:// and a host"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password: the signature proves who sends"
    if parts.fragment:
        return "must not hold a fragment (#...)"
    if port == 0 or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        return "is no address"
    return None


def is_allowed(text: str, *, encrypted: bool, allowed: Sequence[Network]) -> bool:
    """Whether a resolved address may be connected to. Without encryption only one that the operator allowed."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    meant = _inside(address) or (address,)
    return all(any(one in network for network in allowed) or (encrypted and _is_public(one)) for one in meant)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in _PROTOCOLS


def _inside(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if any(address in network for network in _NAT64):
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    return []
