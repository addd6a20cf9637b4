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
_ENDS_OF_LEFT_ON = frozenset("krmt)ogahv.")


def _by_last_word() -> dict[str, list[tuple[int, Term]]]:
    found: dict[str, list[tuple[int, Term]]] = {}
    for rank, (size, words) in enumerate(clean.prepare_default_terms()):
        if size:
            found.setdefault(words[-1], []).append((rank, (size, words)))
    return found


# cleanco tries each of its legal forms on each name, 170 to 240 us. One whose last word is not in the name can't match, so those are
# left out, and the result stays cleanco's own (`custom_basename`).
_TERMS = _by_last_word()


def _without_legal_form(name: str) -> str:
    short = _without_tail(name)
    plain = short.casefold() if short.isascii() else clean.normalized(short)
    parts, plain_parts = short.split(), plain.split()
    if not plain_parts or clean.strip_punct(plain_parts[-1]) not in _TERMS:
        return _without_tail(" ".join(parts))  # no legal form ends as the name does: nothing could be taken away
    bare_parts = [clean.strip_punct(word) for word in plain_parts]
    found = [one for word in set(bare_parts) if word in _TERMS for one in _TERMS[word]]
    for _, (size, words) in sorted(found):
        if bare_parts[-size:] == words:
            del bare_parts[-size:]
            del parts[-size:]
    return _without_tail(" ".join(parts))


def _without_tail(name: str) -> str:
    return name if name[-1:].isalnum() or name[-1:] in (".", "_") else str(clean.strip_tail(name))


@lru_cache(maxsize=5_000)
def bare(name: str) -> str | None:
    """The name without legal form, in its own spelling; a name that is nothing but a legal form stays. None for an empty one."""
    tidy = " ".join(name.split()).strip(" ,;")
    if not tidy:
        return None
    if len(tidy) > 200:  # no company's name; and cleanco's time grows with it
        return tidy[:200]
    end = tidy[-5:].lower()
    if end == " gmbh":
        left = tidy[:-5].strip(" ,;")
    else:
        left = _LEFT_ON.sub("", tidy).strip(" ,;") if end[-1] in _ENDS_OF_LEFT_ON else tidy
    stripped = _without_legal_form(left or tidy).strip(" ,;-&")
    return stripped or tidy
