"""What may identify somebody, and what only looks like it: placeholders that broken pages send in place of an id (data/illegal_ids.tsv), and
what can be seen to be none (empty, zeros, masks, templates that were not filled in)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from services.enrich.domain.tables import DATA, rows, words

KINDS = ("illegal", "legal")
_placeholders: set[str] = set()  # in small letters
_NOTHING = re.compile(r"[0\W_]*").fullmatch  # empty, all zeros with or without dashes, nothing but punctuation
_ONE_MARK = re.compile(r"([0-9a-f])(?:\1|-)*", re.IGNORECASE).fullmatch  # ffffffff-ffff-...: a mask, not an id
_TEMPLATE = re.compile(r"\{\{.*\}\}|\$\{.*\}|<%.*%>|%%.*%%|<[A-Za-z_ ]+>|\[[A-Za-z_ ]+\]|__[A-Z_]+__").fullmatch
_LONGEST = 256


def add(lines: Iterable[Sequence[str]]) -> None:
    """Takes in a table: illegal or legal, and ids; what was said last of an id counts."""
    for kind, ids, *_ in lines:
        for one in words(ids):
            (_placeholders.add if kind == "illegal" else _placeholders.discard)(one.lower())
    legal.cache_clear()


@lru_cache(maxsize=5_000)
def legal(raw: str) -> str | None:
    """The id in `raw`, or None when it can't tell one person from another."""
    text = raw.strip()
    if not text or len(text) > _LONGEST or not text.isprintable() or text.lower() in _placeholders:
        return None
    if _NOTHING(text) or _TEMPLATE(text) or (len(text) > 3 and _ONE_MARK(text)):
        return None
    return text


add(rows(DATA / "illegal_ids.tsv"))
