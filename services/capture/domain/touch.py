"""Where a visit came from, as its page address says: UTM parameters and click ids, by the table shared/origin.py."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from services.capture.domain.clean import LONGEST_REMEMBERED
from shared.contracts import Campaign
from shared.origin import CLICK_IDS, UTM


def of_page(url: str | None) -> tuple[Campaign | None, dict[str, str] | None]:
    """The campaign and the click ids in the query of a page's address; None where there is nothing."""
    if url is None or "?" not in url:
        return None, None
    query = url.partition("?")[2].partition("#")[0]
    return _remembered(query) if len(query) <= LONGEST_REMEMBERED else _of_query(query)


def _of_query(query: str) -> tuple[Campaign | None, dict[str, str] | None]:
    try:
        pairs = parse_qsl(query, max_num_fields=100)
    except ValueError:  # more than a hundred parameters, no address that a person came by
        return None, None
    return campaign({name: value for name, value in pairs if name in UTM}), (
        {name.lower(): value.replace("\0", "") for name, value in pairs if name.lower() in CLICK_IDS} or None
    )


_remembered = lru_cache(maxsize=2048)(_of_query)  # visits of one campaign share their query up to the click id


def campaign(utm: dict[str, str]) -> Campaign | None:
    """UTM parameters as a campaign; None when there are none."""
    if not utm:
        return None
    return Campaign(**{UTM[name]: value.replace("\0", "") for name, value in utm.items()})
