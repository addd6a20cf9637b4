"""Trying a routing document on what came in before: who would have got what. Nothing of it happens; decisions that do are opening.py's.

Each lead is looked at as it was when it was handed over, or came into the queue, in the order of time. Pools begin level, owners with
nothing to do, companies and leads without an owner: all that the document would have made of them is followed from there.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from services.route.domain import capacity, choice, events, passing
from services.route.domain.capacity import NO_LOAD
from services.route.domain.choice import Choice
from services.route.domain.routing import Routing
from services.route.domain.state import Account, Key, Scene, nobody
from shared import contracts
from shared.contracts import RouteStep

LONGEST = timedelta(days=60)  # who waits longer is said to wait


class Case(Struct, frozen=True):
    """A lead that was handed over or waits. `value` is its first handover, or the lead.scored that it waits with."""

    lead_id: str
    episode: int
    at: datetime
    value: bytes
    handover_id: str | None = None
    owner: str | None = None  # who got it; None: it waits


class Given(Struct, frozen=True):
    """What became of a lead, and what would have. Without `would` it would still wait, for `reason`; `waited_seconds` is how long first."""

    lead_id: str
    episode: int
    at: datetime
    handover_id: str | None
    was: str | None
    would: str | None
    waited_seconds: float
    reason: str
    path: list[RouteStep]


def simulate(routing: Routing, cases: Sequence[Case]) -> list[Given]:
    """What `routing` would have made of these, in the order of their times."""
    scene = Scene({})
    found: dict[int, Given] = {}
    waiting = [(case.at, number) for number, case in enumerate(cases)]
    heapq.heapify(waiting)
    while waiting:
        at, number = heapq.heappop(waiting)
        case = cases[number]
        chosen = _chosen(routing, scene, case, at)
        if chosen.owner is None and chosen.again_at is not None and chosen.again_at - case.at <= LONGEST:
            heapq.heappush(waiting, (chosen.again_at, number))
        found[number] = Given(
            case.lead_id,
            case.episode,
            case.at,
            case.handover_id,
            case.owner,
            chosen.owner.id if chosen.owner is not None else None,
            (at - case.at).total_seconds(),
            chosen.reason,
            chosen.path,
        )
    order = sorted(range(len(cases)), key=lambda number: (cases[number].at, number))
    return [found[number] for number in order]


def _chosen(routing: Routing, scene: Scene, case: Case, at: datetime) -> Choice:
    scored = events.whole_scored(case.value) if case.handover_id is None else passing.as_scored(case.value)
    lead = scene.get(case.lead_id) or nobody(case.lead_id, 0)
    account = choice.account_of(scored.profile)
    chosen = choice.choose(
        routing,
        scene,
        lead=lead,
        account=account,
        scored=scored,
        raw=events.passed_on(case.value),
        now=at,
        since=case.at,
    )
    if chosen.owner is not None:
        _take(scene, chosen, case, account, scored, at)
    return chosen


def _take(
    scene: Scene, chosen: Choice, case: Case, account: str | None, scored: contracts.Scored, at: datetime
) -> None:
    """What giving it changes for those that come after."""
    assert chosen.owner is not None
    owner = chosen.owner
    if chosen.pool is not None:
        scene[Key("pool", chosen.pool)] = chosen.counters
    key = Key("load", owner.id)
    load = capacity.taken(owner, scene.get(key, NO_LOAD), at)
    scene[key] = replace(load, open=load.open + 1)
    scene[case.lead_id] = replace(nobody(case.lead_id, 0), owner=owner.id, stage=scored.stage)
    if account is not None and scene.get(Key("account", account)) is None:
        scene[Key("account", account)] = Account(owner.id, case.lead_id, at)
