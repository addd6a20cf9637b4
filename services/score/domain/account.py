"""What score says of a lead from all that was known at a moment: points by the reference fold, the stage as it was decided and why, and what
the clock will change next. Slow and for those who ask; how it is written for them is in answer.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from services.score.domain import history as histories
from services.score.domain.advice import fresh, latest
from services.score.domain.fold import fold
from services.score.domain.folded import Folded
from services.score.domain.inforce import InForce
from services.score.domain.known import Known
from services.score.domain.lead import State
from services.score.domain.rescore import Tallied, rescored
from services.score.domain.review import EVER
from services.score.domain.ruleset import CUSTOMER, DISQUALIFIED, SQL, StageRule, microseconds, moment
from services.score.domain.stage import RANKS
from services.score.domain.tally import is_enough

_MOST_LOOKS = (
    50  # ahead; each is at a moment at which points pass a threshold, and mostly the first one changes something
)


@dataclass(frozen=True, slots=True)
class Because:
    """A reason why a lead is in its stage, or why not in a higher one (`stage`): `needs` are the points that it takes, `has` those that are
    there, `rule` what holds it up or out, a condition's text among them, `until` when that ends.

    Kinds: won, barred (by an operator), excluded, override, enter, condition, leave, dwell; and of a higher stage: below, min_fit, sent_back.
    """

    kind: str
    stage: str
    rule: str = ""
    needs: Decimal | None = None
    has: Decimal | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What the clock alone will make of a lead, and when."""

    at: datetime
    total: Decimal
    stage: str
    grade: str
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """`stage` and `episode` are those decided, or those that the ruleset would make of them; `turn` is absent where nothing will change.
    `activities` are all that were known, as enrich wrote them, by id."""

    folded: Folded
    grade: str
    stage: str
    previous_stage: str
    stage_since: datetime | None
    episode: int
    segments: tuple[str, ...]
    because: tuple[Because, ...]
    turn: Turn | None
    activities: Mapping[str, Mapping[str, Any]]


def account(known: Known, in_force: InForce, *, is_other: bool = False) -> Account:
    """The account of a lead of which enrich had told by then. `is_other`: the ruleset is none that was in force then, so that the stage is
    what it would be if it were published at that moment."""
    decided, ruleset = known.decided, in_force.ruleset
    profile = msgspec.json.decode(known.profiled.profile)
    signals = fresh(known.advice, known.at)
    activities = [msgspec.json.decode(body) for body in known.activities]
    folded = fold(
        ruleset,
        activities,
        profile,
        now=known.at,
        sent_back_at=decided.sent_back_at,
        recycled=decided.recycled,
        customer_since=decided.customer_since,
        signals=signals,
    )
    clockwork = _Clockwork(known, in_force)
    state = clockwork.decided()
    if is_other:
        entering = state.may_enter_sql or state.enters_at is not None
        state = clockwork.looked_at(structs.replace(state, may_enter_sql=entering, enters_at=None), known.at)
    fit, engagement = (int(points * 100) for points in (folded.fit, folded.engagement))
    lead: dict[str, Any] = {"activities": folded.kinds, "recycled": decided.recycled}
    if decided.customer_since is not None:
        lead["customer_since"] = decided.customer_since
    roots = {
        "profile": profile,
        "lead": lead,
        "signal": signals,
        "lists": {name: list(one) for name, one in ruleset.lists.items()},
        "total": float(folded.total),
        "fit": float(folded.fit),
        "engagement": float(folded.engagement),
    }
    because = tuple(_because(in_force, state, folded, roots, known.at))
    lead |= {"stage": state.stage, "episodes": state.episode}
    segments = tuple(one.id for one in ruleset.segments if one.when.holds(roots))
    grade = ruleset.grades.of(fit, engagement)
    return Account(
        folded,
        grade,
        state.stage,
        state.previous_stage,
        state.stage_since,
        state.episode,
        segments,
        because,
        clockwork.turn(structs.replace(state, grade=grade, segments=segments)),
        {one["id"]: one for one in activities},
    )


