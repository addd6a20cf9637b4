"""Which channel brought somebody: GA4's default channel groups (main cases) as tables over UTM, click ids and referrer. Pure.

Source: Google Analytics help, "Default channel group"; names in small letters with hyphens. The order of the rules is GA4's.
"""

# ruff: noqa: SIM905 (tables of words read better as text)

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from services.enrich.domain.domains import host_of, registrable
from services.enrich.domain.profile import DIRECT
from shared.contracts import Campaign

# The advertisers' own marks on a landing page. fbclid is on unpaid links too, so it only says who (see _SITES).
_CLICK_IDS = {
    "gclid": "paid-search", "wbraid": "paid-search", "gbraid": "paid-search", "msclkid": "paid-search", "yclid": "paid-search",
    "dclid": "display", "ttclid": "paid-social", "li_fat_id": "paid-social", "twclid": "paid-social", "epik": "paid-social",
    "rdt_cid": "paid-social", "sccid": "paid-social", "irclickid": "affiliates", "cjevent": "affiliates", "fbclid": "organic-social",
}  # fmt: skip

_SEARCH, _SOCIAL, _MAIL, _VIDEO = "search", "social", "email", "video"
# What kind of site a source or a referrer's name is. A name stands for its domain in every country.
_SITES = {
    **dict.fromkeys("google bing yahoo duckduckgo ecosia baidu yandex startpage qwant naver seznam ask aol brave kagi".split(), _SEARCH),
    **dict.fromkeys(
        "facebook fb instagram ig linkedin lnkd twitter x t.co pinterest reddit tiktok threads xing mastodon bluesky bsky snapchat quora "
        "tumblr vk weibo wechat whatsapp telegram discord meta meetup slideshare".split(),
        _SOCIAL,
    ),
    **dict.fromkeys("mailchimp hubspot klaviyo newsletter email e-mail mail brevo sendgrid".split(), _MAIL),
    **dict.fromkeys("youtube youtu.be vimeo twitch dailymotion".split(), _VIDEO),
}  # fmt: skip
_MAIL_HOSTS = frozenset(
    "mail.google.com outlook.live.com outlook.office.com outlook.office365.com mail.yahoo.com".split()
)

_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*").fullmatch
_MEDIA = {
    **dict.fromkeys(("display", "banner", "expandable", "interstitial", "cpm"), "display"),
    **dict.fromkeys(("email", "e-mail", "e_mail", "e mail", "mail", "newsletter"), "email"),
    **dict.fromkeys(("affiliate", "affiliates"), "affiliates"),
    **dict.fromkeys(("referral", "app", "link"), "referral"),
    **dict.fromkeys(
        ("social", "social-network", "social-media", "sm", "social network", "social media"), "organic-social"
    ),
    **dict.fromkeys(("organic",), "organic-search"),
    **dict.fromkeys(("video",), "organic-video"),
    **dict.fromkeys(("audio",), "audio"),
    **dict.fromkeys(("sms",), "sms"),
    **dict.fromkeys(("push", "mobile", "notification"), "push"),
}

_PAID_BY_SITE = {_SEARCH: "paid-search", _SOCIAL: "paid-social", _VIDEO: "paid-video"}
_ORGANIC_BY_SITE = {_SEARCH: "organic-search", _SOCIAL: "organic-social", _VIDEO: "organic-video", _MAIL: "email"}

# We went to them: everything else, they came to us.
_OUTBOUND = frozenset(("email", "sms", "push", "display", "paid-social", "paid-video", "audio"))


def channel(
    *, campaign: Campaign | None, click_ids: Mapping[str, str] | None, referrer: str | None, page: str | None
) -> str | None:
    """The channel of one event, or None where it came by no channel of its own (a click inside the site, a server's event)."""
    for key in click_ids or ():
        by_click = _CLICK_IDS.get(key.lower())
        if by_click is not None and by_click != "organic-social":
            return by_click
    if campaign is not None and (campaign.source or campaign.medium or campaign.name):
        return _by_campaign(campaign.source or "", campaign.medium or "")
    if click_ids and any(key.lower() == "fbclid" for key in click_ids):
        return "organic-social"
    return _by_referrer(referrer, page)


def direction(channel: str) -> str:
    """inbound or outbound."""
    return "outbound" if channel in _OUTBOUND else "inbound"


@lru_cache(maxsize=5_000)
def _by_campaign(source: str, medium: str) -> str:
    source, medium = source.strip().lower(), medium.strip().lower()
    site = _site(source)
    if medium == "cpm":
        return "display"
    if _PAID(medium):
        return _PAID_BY_SITE.get(site or "", "paid-other")
    found = _MEDIA.get(medium)
    if found is not None:
        return found
    if site is not None:
        return _ORGANIC_BY_SITE[site]
    if source in ("(direct)", DIRECT):
        return DIRECT
    return "referral" if source and not medium else "unassigned"


def _by_referrer(referrer: str | None, page: str | None) -> str | None:
    host = host_of(referrer) if referrer else None
    if host is None:
        return DIRECT if page else None
    here = host_of(page) if page else None
    if here is not None and (here == host or (registrable(here) or here) == (registrable(host) or host)):
        return None
    if host in _MAIL_HOSTS:
        return "email"
    site = _site(host)
    return _ORGANIC_BY_SITE[site] if site is not None and site != _MAIL else "referral"


def _site(source: str) -> str | None:
    found = _SITES.get(source)
    if found is None and "." in source:
        domain = registrable(source)
        found = _SITES.get(domain or "") or _SITES.get((domain or "").split(".", 1)[0])
    return found
