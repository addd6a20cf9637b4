"""User agents of crawlers, scanners, previews and headless browsers, out of crawler-user-agents, less what agents.tsv leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from services.enrich.domain.tables import DATA, rows
from services.enrich.generate.table import Table

# The list's tags, and what we call that; whatever else it knows is a crawler.
_KINDS = {"browser-automation": "headless", "social-preview": "preview", "scanner": "scanner"}


def crawlers() -> Table:
    """Patterns with what matches them."""
    return Table(
        "crawlers",
        "User agents that nobody sits behind: crawler, scanner, preview or headless, and a pattern (RE2, case matters).",
        f"crawler-user-agents {version('crawler-user-agents')} (Martin Monperrus and contributors)",
        "MIT",
        tuple((kind, _visible(pattern)) for kind, pattern, _ in instances()),
    )


def instances() -> Iterator[tuple[str, str, list[str]]]:
    """Kind, pattern and examples of the list's entries that agents.tsv does not leave out."""
    left = _left()
    for entry in CRAWLER_USER_AGENTS_DATA:
        tags = entry.get("tags", [])
        if entry["pattern"] not in left and left.isdisjoint(f"#{tag}" for tag in tags):
            yield _kind(tags), entry["pattern"], entry.get("instances", [])


def unknown() -> set[str]:
    """What agents.tsv leaves out and the list does not have (any more)."""
    known = {entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA}
    return _left() - known - {f"#{tag}" for entry in CRAWLER_USER_AGENTS_DATA for tag in entry.get("tags", [])}


def _left() -> set[str]:
    return {pattern for kind, pattern, _ in rows(DATA / "agents.tsv") if kind == "leave"}


def _kind(tags: list[Any]) -> str:
    return next((_KINDS[tag] for tag in tags if tag in _KINDS), "crawler")


def _visible(pattern: str) -> str:
    """The pattern with blanks at its ends and tabs spelled out, so that a line of a table can't lose them."""
    core = pattern.strip(" ")
    begin, end = pattern[: len(pattern) - len(pattern.lstrip(" "))], pattern[len(pattern.rstrip(" ")) :]
    return (begin.replace(" ", r"\x20") + core + end.replace(" ", r"\x20")).replace("\t", r"\t")
