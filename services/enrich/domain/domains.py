"""Internet domains: which part was registered (public suffix list as it came with the package; nothing is fetched)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

_suffixes = PublicSuffixList()
_rules: frozenset[str] = _suffixes._publicsuffix
# What browsers send: a scheme, an ASCII host, perhaps a port. Anything else is the library's to read.
_PLAIN = re.compile(r"[a-z][a-z0-9+.-]*+://(?:www\.)?+([a-z0-9.-]++)(?::[0-9]++)?+(?:[/?#]\S*+)?").fullmatch


def registrable(domain: str) -> str | None:
    """The registered part of a domain in lower case (acme.co.uk of mail.acme.co.uk), or None for a bare suffix."""
    label, _, rest = domain.partition(".")
    # Of two labels nothing shorter could be registered: no rule about them means that they are what was.
    if (
        label
        and rest
        and "." not in rest
        and domain not in _rules
        and f"*.{rest}" not in _rules
        and f"*.{domain}" not in _rules
    ):
        return domain
    return _by_list(domain)


@lru_cache(maxsize=5_000)
def _by_list(domain: str) -> str | None:
    found = _suffixes.privatesuffix(domain)
    return str(found) if found else None


@lru_cache(maxsize=5_000)
def host_of(url: str) -> str | None:
    """The host that a URL, or what people type for one, names; in lower case, without www."""
    text = url.strip().lower()
    plain = _PLAIN(text)
    if plain is not None:
        return plain[1]
    if not text or any(mark.isspace() for mark in text):
        return None
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return None
    return (host.removeprefix("www.") or None) if host else None


@lru_cache(maxsize=5_000)
def of_website(url: str) -> str | None:
    """The registered domain of a website, or None when it names none."""
    host = host_of(url)
    if host is None or "." not in host:
        return None
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return None
    return registrable(host)
