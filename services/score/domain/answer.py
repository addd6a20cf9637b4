"""An account of a lead as the API writes it: everything that it takes to recompute the total from the answer alone, and who did what when.

Points are numbers with two places, spans are seconds, moments RFC 3339 UTC. What it comes to is in account.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from services.score.domain import advice
from services.score.domain.account import Account, Because
from services.score.domain.folded import Part
from services.score.domain.known import Known
from services.score.domain.ruleset import EngagementRule, IdleRule, Ruleset
from shared import clock

_SECOND = 1_000_000


def answer(known: Known, ruleset: Ruleset, told: Account) -> dict[str, Any]:
    """What was known of a lead and what it comes to under a ruleset, explained."""
    folded, decided = told.folded, known.decided
    named = {id_ for part in folded.parts for id_ in part.activities} | {one.activity for one in folded.left_out}
    return {
        "lead_id": known.lead_id,
        "as_of": clock.text(known.at),
        "score": {"total": float(folded.total), "fit": float(folded.fit), "engagement": float(folded.engagement)},
        "grade": told.grade,
        "stage": told.stage,
        "previous_stage": told.previous_stage,
        "stage_since": _moment(told.stage_since),
        "episode": told.episode,
        "recycled": decided.recycled,
        "segments": list(told.segments),
        "ruleset": {
            "id": ruleset.id,
            "version": ruleset.version,
            "fingerprint": ruleset.fingerprint,
            "document": ruleset.document,
        },
        "because": [_because(one, ruleset) for one in told.because],
        "contributions": list(_contributions(told, ruleset)),
        "not_counted": list(_left_out(told, ruleset)),
        "next_change": None
        if told.turn is None
        else {
            "at": clock.text(told.turn.at),
            "total": float(told.turn.total),
            "stage": told.turn.stage,
            "grade": told.turn.grade,
            "segments": list(told.turn.segments),
        },
        "activities": {id_: _activity(told.activities[id_]) for id_ in sorted(named)},
        "signals": list(_signals(known, ruleset)),
        "absorbed": list(decided.absorbed),
    }


def _contributions(told: Account, ruleset: Ruleset) -> Iterator[dict[str, Any]]:
    """In the order in which they add up: fit, its cap or floor, each engagement rule and its cap, the group's, idle time, the total's."""
    engagement = {rule.id: rule for rule in ruleset.engagement}
    idle = {rule.id: rule for rule in ruleset.idle}
    ends = {f"override:{rule.id}": until for rule, until in told.folded.overrides}
    reasons = {f"exclude:{rule.id}": rule.reason for rule in ruleset.exclude}
    caps = {"fit": ruleset.fit_cap, "engagement": ruleset.engagement_cap, "total": ruleset.total_cap}
    floors = {"fit": ruleset.fit_floor, "engagement": ruleset.engagement_floor, "total": ruleset.total_floor}
    for part in told.folded.parts:
        entry: dict[str, Any] = {
            "rule": part.rule,
            "version": ruleset.version,
            "group": part.group,
            "points": float(part.points),
        }
        entry |= _given(by=part.by, reason=reasons.get(part.rule), until=_moment(ends.get(part.rule)))
        if part.base is not None:
            entry["base"] = float(part.base)
            if part.points != part.base:
                entry["decay"] = float(part.points - part.base)
        if part.activities:
            entry |= _counted(part, engagement[part.rule], told)
        if part.group == "idle" and told.folded.active_at is not None:
            entry |= _idle(idle[part.rule], told.folded.active_at)
        bound = engagement[part.bounds_rule].cap if part.bounds_rule else None
        if part.bounds_group:
            bound = (caps if part.points < 0 else floors)[part.bounds_group]
        if bound is not None:
            entry |= _given(bound=bound / 100, bounds_rule=part.bounds_rule, bounds_group=part.bounds_group)
        yield entry


def _counted(part: Part, rule: EngagementRule, told: Account) -> dict[str, Any]:
    return {
        "each": rule.points / 100,
        "count": len(part.activities),
        "last_at": told.activities[part.activities[-1]]["occurred_at"],
        "activities": list(part.activities),
        **_terms(rule),
    }


def _left_out(told: Account, ruleset: Ruleset) -> Iterator[dict[str, Any]]:
    """By rule and why: the activities that fell under it and give nothing."""
    rules = {rule.id: rule for rule in ruleset.engagement}
    found: dict[tuple[str, str], list[str]] = {}
    for one in told.folded.left_out:
        found.setdefault((one.rule, one.why), []).append(one.activity)
    for (name, why), ids in found.items():
        resets = [rule.id for rule in ruleset.engagement if rule.reset] if why == "reset" else None
        yield {
            **_given(rule=name, reset_by=resets, least=ruleset.min_human if why == "min_human" else None),
            "why": why,
            "count": len(ids),
            "last_at": max(told.activities[id_]["occurred_at"] for id_ in ids),
            "activities": ids,
            **(_terms(rules[name]) if name else {}),
        }


def _signals(known: Known, ruleset: Ruleset) -> Iterator[dict[str, Any]]:
    """What the signals said that the ruleset's conditions saw: of each name that one asks for the one that counted, unless it was stale."""
    asked = advice.named(ruleset)
    for one in sorted(advice.latest(known.advice), key=lambda one: one.name):
        if one.name in asked and known.at < one.expires_at:
            moments = {"at": clock.text(one.at), "expires_at": clock.text(one.expires_at)}
            yield {"name": one.name, "value": one.value, **moments}


def _terms(rule: EngagementRule) -> dict[str, Any]:
    """What a rule says of how much counts, and how long."""
    found: dict[str, Any] = {}
    if rule.decay is not None:
        found[f"{rule.decay.kind}_seconds"] = rule.decay.span / _SECOND
    if rule.limit is not None:
        limit = rule.limit
        spacing = limit.spacing / _SECOND if limit.spacing else None
        found["limit"] = {
            "count": limit.count,
            **_given(per=limit.period, per_seconds=spacing, by=".".join(limit.by)),
        }
    if rule.at_least is not None:
        found["at_least"] = {"count": rule.at_least.count, "within_seconds": rule.at_least.within / _SECOND}
    return found


def _idle(rule: IdleRule, active_at: datetime) -> dict[str, Any]:
    return {
        "each": rule.points / 100,
        "idle_since": clock.text(active_at),
        "after_seconds": rule.after / _SECOND,
        **_given(
            every_seconds=rule.every / _SECOND if rule.every is not None else None,
            bound=rule.cap / 100 if rule.cap is not None else None,
        ),
    }


def _because(one: Because, ruleset: Ruleset) -> dict[str, Any]:
    reasons = {rule.id: rule.reason for rule in ruleset.exclude}
    return _given(
        kind=one.kind,
        stage=one.stage,
        rule=one.rule,
        reason=reasons.get(one.rule) if one.kind == "excluded" else None,
        needs=float(one.needs) if one.needs is not None else None,
        has=float(one.has) if one.has is not None else None,
        until=_moment(one.until),
    )


def _activity(one: Mapping[str, Any]) -> dict[str, Any]:
    page = one.get("page")
    return _given(
        kind=one["kind"],
        name=one["name"],
        occurred_at=one["occurred_at"],
        property=one.get("property"),
        human=one.get("human"),
        page=page.get("path") or page.get("url") if isinstance(page, Mapping) else None,
        asset=one.get("asset"),
    )


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that there are."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _moment(at: datetime | None) -> str | None:
    return clock.text(at) if at is not None else None
