"""A lead's points, grade, stage and segments at a moment, and the lead.scored that says so. What led to it is in decide.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from services.score.domain import history as histories
from services.score.domain.advice import changes, fresh
from services.score.domain.history import History
from services.score.domain.inforce import InForce
from services.score.domain.lead import Lead, State, Told, since
from services.score.domain.review import Standing, next_change, not_before
from services.score.domain.ruleset import QUALIFIED, SQL, microseconds
from services.score.domain.score import Score, overrides, score
from services.score.domain.stage import RANKS, stage_of
from services.score.domain.tally import Tally, is_enough
from shared import ids
from shared.contracts import Points, RulesetRef
from shared.outcome import Outgoing
from shared.topology import SCORED

CLOCK, RULESET, SIGNAL = "clock", "ruleset", "signal"
_MICROSECOND = timedelta(microseconds=1)


class Tallied(NamedTuple):
    """What a lead's activities come to, their history where it was read, and the fit rules that hold where they were asked."""

    tally: Tally
    past: History | None
    fit: tuple[int, ...] | None

    def at(self, in_force: InForce, now: datetime) -> Tally:
        """A tally that tells what the activities are worth at `now`. Raises LookupError where that needs a history that was not loaded."""
        if is_enough(self.tally, in_force.ruleset, now):
            return self.tally
        if self.past is None:
            raise LookupError("what a lead's activities are worth now needs all of them, and they were not loaded")
        return histories.tally(self.past, in_force.ruleset, now=now)


def wants_history(state: State, in_force: InForce, now: datetime) -> bool:
    """Whether all activities of a lead have to be loaded for what happens to it at `now`, whatever that is: they are counted by another
    ruleset, or their tally does not tell what they are worth now, or were when the clock should have been looked at."""
    ruleset = in_force.ruleset
    if state.fingerprint != ruleset.fingerprint:
        return bool(state.fingerprint)
    if not is_enough(state.tally, ruleset, now):
        return True
    due = state.review_at
    return due is not None and due <= now and not is_enough(state.tally, ruleset, due)


class Scored(Struct, kw_only=True, omit_defaults=True, gc=False):
    """contracts.Scored, with enrich's data as the bytes it came in."""

    event_id: str
    lead_id: str
    score_version: int
    score: Points
    grade: str
    stage: str
    previous_stage: str
    stage_since: datetime | None
    ruleset: RulesetRef
    cause: str
    contributions: Raw
    profile: Raw
    segments: tuple[str, ...]
    episode: int
    activity: Raw | None = None
    first_touch: Raw | None = None
    last_touch: Raw | None = None
    absorbed: tuple[str, ...] | None = None
    restored: tuple[str, ...] | None = None


