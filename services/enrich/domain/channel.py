"""Which channel brought somebody, by the tables data/channels.tsv (rules, click ids) and data/sites.tsv (whose hosts are whose). Pure.

GA4's default channel groups in their documented order; the tables name their sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from services.enrich.domain.domains import host_of, registrable
from services.enrich.domain.tables import DATA, rows, words
from shared.contracts import Campaign

UNASSIGNED = "unassigned"
_DIRECT_SOURCE, _NO_MEDIUM, _REFERRAL, _ORGANIC = "(direct)", "(none)", "referral", "organic"
_TRANSIT, _SEARCH = "transit", "search"
_LONGEST = 200  # characters of a parameter that are looked at


class _Rule(Struct, frozen=True):
    """One rule; None asks nothing."""

    channel: str
    site: str | None
    source: re.Pattern[str] | None
    medium: re.Pattern[str] | None
    name: re.Pattern[str] | None


class _Click(Struct, frozen=True, order=True):
    """What a click's id stands for, and whether only ads carry it."""

    ad: bool
    source: str
    medium: str


def channel(
    *, campaign: Campaign | None, click_ids: Mapping[str, str] | None, referrer: str | None, page: str | None
) -> str | None:
    """The channel of one event, or None where it came by no channel of its own (a click inside the site, the way back from
    paying or signing in, a server's event)."""
    source = medium = name = ""
    if campaign is not None:
        source, medium, name = _clean(campaign.source), _clean(campaign.medium), _clean(campaign.name)
    click = _click(click_ids) if click_ids else None
    if source or medium:
        found = _group(source, medium, name)
        if click is not None and click.ad and found not in _PAID:
            return _group(click.source, click.medium, name)
        return found
    if click is not None:
        return _group(click.source, click.medium, name)
    came = _referred(referrer, page)
    return _group(*came, name) if came is not None else None


def direction(channel: str) -> str:
    """inbound (they came to us) or outbound (we went to them)."""
    return _DIRECTIONS.get(channel, "inbound")


def _clean(text: str | None) -> str:
    return text.strip()[:_LONGEST] if text else ""


@lru_cache(maxsize=5_000)
def _group(source: str, medium: str, name: str) -> str:
    source, medium, name = source.lower(), medium.lower(), name.lower()
    site = _site(source)
    for rule in _RULES:
        if (
            (rule.site is None or rule.site == site)
            and (rule.source is None or rule.source.fullmatch(source))
            and (rule.medium is None or rule.medium.fullmatch(medium))
            and (rule.name is None or rule.name.fullmatch(name))
        ):
            return rule.channel
    return UNASSIGNED


def _click(ids: Mapping[str, str]) -> _Click | None:
    """The first in the table of these click ids."""
    known = [found for key in ids if (found := _CLICKS.get(key.lower())) is not None]
    return min(known)[1] if known else None


def _referred(referrer: str | None, page: str | None) -> tuple[str, str] | None:
    """Source and medium by where the browser says that it came from; None for the site itself and for no page at all."""
    host = host_of(referrer) if referrer else None
    if host is None:
        return (_DIRECT_SOURCE, _NO_MEDIUM) if page else None
    here = host_of(page) if page else None
    if here is not None and (here == host or (registrable(here) or here) == (registrable(host) or host)):
        return None
    site = _site(host)
    if site == _TRANSIT:
        return None
    return host, _ORGANIC if site == _SEARCH else _REFERRAL


@lru_cache(maxsize=5_000)
def _site(source: str) -> str | None:
    """The kind of site that a source or a referrer's host is."""
    found = _SOURCES.get(source)
    if found is not None or "." not in source:
        return found
    host = source.removeprefix("www.")
    rest = host
    while rest:
        found = _HOSTS.get(rest)
        if found is not None:
            return found
        rest = rest.partition(".")[2]
    registered = registrable(host)
    return _ANYWHERE.get(registered.partition(".")[0]) if registered is not None else None


def _pattern(cell: str) -> re.Pattern[str] | None:
    return re.compile(cell) if cell != "-" else None


def _rules() -> tuple[list[_Rule], dict[str, str]]:
    """The rules in their order, and the direction of each channel."""
    found: list[_Rule] = []
    directions: dict[str, str] = {}
    for kind, *cells in rows(DATA / "channels.tsv"):
        if kind == "rule":
            channel, direction, site, source, medium, name, _ = cells
            rule = _Rule(channel, site if site != "-" else None, _pattern(source), _pattern(medium), _pattern(name))
            found.append(rule)
            directions.setdefault(channel, direction)
    return found, directions


def _clicks() -> dict[str, tuple[int, _Click]]:
    """Click ids with their rank and what they stand for."""
    cells = [cells for kind, *cells in rows(DATA / "channels.tsv") if kind == "click"]
    return {name: (rank, _Click(proof == "ad", *for_)) for rank, (name, proof, *for_, _) in enumerate(cells)}


def _sites() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Kinds of site by what utm_source says, by host, and by the name that is registered under any public suffix."""
    sources: dict[str, str] = {}
    hosts: dict[str, str] = {}
    anywhere: dict[str, str] = {}
    for kind, names, addresses in rows(DATA / "sites.tsv"):
        for word in words(names):
            sources.setdefault(word, kind)
        for word in words(addresses):
            label, _, suffix = word.partition(".")
            if suffix == "*":
                anywhere[label] = kind
                sources.setdefault(label, kind)
            else:
                hosts[word] = kind
    return sources, hosts, anywhere


_RULES, _DIRECTIONS = _rules()
_CLICKS = _clicks()
_SOURCES, _HOSTS, _ANYWHERE = _sites()
# Where nobody clicked an ad unless somebody paid.
_PAID = frozenset(name for name in _DIRECTIONS if name.startswith("paid-")) | {"cross-network", "display", "affiliates"}
