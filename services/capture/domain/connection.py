"""What the connection says about who is there: the address behind trusted proxies, and whether the user agent is a robot."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET6, inet_ntop, inet_pton

Network = IPv4Network | IPv6Network

# Robots that say so. A customer's own server (curl, python-requests, a Segment library) is none: it speaks for a person.
_ROBOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|scrapy|lighthouse|pingdom|uptime|facebookexternalhit|"
    r"bingpreview|mediapartners|archiver|nagios|preview\b",
    re.IGNORECASE,
)

# Server-side libraries that name themselves and speak for somebody else: the person's address and user agent are in the body.
_LIBRARY = re.compile(
    r"(?:analytics[-.](?:python|node|ruby|java|go|php|net|kotlin|swift)|rudder-?(?:analytics|stack|sdk|server)?[-.]?"
    r"(?:python|node|ruby|java|go|php|net))",
    re.IGNORECASE,
)
LONGEST_AGENT = 1024
_LONGEST_ADDRESS = 64  # IPv6 takes 45 characters, and may have a zone
_ZERO = b"\0"
_EXCEPTIONS = frozenset((b"\x20\x01", b"\x20\x02", b"\x3f\xff"))
_CODE_LETTERS = 2
# What edges say of an address whose country they don't know (developers.cloudflare.com/fundamentals/reference/http-headers and
# cloud.google.com/appengine/docs/standard/reference/request-headers, both looked up November 27, 2026). `T1`, Tor, has a digit.
_NO_COUNTRY = frozenset((b"XX", b"ZZ"))


@lru_cache(maxsize=4096)
def user_agent(header: bytes) -> str | None:
    """The user agent as text, at most 1,024 characters; None for an empty one."""
    return header[:LONGEST_AGENT].decode("utf-8", "replace").replace("\0", "").strip() or None


@lru_cache(maxsize=4096)
def is_robot(agent: str | None) -> bool:
    """Whether the user agent says that nobody sits there. Absence says nothing."""
    return agent is not None and _ROBOT.search(agent) is not None


@lru_cache(maxsize=4096)
def is_library(agent: str | None) -> bool:
    """Whether it is a server-side tracking library."""
    return agent is not None and _LIBRARY.match(agent) is not None


@lru_cache(maxsize=4096)
def address(peer: str, forwarded: bytes | None, trusted: tuple[Network, ...]) -> str:
    """The client's address: the peer of the connection, or, as long as that is a trusted proxy, whom it says it had in front of it
    (`X-Forwarded-For`, read from the right). What is no address ends the search."""
    found = peer
    if forwarded is None or not trusted:
        return found
    for claim in reversed(forwarded.decode("latin-1").split(",")):
        if not _within(found, trusted):
            break
        claimed = valid_address(claim.strip())
        if claimed is None:
            break
        found = claimed
    return found


def valid_address(text: str) -> str | None:
    """`text` when it is an IPv4 or IPv6 address, in its usual spelling."""
    return _valid_address(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)
def _valid_address(text: str) -> str | None:
    if (packed := _packed(text)) is not None:
        return inet_ntop(AF_INET6, packed)
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _packed(text: str) -> bytes | None:
    """An IPv6 address of those parts of the public internet that have no exceptions within (IANA's special-purpose registry has them in
    2001::/16, 2002::/16 and 3fff::/16); None for all others. `ipaddress` takes ten times as long, and strangers are never remembered."""
    if ":" not in text:
        return None
    try:
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return None
    return packed if packed[0] >> 5 == 1 and packed[:2] not in _EXCEPTIONS else None


@lru_cache(maxsize=4096)
def source(address: str) -> str | None:
    """Whom a limit by address counts as one: an IPv4 address, or the /64 of an IPv6 address, which is what one connection to the internet
    gets. None for addresses that are not of the public internet: there sits a proxy or a server of the house, and many behind it."""
    if (packed := _packed(address)) is not None:
        return f"{inet_ntop(AF_INET6, packed[:8].ljust(16, _ZERO))}/64"
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(IPv6Network((found, 64), strict=False)) if found.is_global else None
        found = found.ipv4_mapped
    return str(found) if found.is_global else None


def trusted(peer: str, proxies: tuple[Network, ...]) -> bool:
    """Whether the other end of the connection is a trusted proxy."""
    return bool(proxies) and _within(peer, proxies)


def country(said: bytes) -> str | None:
    """The country that an edge's header names, ISO 3166 as enrich checks it; None for what stands for none (`XX`: not known, `T1`: Tor)."""
    code = said.strip().upper()
    if len(code) != _CODE_LETTERS or not code.isalpha() or code in _NO_COUNTRY:
        return None
    return code.decode("ascii")


@lru_cache(maxsize=4096)
def _within(text: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return any(found in network for network in networks)
