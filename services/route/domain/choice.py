"""Choosing the owner of a handover: the sticky ones, then the rules in order, then the fallback. Every step is told in `path`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from services.route.domain import capacity, events, pools
from services.route.domain.capacity import NO_LOAD, Busy
from services.route.domain.pools import Counter, Counters
from services.route.domain.routing import Member, Owner, Routing, Target
from services.route.domain.state import Account, Key, Lead, Scene
from shared import contracts
from shared.contracts import RouteStep

NOBODY: Mapping[str, str] = {}
NOBODY_IS_FREE, NOBODY_IS_LEFT, NO_RULE = "nobody is free", "nobody is left", "no routing rule matches"
REASONS = (NOBODY_IS_FREE, NOBODY_IS_LEFT, NO_RULE)  # why a lead waits
EVER = datetime(1, 1, 1, tzinfo=UTC)
LOOK_AGAIN = timedelta(
    minutes=5
)  # where nothing tells when somebody will be free: an open handover may end at any time


class Choice(Struct, frozen=True, gc=False):
    """Who gets the lead and how that came about. Without an owner nobody does yet: `reason` says why, and `again_at` when to look again,
    where time may change it."""

    path: list[RouteStep]
    owner: Owner | None = None
    pool: str | None = None
    counters: dict[str, Counter] = {}
    reason: str = ""
    again_at: datetime | None = None


def choose(
    routing: Routing,
    world: Scene,
    *,
    lead: Lead,
    account: str | None,
    scored: contracts.Scored,
    raw: events.PassedOn,
    now: datetime,
    since: datetime | None = None,
    but: Mapping[str, str] = NOBODY,
) -> Choice:
    """The owner that `routing` gives `lead` to at `now`. `world` has the account's owner, every pool's counters and every owner's load.
    `since` is when it began to wait, if it waits. `but` are owners who can't have it, and why."""
    search = Search(routing, world, now, but)
    path = search.path
    for sticky in routing.sticky:
        if sticky == "owner":
            found = _sticky(search, "sticky:owner", lead.owner, "owner of an earlier episode", "no earlier owner")
        else:
            known: Account | None = world.get(Key("account", account)) if account else None
            found = _sticky(
                search,
                "sticky:account",
                known.owner if known else None,
                f"owner of the account {account}",
                f"nobody owns the account {account} yet" if account else "no business e-mail, so no account",
            )
        if found is not None:
            return found
    about = facts(routing, scored, raw)
    for rule in routing.rules:
        holds, why = rule.when.holds(about)
        if not holds:
            path.append(RouteStep(rule=rule.id, matched=False, because=why))
            continue
        for target in (rule.to, rule.otherwise):
            if target is not None:
                path.append(RouteStep(rule=rule.id, matched=True, to=str(target)))
                found = search.free_at(target)
                if found is not None:
                    return found
        return _otherwise(search, since)
    if routing.fallback is None:
        return Choice(path, reason=NO_RULE)
    return _otherwise(search, EVER)  # to wait would not help


def _otherwise(search: Search, since: datetime | None) -> Choice:
    """The fallback takes it, free or not, once it has waited long enough; without one it waits until somebody is free."""
    fallback, now = search.routing.fallback, search.now
    ends = (since or now) + fallback.wait if fallback is not None else None
    if fallback is not None and ends is not None and ends <= now:
        search.path.append(RouteStep(rule="when_nobody_is_free", matched=True, to=str(fallback.to)))
        found = search.free_at(fallback.to) or search.anybody(fallback.to)
        if found is not None:
            return found
        return Choice(search.path, reason=NOBODY_IS_LEFT)
    again_at = min(one for one in (search.until or now + LOOK_AGAIN, ends) if one is not None)
    return Choice(search.path, reason=NOBODY_IS_FREE, again_at=again_at)


