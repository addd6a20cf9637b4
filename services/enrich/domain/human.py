"""How likely a human did what an event tells, by the event alone: its user agent, and what capture noticed. Pure; what only many
events together tell is verdict.py's.

User agents are judged by one RE2 set of all patterns (data/crawlers.tsv, data/agents.tsv), 2 us where Python's `re` takes 600.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import re2

from services.enrich.domain.tables import DATA, rows

# The least that a sign leaves; score leaves out what is under its rulesets' min_human (0.5 in ours).
SIGNS = {
    "honeypot": 0.0,  # a field was filled in that no human sees
    # Nobody sits there. A headless browser is none the better for being one of the usual browsers: who lets one act for them sends what
    # they did by a server's key, which says nothing about browsers.
    "bot": 0.1, "crawler": 0.1, "headless": 0.1, "preview": 0.1, "scanner": 0.1,
    "burst": 0.2,  # more in one second than hands can do
    "too-fast": 0.3,  # a form that came back sooner than it can be read; a browser that fills in forms may do so
    "proxy": 0.5,  # a mail's images were fetched for its reader, perhaps before it was read
    "disposable": 0.7,  # somebody who does not want to be written to, yet somebody
}  # fmt: skip
LIKELY = 0.5  # from here on it may have brought a person: a touch counts
_LONGEST = 1_024  # characters of a user agent that are read
_MEMORY = 16 << 20  # bytes that the automaton may grow to; when it is full it begins anew


def human(*, marks: Iterable[str] | None, user_agent: str | None) -> float:
    """0 to 1. No user agent says nothing, and neither does a mark that nobody has told us about."""
    likely = _by_agent(user_agent[:_LONGEST]) if user_agent else 1.0
    for mark in marks or ():
        likely = min(likely, SIGNS.get(mark, 1.0))
    return likely


def sign(user_agent: str) -> str | None:
    """What a user agent says of itself: crawler, headless, preview, scanner, proxy, or nothing of the kind."""
    found: list[int] = _agents.Match(user_agent[:_LONGEST])
    if not found:
        return None
    first = min((_kinds[place] for place in found), key=_ORDER.index)
    return first if first != _SERVER else None


@lru_cache(maxsize=5_000)
def _by_agent(user_agent: str) -> float:
    found = sign(user_agent)
    return SIGNS[found] if found is not None else 1.0


_SERVER = "server"
# Of several the first counts: crawlers are called so by words that others use too.
_ORDER = ("headless", "scanner", "preview", _SERVER, "crawler", "proxy")


def _set() -> tuple[re2.Set, list[str]]:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    patterns = re2.Set.SearchSet(options)
    kinds = []
    for name in ("crawlers.tsv", "agents.tsv"):
        for kind, pattern, *_ in rows(DATA / name):
            if kind != "leave":
                patterns.Add(pattern)
                kinds.append(kind)
    patterns.Compile()
    return patterns, kinds


_agents, _kinds = _set()
