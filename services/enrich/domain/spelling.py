"""Spellings of names made equal: what people leave out or write otherwise without meaning anything else. Pure."""

from __future__ import annotations

import re
import unicodedata

_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PLAIN = re.compile(r"[a-z0-9]+").fullmatch
_SPELLED_OUT = str.maketrans({"’": "'", "‘": "'", "&": " and ", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})  # fmt: skip


def plain(text: str) -> str:
    """Words in small letters without accents, with one blank between them and without anything else."""
    small = text.casefold()
    if _PLAIN(small):
        return small
    # What only looks different (𝐀, ①) is made plain first: it may be a capital.
    small = unicodedata.normalize("NFKC", text).casefold()
    bare = unicodedata.normalize("NFKD", small).translate(_SPELLED_OUT)
    # Only what stands above or below Latin, Greek and Cyrillic letters goes; in other scripts it is part of the letter.
    kept = "".join([mark for mark in bare if not "̀" <= mark <= "ͯ"])
    return " ".join(_WORDS.findall(unicodedata.normalize("NFC", kept)))
