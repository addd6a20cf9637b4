"""The routing document as values: owners, pools, rules. Reading it from YAML is document's, using it is choice.py's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.route.domain.conditions import Condition
from services.route.domain.working import Calendar


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an owner can take: handovers a day, by a bucket that fills evenly (capacity.py), and open ones at a time."""

    per_day: int | None = None
    open: int | None = None


def always() -> Calendar:
    """The calendar of who is always there."""
    return Calendar(ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A sales person (or a desk) that handovers can be given to."""

    id: str
    name: str
    email: str
    team: str | None = None
    timezone: str | None = None
    calendar: Calendar = field(default_factory=always, compare=False)
    capacity: Capacity = Capacity()


@dataclass(frozen=True, slots=True)
class Member:
    """An owner in a pool. A member of weight 2 gets twice as many handovers as one of weight 1."""

    owner: str
    weight: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Owners who share what rules send to them. The order of the members breaks ties."""

    id: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends a lead: to one owner, or to whose turn it is in a pool."""

    kind: Literal["owner", "pool"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule. `otherwise` takes the lead when nobody of `to` can."""

    id: str
    when: Condition
    to: Target
    otherwise: Target | None = None


@dataclass(frozen=True, slots=True)
class Fallback:
    """when_nobody_is_free: who takes the lead, free or not, and how long it may wait for somebody who is."""

    to: Target
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How soon an owner must accept and contact, in their working time (None: whenever); after the last attempt somebody is told."""

    accept: timedelta | None = None
    contact: timedelta | None = None
    attempts: int = 1
    escalate_to: str | None = None


Sticky = Literal["owner", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A whole document that passed every check of document: each target, member and fallback is there."""

    id: str
    owners: Mapping[str, Owner]
    pools: Mapping[str, Pool]
    rules: tuple[Rule, ...]
    sticky: tuple[Sticky, ...] = ()
    lists: Mapping[str, tuple[str, ...]]
    reject_reasons: tuple[str, ...] = ()
    fallback: Fallback | None = None  # when_nobody_is_free
    deadlines: Deadlines = Deadlines()
    mentions: frozenset[str]  # the variables that the rules' conditions look at
