"""A company's name without its legal form, and the domain that stands for it."""

from __future__ import annotations

import re
from functools import lru_cache

from cleanco import clean

Term = tuple[int, list[str]]

# What cleanco 2.3 leaves on: written with other dots, or with words behind it.
_LEFT_ON = re.compile(
    r"[\s,]+(?:e\.?\s?k(?:fr|fm)?\.?|ug\s*\(?haftungsbeschr(?:ä|ae)nkt\)?|gmbh\s*&\s*co\.?(?:\s*kg(?:aa)?)?|mbh|g?gmbh|e\.?\s?v\.?|gbr)\.?$",
    re.IGNORECASE,
)


def _by_last_word() -> dict[str, list[tuple[int, Term]]]:
    found: dict[str, list[tuple[int, Term]]] = {}
    for rank, (size, words) in enumerate(clean.prepare_default_terms()):
        if size:
            found.setdefault(words[-1], []).append((rank, (size, words)))
    return found


# cleanco tries each of its legal forms on each name, 170 to 240 us. One whose last word is not in the name can't match, so those are
# left out, and the result stays cleanco's own.
_TERMS = _by_last_word()


def _without_legal_form(name: str) -> str:
    short = clean.strip_tail(name)
    plain = short.casefold() if short.isascii() else clean.normalized(short)
    words = {clean.strip_punct(word) for word in plain.split()}
    terms = [term for _, term in sorted(one for word in words for one in _TERMS.get(word, ()))]
    if not terms:
        return str(clean.strip_tail(" ".join(short.split())))
    return str(clean.custom_basename(name, terms))


@lru_cache(maxsize=20_000)
def bare(name: str) -> str | None:
    """The name without legal form, in its own spelling; a name that is nothing but a legal form stays. None for an empty one."""
    tidy = " ".join(name.split()).strip(" ,;")
    if not tidy:
        return None
    if len(tidy) > 200:  # no company's name; and cleanco's time grows with it
        return tidy[:200]
    left = _LEFT_ON.sub("", tidy).strip(" ,;")
    stripped = _without_legal_form(left or tidy).strip(" ,;-&")
    return stripped or tidy