@dataclass(slots=True)
class Search:
    """Looking for an owner at one moment: what was tried so far, and until when those who were passed over are busy."""

    routing: Routing
    world: Scene
    now: datetime
    but: Mapping[str, str] = field(default_factory=dict)
    path: list[RouteStep] = field(default_factory=list)
    until: datetime | None = None

    def busy(self, owner: str) -> str | None:
        """Why this owner can't have it; None where they can."""
        if owner in self.but:
            return self.but[owner]
        busy = self._busy(owner)
        return busy.why if busy is not None else None

    def _busy(self, owner: str) -> Busy | None:
        busy = capacity.busy(self.routing.owners[owner], self.world.get(Key("load", owner), NO_LOAD), self.now)
        if busy is not None:
            until = busy.until or self.now + LOOK_AGAIN
            self.until = until if self.until is None else min(self.until, until)
        return busy

    def free_at(self, target: Target) -> Choice | None:
        """The owner at `target` who is free and whose turn it is; None where nobody there is. Both are told in the path."""
        if target.kind == "owner":
            why = self.busy(target.id)
            if why is not None:
                self.path.append(RouteStep(rule=str(target), matched=False, because=why))
                return None
            return Choice(self.path, self.routing.owners[target.id])
        free: list[Member] = []
        for member in self.routing.pools[target.id].members:
            busy = self._busy(member.owner)
            if busy is None:
                free.append(member)
            if busy is not None or member.owner in self.but:
                why = self.but.get(member.owner) or (busy.why if busy is not None else "")
                self.path.append(RouteStep(rule=f"{target}/{member.owner}", matched=False, because=why))
        return self._turn(target, free)

    def anybody(self, target: Target) -> Choice | None:
        """The owner at `target` whose turn it is, free or not; None where all are among `but`."""
        if target.kind == "owner":
            return None if target.id in self.but else Choice(self.path, self.routing.owners[target.id])
        return self._turn(target, self.routing.pools[target.id].members)

    def _turn(self, target: Target, free: Sequence[Member]) -> Choice | None:
        if all(member.owner in self.but for member in free):
            return None
        counters: Counters = self.world.get(Key("pool", target.id), {})
        owner, after, because = pools.turn(free, counters, but=self.but)
        self.path.append(RouteStep(rule=str(target), matched=True, to=owner, because=because))
        return Choice(self.path, self.routing.owners[owner], target.id, after)


def _sticky(search: Search, rule: str, owner: str | None, because: str, nobody: str) -> Choice | None:
    """The owner of before, if there is one who is free."""
    if owner is None or owner not in search.routing.owners:
        gone = f"{owner} is no longer in the routing document" if owner is not None else nobody
        search.path.append(RouteStep(rule=rule, matched=False, because=gone))
        return None
    busy = search.busy(owner)
    if busy is not None:
        search.path.append(RouteStep(rule=rule, matched=False, because=f"{because}: {busy}"))
        return None
    search.path.append(RouteStep(rule=rule, matched=True, to=owner, because=because))
    return Choice(search.path, search.routing.owners[owner])


def pool_in(path: Sequence[RouteStep]) -> str | None:
    """The pool that gave a handover, read from its path."""
    for step in path:
        if step.matched and step.to and step.rule.startswith("pool:"):
            return step.rule.removeprefix("pool:")
    return None


def account_of(profile: contracts.Profile | events.Addressed) -> str | None:
    """The company that a lead belongs to: the domain of a business e-mail, as the company's own domain where it is part of that.

    None for free, disposable, role and relay addresses, and where nobody knows the kind.
    """
    email = profile.email
    if email is None or email.kind != "business" or not email.domain:
        return None
    domain = email.domain.lower()
    company = profile.company.domain.lower() if profile.company is not None and profile.company.domain else ""
    return company if company and domain.endswith("." + company) else domain


def facts(routing: Routing, scored: contracts.Scored, raw: events.PassedOn) -> dict[str, Any]:
    """What conditions see of a lead, as far as one looks at it. `raw` is of the record itself, so that fields of later versions are seen too."""
    mentions = routing.mentions
    found: dict[str, dict[str, Any]] = {}
    if "profile" in mentions:
        found["profile"] = events.fields(raw.profile)
    if "score" in mentions:
        found["score"] = {**msgspec.structs.asdict(scored.score), "grade": scored.grade}
        if scored.probability is not None:
            found["score"]["probability"] = scored.probability
    if "lead" in mentions:
        found["lead"] = {
            "id": scored.lead_id,
            "stage": scored.stage,
            "previous_stage": scored.previous_stage,
            "stage_since": scored.stage_since,
            "segments": scored.segments,
        }
        if scored.episode is not None:
            found["lead"]["episodes"] = scored.episode
    if "first_touch" in mentions:
        found["first_touch"] = events.fields(raw.first_touch)
    if "last_touch" in mentions:
        found["last_touch"] = events.fields(raw.last_touch)
    return found
