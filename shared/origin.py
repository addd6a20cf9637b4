"""Parameters that say where a visit came from, in a page's address, a form or a row: campaign and click ids. Names only; what they mean is enrich's."""

from __future__ import annotations

# Parameter -> field of the campaign: those of Google Analytics 4 (https://support.google.com/analytics/answer/10917952, looked up
# November 27, 2026), of which everybody took over the first five.
UTM: dict[str, str] = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
    "utm_id": "id",
    "utm_source_platform": "source_platform",
    "utm_creative_format": "creative_format",
    "utm_marketing_tactic": "marketing_tactic",
}

# Names under which advertisers, affiliate networks and senders of mail hand over the id of a click. Kept under the same name, in lower case.
CLICK_IDS: frozenset[str] = frozenset(
    {
        "gclid",  # Google Ads
        "gbraid",
        "wbraid",
        "dclid",  # Google Display
        "msclkid",  # Microsoft
        "fbclid",  # Meta
        "li_fat_id",  # LinkedIn
        "ttclid",  # TikTok
        "twclid",  # X
        "rdt_cid",  # Reddit
        "epik",  # Pinterest
        "sccid",  # Snapchat
        "yclid",  # Yandex
        "qclid",  # Quora
        "tblci",  # Taboola
        "obclid",  # Outbrain
        "irclickid",  # impact.com
        "cjevent",  # CJ Affiliate
        "awc",  # Awin
        "srsltid",  # Google Merchant Center, free listings
        "mc_cid",  # Mailchimp
        "mc_eid",
        "_hsenc",  # HubSpot
        "_hsmi",
        "mkt_tok",  # Marketo
        "_kx",  # Klaviyo
        "igshid",  # Instagram, on links that people share
    }
)
