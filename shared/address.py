"""Kafka's address as one text, with how to get in: read, turned into what a client takes, and shown without its secrets. Connects to nothing."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

_PROTOCOLS = (
    "ssl",
    "sasl_ssl",
    "sasl_plaintext",
)  # Kafka's own names, https://kafka.apache.org/documentation/#brokerconfigs
_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
EXAMPLE = "sasl_ssl://score:password@kafka.example:9093?ca=/etc/leadflow/tls/ca.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where Kafka is. `ca`, `cert` and `key` are PEM files; without a `ca` the system's authorities are trusted."""

    servers: str
    protocol: str = "plaintext"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str = _MECHANISMS[0]
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @property
    def context(self) -> ssl.SSLContext | None:
        """Checks the broker's certificate and name; None where nothing is encrypted. Raises OSError for a file that can't be used."""
        return _context(self.ca, self.cert, self.key) if self.protocol.endswith("ssl") else None


@cache
def read(text: str) -> Address:
    """The address: `host:port,host:port`, or as in EXAMPLE. Raises ValueError that repeats nothing of the text, since it holds a password."""
    protocol, found, rest = text.partition("://")
    if not found:
        return Address(servers=_servers(text))
    if protocol not in _PROTOCOLS:
        raise ValueError(f"must begin with {', '.join(f'{one}://' for one in _PROTOCOLS)}, or be host:port alone")
    place, _, query = rest.partition("?")
    login, at, servers = place.rpartition("@")
    user, _, password = login.partition(":")
    given = dict(parse_qsl(query))
    if unknown := set(given) - {"ca", "cert", "key", "mechanism"}:
        raise ValueError(
            f"knows ca, cert, key and mechanism behind its question mark, not {', '.join(sorted(unknown))}"
        )
    if protocol.startswith("sasl") and not (user and password):
        raise ValueError(f"needs a user and a password. Example: {EXAMPLE}")
    if protocol == "ssl" and at:
        raise ValueError("takes a user and a password only with sasl_ssl:// or sasl_plaintext://")
    if ("cert" in given) != ("key" in given):
        raise ValueError("needs cert and key together")
    if given.get("mechanism", _MECHANISMS[0]) not in _MECHANISMS:
        raise ValueError(f"knows the mechanisms {', '.join(_MECHANISMS)}")
    return Address(
        servers=_servers(servers),
        protocol=protocol,
        user=unquote(user) or None,
        password=unquote(password) or None,
        mechanism=given.get("mechanism", _MECHANISMS[0]),
        ca=given.get("ca"),
        cert=given.get("cert"),
        key=given.get("key"),
    )


def client(text: str) -> dict[str, Any]:
    """What aiokafka's clients take to connect there. Raises as `read` and OSError for a file that can't be used."""
    found = read(text)
    taken: dict[str, Any] = {
        "bootstrap_servers": found.servers,
        "security_protocol": found.protocol.upper(),
        "ssl_context": found.context,
    }
    if found.user:
        taken |= {
            "sasl_mechanism": found.mechanism,
            "sasl_plain_username": found.user,
            "sasl_plain_password": found.password,
        }
    return taken


def shown(text: str) -> str:
    """Where it is, for people: host:port without how to get in."""
    try:
        return read(text).servers
    except ValueError:
        return "an address that can't be read"


@cache
def _context(ca: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        made.load_cert_chain(cert, key)
    return made


def _servers(text: str) -> str:
    for server in text.split(","):
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit() or "@" in host:
            raise ValueError("must be host:port, several separated by commas")
    return text
