"""A small database of addresses in MaxMind's format (MaxMind DB File Format Specification 2.0): IPv4 networks and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

_METADATA = b"\xab\xcd\xefMaxMind.com"
_TEXT, _MAP, _LIST = 2, 7, 11
_WORDS = {2: 5, 4: 6, 8: 9}  # kinds of unsigned integers by their bytes


def database(said: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The file. `said` by network (198.51.100.0/24); none may hold another."""
    data, offsets = b"", {}
    for network, value in said.items():
        offsets[network] = len(data)
        data += _encoded(value)
    nodes: list[list[int | str | None]] = [[None, None]]
    for network in said:
        at, bits = 0, IPv4Network(network)
        number = int(bits.network_address)
        for place in range(bits.prefixlen):
            side = number >> (31 - place) & 1
            if place == bits.prefixlen - 1:
                nodes[at][side] = network
            else:
                if nodes[at][side] is None:
                    nodes[at][side] = len(nodes)
                    nodes.append([None, None])
                onward = nodes[at][side]
                assert isinstance(onward, int)
                at = onward
    count = len(nodes)

    def pointer(side: int | str | None) -> int:
        if side is None:
            return count
        return side if isinstance(side, int) else count + 16 + offsets[side]

    tree = b"".join(pointer(side).to_bytes(4, "big") for node in nodes for side in node)
    metadata = {
        "node_count": count.to_bytes(4, "big"),
        "record_size": _short(32),
        "ip_version": _short(4),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": _short(2),
        "binary_format_minor_version": _short(0),
        "build_epoch": (1_795_000_000).to_bytes(8, "big"),
        "description": {"en": "test"},
    }
    return tree + bytes(16) + data + _METADATA + _encoded(metadata)


def _short(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        return _control(_TEXT, len(value.encode())) + value.encode()
    if isinstance(value, bytes):  # an unsigned integer
        return _control(_WORDS[len(value)], len(value)) + value
    if isinstance(value, list):
        return _control(_LIST, len(value)) + b"".join(map(_encoded, value))
    return _control(_MAP, len(value)) + b"".join(_encoded(key) + _encoded(one) for key, one in value.items())


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    extended = bytes([kind - 7]) if kind > 7 else b""
    first = (kind if kind <= 7 else 0) << 5
    return bytes([first | size]) + extended if size < 29 else bytes([first | 29]) + extended + bytes([size - 29])
