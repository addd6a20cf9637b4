"""Which mail domains are disposable, by the list in the package disposable-email-domains (https://github.com/disposable-email-domains, CC0 1.0; its version, and so its date, is pinned in requirements/). Pure."""

from __future__ import annotations

from functools import lru_cache

from disposable_email_domains import allowlist, blocklist

_LONGEST_DOMAIN = 253  # RFC 1035; what is longer is no domain, and is not remembered


def is_disposable(domain: str) -> bool:
    """Whether mail to this domain (in lower case) goes to a mailbox that is thrown away: it, or one that it is beneath, is listed."""
    return len(domain) <= _LONGEST_DOMAIN and _is_listed(domain)


@lru_cache(maxsize=5_000)
def _is_listed(domain: str) -> bool:
    if domain in allowlist:
        return False
    above = domain
    while "." in above:
        if above in blocklist:
            return True
        above = above.partition(".")[2]
    return False
