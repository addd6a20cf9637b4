"""Signals as inputs of a lead: which one counts at a moment. They advise: a ruleset that names none never sees one.

A signal counts from its moment until it is stale, and of several with one name the latest. What its worker writes in windows.py is not
trusted: whatever cannot be is a dead letter (decode.py), so that a lie is at most a number under a name that a ruleset asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from services.score.domain.condition import Condition
from services.score.domain.ruleset import Ruleset
from services.score.domain.windows import SIGNALS


class Advice(Struct, frozen=True, array_like=True, gc=False):
    """A signal that was taken: what it says, from when to when, since when it is known, and in which life of its lead."""

    name: str
    value: float
    at: datetime
    expires_at: datetime
    known_at: datetime
    life: int


def fresh(advice: Iterable[Advice], now: datetime) -> dict[str, float]:
    """What the signals that are known say at a moment, by name; those that are stale say nothing.

    One that is known counts though the moment is a little before its own: records of two topics do not come in order of time, and
    nobody shall leave SQL and enter it again because of milliseconds.
    """
    return {one.name: one.value for one in latest(advice) if now < one.expires_at}


def latest(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """The one of each name that counts, if it is not stale."""
    found: dict[str, Advice] = {}
    for one in advice:
        if is_newer(one, found.get(one.name)):
            found[one.name] = one
    return tuple(found.values())


def is_newer(one: Advice, before: Advice | None) -> bool:
    """Whether a signal takes another one's place, whichever came first."""
    return before is None or (one.at, one.value) > (before.at, before.value)


def changes(advice: Iterable[Advice]) -> Iterator[datetime]:
    """The moments at which what signals say changes by the clock."""
    for one in advice:
        yield one.expires_at


def named(ruleset: Ruleset) -> frozenset[str]:
    """The signals that a ruleset's conditions ask for."""
    found: set[str] = set()
    for condition in _conditions(ruleset):
        for path in (named.path for named in condition.names if named.path[0] == "signal"):
            found |= {path[1]} if len(path) > 1 else SIGNALS.keys()
    return frozenset(found)


def _conditions(ruleset: Ruleset) -> Iterator[Condition]:
    for rules in (ruleset.fit, ruleset.exclude, ruleset.segments):
        yield from (rule.when for rule in rules)
    for stage in ruleset.stages:
        yield from stage.any


Fresh = Mapping[str, float]
