"""A company's name without its legal form, the registered domain that is the key of its account, and its size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from cleanco import clean

from services.enrich.domain import domains, email
from services.enrich.domain.tables import DATA, rows, words

Term = tuple[int, list[str]]

KINDS = ("end", "start", "stuck")  # of lines in legal_forms.tsv
_IN_BRACKETS = re.compile(r"\s*[(\[（【][^()\[\]（）【】]*[)\]）】]")
_ROUND = " ,;-&"  # what is left around a name
_ARTICLES = frozenset(("the", "die", "der", "das", "le", "la", "les", "el", "il"))
_LONGEST = 200  # characters: longer is no company's name, and cleanco's time grows with it


def _by_last_word() -> dict[str, list[tuple[int, Term]]]:
    found: dict[str, list[tuple[int, Term]]] = {}
    for rank, (size, terms) in enumerate(clean.prepare_default_terms()):
        if size:
            found.setdefault(terms[-1], []).append((rank, (size, terms)))
    return found


# cleanco tries each of its legal forms on each name, 170 to 240 us. One whose last word is not in the name can't match, so those are
# left out, and the result stays cleanco's own (`custom_basename`).
_TERMS = _by_last_word()
# What cleanco misses: forms by their last word, words in front, and what stands without a blank.
_ends: dict[str, set[tuple[str, ...]]] = {}
_starts: set[str] = set()
_stuck: tuple[str, ...] = ()
# Words that are a legal form by themselves, with the words that make a longer one of them (GmbH: gemeinnützige).
_alone: dict[str, set[str]] = {}


def add(lines: Iterable[Sequence[str]]) -> None:
    """Takes in lines of legal_forms.tsv, an operator's beside ours. For the wiring, before the first name is read."""
    global _stuck
    for place, _, spellings, *_ in lines:
        for spelling in words(spellings):
            form = tuple(map(_plain, spelling.split()))
            if place == "stuck":
                _stuck += (spelling,)
            elif place == "end":
                _ends.setdefault(form[-1], set()).add(form)
            else:
                _starts.add(spelling.casefold())
    forms = [form for known in _ends.values() for form in known]
    forms += [tuple(terms) for known in _TERMS.values() for _, (_, terms) in known]
    _alone.update({form[0]: set() for form in forms if len(form) == 1})
    for form in forms:
        if len(form) > 1 and form[-1] in _alone:
            _alone[form[-1]].add(form[-2])
    bare.cache_clear()


@lru_cache(maxsize=5_000)
def bare(name: str) -> str | None:
    """The name without legal form, in its own spelling: first what stands in brackets goes, then legal forms as long as there are any;
    nothing of which fewer than two letters or an article would be left. None for an empty name."""
    tidy = " ".join(name.split()).strip(" ,;")[:_LONGEST].rstrip(" ,;")
    if not tidy:
        return None
    name = _without(tidy, _without_brackets) if tidy[-1:] in ")]）】" or "(" in tidy or "（" in tidy else tidy
    while True:
        shorter = _without_last_word(name)
        if shorter is None:
            if not _may_be_shorter(name):
                return name
            shorter = _without(_without(name, _without_ours), _without_legal_form)
            if shorter == name:
                return name
        name = shorter


def _without_last_word(name: str) -> str | None:
    """What is left of a name whose last word is a legal form by itself (GmbH, Ltd), or None; the short way for most names."""
    before, _, last = name.rpartition(" ")
    longer = _alone.get(_plain(last))
    if not before or longer is None or _plain(before.rpartition(" ")[2]) in longer:
        return None
    left = before.strip(_ROUND)
    return left if _is_enough(left) else None


def _may_be_shorter(name: str) -> bool:
    """Whether any legal form begins or ends as the name does."""
    if not name.isascii() and (name.startswith(_stuck) or name.endswith(_stuck)):
        return True
    last = name.rpartition(" ")[2]
    if not last.isascii() or not last[-1].isalnum():
        return True
    plain = _plain(last)
    return plain in _ends or clean.strip_punct(plain) in _TERMS or name.partition(" ")[0].casefold() in _starts


def _without(name: str, take_off: Callable[[str], str]) -> str:
    """What is left of a name, where that is still one."""
    left = take_off(name).strip(_ROUND)
    return left if _is_enough(left) else name


def _is_enough(name: str) -> bool:
    return len(name) > 3 or (sum(map(str.isalnum, name)) > 1 and name.lower() not in _ARTICLES)


def _without_brackets(name: str) -> str:
    left = _IN_BRACKETS.sub("", name)
    return left if left == name else _without_brackets(left)


def _without_ours(name: str) -> str:
    for form in _stuck if not name.isascii() else ():
        if name.startswith(form) or name.endswith(form):
            return name.removeprefix(form).removesuffix(form)
    parts = name.split(" ")
    forms = _ends.get(_plain(parts[-1]))
    if forms is not None:
        plain = tuple(map(_plain, parts))
        longest = max((len(form) for form in forms if plain[-len(form) :] == form), default=0)
        if longest:
            return " ".join(parts[:-longest])
    return " ".join(parts[1:]) if parts[0].casefold() in _starts else name


def _plain(word: str) -> str:
    return word.casefold().replace(".", "").strip(",;")


def _without_legal_form(name: str) -> str:
    short = _without_tail(name)
    plain = short.casefold() if short.isascii() else clean.normalized(short)
    parts, plain_parts = short.split(), plain.split()
    if not plain_parts or clean.strip_punct(plain_parts[-1]) not in _TERMS:
        return _without_tail(" ".join(parts))  # no legal form ends as the name does: nothing could be taken away
    bare_parts = [clean.strip_punct(word) for word in plain_parts]
    found = [one for word in set(bare_parts) if word in _TERMS for one in _TERMS[word]]
    for _, (size, terms) in sorted(found):
        if bare_parts[-size:] == terms:
            del bare_parts[-size:]
            del parts[-size:]
    return _without_tail(" ".join(parts))


def _without_tail(name: str) -> str:
    return name if name[-1:].isalnum() or name[-1:] in (".", "_") else str(clean.strip_tail(name))


# Where everybody may have a page: one of these is nobody's own site.
_FOR_ALL = frozenset(
    domain
    for kind, _, hosts, *_ in rows(DATA / "sites.tsv")
    if kind in ("social", "video", "shopping")
    for domain in words(hosts)
)
_PATH = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?[^/?#]+/[^?#]", re.IGNORECASE).match


@lru_cache(maxsize=5_000)
def domain_of(website: str) -> str | None:
    """The registered domain of a company's own website, or None: a page on LinkedIn or a shop at Amazon is not theirs, and a provider
    of mailboxes is no account."""
    found = domains.of_website(website)
    if found is None or not is_own(found):
        return None
    anybodys = found in _FOR_ALL or f"{found.partition('.')[0]}.*" in _FOR_ALL
    return None if anybodys and _PATH(website.strip()) is not None else found


def is_own(domain: str) -> bool:
    """Whether a domain is of somebody's own house: no provider of mailboxes for everybody, for a day, or in between."""
    return email.kind_of(domain) == "business"


def size(text: str) -> int | None:
    """The number of employees; of a range (51-200, 1.000+) the lower end, of which one is sure."""
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 8 else None
    lower = text.replace("–", "-").split("-", 1)[0]
    digits = "".join(mark for mark in lower if mark.isdecimal())
    if lower.strip().endswith(".0"):
        digits = digits[:-1]
    return int(digits) if digits and len(digits) <= 8 else None


add(rows(DATA / "legal_forms.tsv"))
