"""A company's name without its legal form, and the domain that stands for it."""

from __future__ import annotations

import re
from functools import lru_cache

import cleanco

# What cleanco 2.3 leaves on: written with other dots, or with words behind it.
_LEFT_ON = re.compile(
    r"[\s,]+(?:e\.?\s?k(?:fr|fm)?\.?|ug\s*\(?haftungsbeschr(?:ä|ae)nkt\)?|gmbh\s*&\s*co\.?(?:\s*kg(?:aa)?)?|mbh|g?gmbh|e\.?\s?v\.?|gbr)\.?$",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def bare(name: str) -> str | None:
    """The name without legal form, in its own spelling; a name that is nothing but a legal form stays. None for an empty one."""
    tidy = " ".join(name.split()).strip(" ,;")
    if not tidy:
        return None
    if len(tidy) > 200:  # no company's name; and cleanco's time grows with it
        return tidy[:200]
    left = _LEFT_ON.sub("", tidy).strip(" ,;")
    stripped = str(cleanco.basename(left or tidy)).strip(" ,;-&")
    return stripped or tidy
