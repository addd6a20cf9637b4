"""The path of a lead through a routing document, a sentence for each rule that was tried. Knows no service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_STICKY = {"sticky:owner": "its earlier owner", "sticky:account": "the owner of its company"}


def told(path: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each step in order: the rule, and what it said in words."""
    return [(str(step["rule"]), _step(step)) for step in path]


def _step(step: Mapping[str, Any]) -> str:
    rule, because, to = str(step["rule"]), step.get("because"), step.get("to")
    why = f": {because}" if because else ""
    if rule in _STICKY:
        return f"{_STICKY[rule]} gets it, {to}{why}." if step["matched"] else f"Not to {_STICKY[rule]}{why}."
    if rule.startswith("attempt:"):
        return f"Attempt {rule.removeprefix('attempt:')}{f', to {to}' if to else ''}{why}."
    if rule == "when_nobody_is_free":
        return f"Nobody else is free or meant, so it goes to {_target(str(to))}."
    if rule == "queue":
        return f"It was taken from the queue for {to}{why}."
    kind, _, name = rule.partition(":")
    if kind == "pool" and "/" in name:
        pool, _, owner = name.partition("/")
        return f"Pool {pool} passes over {owner}{why}."
    if kind == "pool":
        return f"Pool {name} gives it to {to}{why}." if step["matched"] else f"Pool {name} gives it to nobody{why}."
    if kind == "owner":
        return f"{name} does not get it{why}."
    return f"Rule {rule} matches, to {_target(str(to))}." if step["matched"] else f"Rule {rule} does not match{why}."


def _target(to: str) -> str:
    kind, _, name = to.partition(":")
    return f"pool {name}" if kind == "pool" else name or kind
