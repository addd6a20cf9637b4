"""Choosing the owner of a new handover: the sticky ones, then the rules in order, then the fallback. Every step is told in `path`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cel
import msgspec
from msgspec import Struct

from services.route.domain import conditions, events, pools
from services.route.domain.pools import Counter, Counters
from services.route.domain.routing import Owner, Routing, Target
from services.route.domain.state import Account, Key, Lead, Scene
from shared import contracts
from shared.contracts import RouteStep

NOBODY: Mapping[str, str] = {}


class Choice(Struct, frozen=True):
    """Who gets the lead and how that came about. Without an owner nobody does, and `reason` says why."""

    path: list[RouteStep]
    owner: Owner | None = None
    pool: str | None = None
    counters: dict[str, Counter] = {}
    reason: str = ""


def choose(
    routing: Routing,
    world: Scene,
    *,
    lead: Lead,
    account: str | None,
    scored: contracts.Scored,
    raw: events.PassedOn,
    but: Mapping[str, str] = NOBODY,
) -> Choice:
    """The owner that `routing` gives `lead` to. `world` has the account's owner and every pool's counters. `but` are owners who can't have
    it, and why."""
    path: list[RouteStep] = []
    for sticky in routing.sticky:
        if sticky == "owner":
            step = _sticky(routing, "sticky:owner", lead.owner, "owner of an earlier episode", "no earlier owner")
        else:
            known: Account | None = world.get(Key("account", account)) if account else None
            step = _sticky(
                routing,
                "sticky:account",
                known.owner if known else None,
                f"owner of the account {account}",
                f"nobody owns the account {account} yet" if account else "no business e-mail, so no account",
            )
        path.append(step)
        if step.matched and step.to is not None:
            return Choice(path, routing.owners[step.to])
    about = facts(routing, scored, raw)
    for rule in routing.rules:
        holds, why = conditions.holds(rule.when, about)
        if not holds:
            path.append(RouteStep(rule=rule.id, matched=False, because=why))
            continue
        for target in (rule.to, rule.otherwise):
            if target is not None:
                path.append(RouteStep(rule=rule.id, matched=True, to=str(target)))
                found = given(routing, world, target=target, path=path, but=but)
                if found is not None:
                    return found
        break
    if routing.fallback is not None:
        path.append(RouteStep(rule="when_nobody_is_free", matched=True, to=str(routing.fallback)))
        found = given(routing, world, target=routing.fallback, path=path, but=but)
        if found is not None:
            return found
    return Choice(path, reason="nobody is left" if but else "no routing rule matches")


def given(
    routing: Routing, world: Scene, *, target: Target, path: list[RouteStep], but: Mapping[str, str]
) -> Choice | None:
    """The owner whose turn it is at `target`, with the step told in `path`; None where everybody there is among `but`."""
    if target.kind == "owner":
        if target.id in but:
            path.append(RouteStep(rule=str(target), matched=False, because=but[target.id]))
            return None
        return Choice(path, routing.owners[target.id])
    counters: Counters = world.get(Key("pool", target.id), {})
    members = routing.pools[target.id].members
    free = [member for member in members if member.owner not in but]
    over = "; ".join(but[member.owner] for member in members if member.owner in but)
    if not free:
        path.append(RouteStep(rule=str(target), matched=False, because=over))
        return None
    owner, after, because = pools.turn(free, counters)
    path.append(RouteStep(rule=str(target), matched=True, to=owner, because=f"{because}; {over}" if over else because))
    return Choice(path, routing.owners[owner], target.id, {**counters, **after})


def _sticky(routing: Routing, rule: str, owner: str | None, because: str, nobody: str) -> RouteStep:
    if owner is None:
        return RouteStep(rule=rule, matched=False, because=nobody)
    if owner not in routing.owners:
        return RouteStep(rule=rule, matched=False, because=f"{owner} is no longer in the routing document")
    return RouteStep(rule=rule, matched=True, to=owner, because=because)


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


def facts(routing: Routing, scored: contracts.Scored, raw: events.PassedOn) -> cel.Context:
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
    if "lists" in mentions:
        found["lists"] = {name: list(items) for name, items in routing.lists.items()}
    return conditions.facts(found, mentions)