def rescored(
    before: State,
    in_force: InForce,
    counted: Tallied,
    *,
    profile: bytes,
    absorbed: tuple[str, ...],
    now: datetime,
    now_in: str,
    may_enter_sql: bool,
    enters_at: datetime | None = None,
    by_clock: bool = False,
    looks_until: datetime | None = None,
    profile_known_at: datetime | None = None,
) -> tuple[State, Score]:
    """The state with points, grade, stage and segments as they are at `now`, one score version further, and the points explained.

    `now_in` is the stage that the lead is taken to be in: `before`'s, or a lower one that sales sent it back to. `profile_known_at` is
    given where the profile, or a touch, is another one than before. `enters_at`: from then on the clock may bring it into SQL.
    `looks_until`: up to then its next review is found exactly, which takes long; else cheaply, and may be early.
    """
    ruleset = in_force.ruleset
    tally = counted.at(in_force, now)
    fit, excluded = counted.fit, before.excluded
    signals = fresh(before.advice, now) if in_force.signals else {}
    if fit is None or in_force.looks_at_lead:
        fit, excluded = in_force.on_profile(profile, about(before, tally), signals)
    points = score(in_force, fit=fit, excluded=excluded, tally=tally, now=now, sent_back_at=before.sent_back_at)

    def roots() -> dict[str, Any]:
        found: dict[str, Any] = {
            "lead": about(before, tally),
            "signal": signals,
            "total": points.total / 100,
            "fit": points.fit / 100,
            "engagement": points.engagement / 100,
        }
        return found

    def with_profile() -> dict[str, Any]:
        return {**roots(), "profile": msgspec.json.decode(profile)}

    held, ends = held_up(in_force, tally, before.sent_back_at, now) if tally.overrides else (0, [])
    stage = stage_of(
        in_force,
        now_in,
        points,
        roots=with_profile if in_force.stages_look_at_profile else roots,
        excluded=bool(excluded) or before.barred,
        won=before.won,
        may_enter_sql=may_enter_sql,
        raised_to=held,
    )
    if by_clock and RANKS[stage] < RANKS[now_in] and now_in in QUALIFIED and before.stage_since is not None:
        # The clock alone takes nobody out of a stage before the dwell is over.
        dwelt_at = before.stage_since + in_force.dwell.get(now_in, 0) * _MICROSECOND
        if now < dwelt_at:
            stage = now_in
    is_change = stage != before.stage
    stage_since = now if is_change or before.stage_since is None else before.stage_since
    if dwell := in_force.dwell.get(stage, 0):
        ends.append(microseconds(stage_since) + dwell)
    if enters_at is not None:
        ends.append(microseconds(enters_at))
    if in_force.signals:
        ends += map(microseconds, changes(before.advice))
    episode = before.episode + 1 if is_change and stage == SQL else before.episode
    segments: tuple[str, ...] = ()
    if ruleset.segments:
        seen = roots()
        seen["lead"] |= {"stage": stage, "episodes": episode}
        segments = tuple(ruleset.segments[index].id for index in in_force.segments.hold_in(profile, seen))
    review_at = None
    if in_force.has_clock or enters_at is not None:
        standing = Standing(counted.tally, points.fit, points.engagement, points.total, ends)
        if looks_until is None:
            review_at = not_before(in_force, standing, now)
        else:
            review_at = next_change(in_force, standing, now, until=looks_until)
    known_at = before.known_at
    if (
        known_at is None
        or is_change
        or before.stage_since is None
        or (may_enter_sql, enters_at, absorbed) != (before.may_enter_sql, before.enters_at, before.absorbed)
    ):
        known_at = since(now, known_at)
    after = State(
        ruleset.fingerprint,
        None,
        fit,
        excluded,
        points.total,
        points.fit,
        points.engagement,
        ruleset.grades.of(points.fit, points.engagement),
        stage,
        before.stage if is_change else before.previous_stage,
        stage_since,
        before.score_version + 1,
        episode,
        before.recycled,
        before.sent_back_at,
        before.judged_at,
        before.won,
        before.customer_since,
        absorbed,
        before.absorbed_into,
        before.closed,
        counted.tally,
        segments,
        may_enter_sql,
        review_at,
        before.life,
        known_at,
        profile_known_at or before.profile_known_at,
        before.ruled,
        enters_at,
        before.turned,
        before.barred,
        before.advice,
    )
    return after, points


def scored(
    lead: Lead,
    before: State,
    points: Score,
    in_force: InForce,
    *,
    input_id: str,
    cause: str,
    activity: Told | None = None,
) -> Outgoing:
    """The lead.scored of a lead that was rescored; `before` is its state then."""
    lead_id, state = lead.lead_id, lead.state
    # The id tells the cause and not the score's version: a replay that meets outcomes earlier or later names it the same.
    revision = activity.fact.revision if activity is not None else 0
    event_id = ids.event_id("score", input_id, lead_id, revision, "lead.scored")
    data = Scored(
        event_id=event_id,
        lead_id=lead_id,
        score_version=state.score_version,
        score=Points(total=points.total / 100, fit=points.fit / 100, engagement=points.engagement / 100),
        grade=state.grade,
        stage=state.stage,
        previous_stage=before.stage,
        stage_since=state.stage_since,
        ruleset=in_force.ref,
        cause=cause,
        contributions=points.contributions,
        profile=Raw(lead.profile),
        segments=state.segments,
        episode=state.episode,
        activity=None if activity is None else Raw(activity.activity),
        first_touch=Raw(lead.first_touch) if lead.first_touch else None,
        last_touch=Raw(lead.last_touch) if lead.last_touch else None,
        absorbed=state.absorbed or None,
        restored=(activity.restored or None) if activity is not None else None,
    )
    return Outgoing(SCORED, lead_id, "lead.scored", event_id, data)


def about(state: State, tally: Tally) -> dict[str, Any]:
    """What conditions see of a lead beside its profile."""
    found: dict[str, Any] = {"activities": tally.kinds, "recycled": state.recycled}
    if state.customer_since is not None:
        found["customer_since"] = state.customer_since
    return found


def held_up(in_force: InForce, tally: Tally, sent_back_at: datetime | None, now: datetime) -> tuple[int, list[int]]:
    """The rank of the stage that overrides hold a lead up to, and when each of them ends (microseconds)."""
    rank, ends, at = 0, [], microseconds(now)
    for index, raised_at in tally.overrides.items():
        rule = in_force.ruleset.override[index]
        if overrides(rule, raised_at, at, sent_back_at):
            rank = max(rank, RANKS[rule.stage])
            ends.append(raised_at + rule.lasts)
    return rank, ends