def _because(
    in_force: InForce, state: State, folded: Folded, roots: dict[str, Any], now: datetime
) -> Iterator[Because]:
    ruleset, total, stage = in_force.ruleset, folded.total, state.stage
    if stage == CUSTOMER:
        yield Because("won", stage)
    if stage == DISQUALIFIED:
        if state.barred:
            yield Because("barred", stage)
        yield from (Because("excluded", stage, rule.id) for rule in ruleset.exclude if rule.when.holds(roots))
    if stage in (CUSTOMER, DISQUALIFIED):
        return
    for rule in ruleset.stages:
        if rule.name == stage:
            yield from _holding(rule, state, folded, roots, now)
    higher = [rule for rule in ruleset.stages if RANKS[rule.name] > RANKS[stage]]
    for rule in higher[:1]:
        if rule.name == SQL and not state.may_enter_sql:
            yield Because("sent_back", rule.name, until=state.sent_back_at)
        if rule.enter is not None and total * 100 < rule.enter:
            yield Because("below", rule.name, needs=_points(rule.enter), has=total)
        if rule.min_fit is not None and folded.fit * 100 < rule.min_fit:
            yield Because("min_fit", rule.name, needs=_points(rule.min_fit), has=folded.fit)


def _holding(rule: StageRule, state: State, folded: Folded, roots: dict[str, Any], now: datetime) -> Iterator[Because]:
    name, total = rule.name, folded.total
    for override, until in folded.overrides:
        if override.stage == name:
            yield Because("override", name, override.id, until=until)
    if rule.enter is not None and total * 100 >= rule.enter:
        yield Because("enter", name, needs=_points(rule.enter), has=total)
    elif rule.leave is not None and total * 100 >= rule.leave:
        yield Because("leave", name, needs=_points(rule.leave), has=total)
    yield from (Because("condition", name, one.source) for one in rule.any if one.holds(roots))
    if state.stage_since is not None and (until := moment(microseconds(state.stage_since) + rule.dwell)) > now:
        yield Because("dwell", name, until=until)


def _points(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100


class _Clockwork:
    """A lead as the path that serves traffic holds it, made from what was known: it can be let run ahead."""

    def __init__(self, known: Known, in_force: InForce) -> None:
        self._known, self._in_force = known, in_force
        self._past = histories.history(map(in_force.fact, known.activities))

    def decided(self) -> State:
        """What was decided, under the ruleset."""
        was, ruleset = self._known.decided, self._in_force.ruleset
        return State(
            fingerprint=ruleset.fingerprint,
            stage=was.stage,
            previous_stage=was.previous_stage,
            stage_since=was.stage_since,
            episode=was.episode,
            recycled=was.recycled,
            sent_back_at=was.sent_back_at,
            customer_since=was.customer_since,
            won=was.won,
            may_enter_sql=was.may_enter_sql,
            enters_at=was.enters_at,
            barred=was.barred,
            tally=histories.tally(self._past, ruleset, seen=self._known.at),
            advice=latest(self._known.advice),
        )

    def looked_at(self, state: State, at: datetime) -> State:
        """The state when the lead is looked at, though nothing came."""
        tally, ruleset = state.tally, self._in_force.ruleset
        if not is_enough(tally, ruleset, at):
            tally = histories.tally(self._past, ruleset, seen=at)
        has_waited = state.enters_at is not None and state.enters_at <= at
        after, _ = rescored(
            state,
            self._in_force,
            Tallied(tally, self._past, state.fit),
            profile=self._known.profiled.profile,
            absorbed=(),
            now=at,
            now_in=state.stage,
            may_enter_sql=state.may_enter_sql or has_waited,
            enters_at=None if has_waited else state.enters_at,
            by_clock=True,
            looks_until=EVER,
        )
        return after

    def turn(self, now: State) -> Turn | None:
        """The first change of stage, grade or segments from what they are `now`."""
        at: datetime | None = self._known.at
        state = now
        for _ in range(_MOST_LOOKS):
            if at is None:
                break
            state = self.looked_at(state, at)
            if (state.stage, state.grade, state.segments) != (now.stage, now.grade, now.segments):
                return Turn(at, _points(state.total), state.stage, state.grade, state.segments)
            at = state.review_at
        return None
