"""What two rulesets make of one lead as it was known at a moment. What that comes to over many leads is in summary.py.

Points and contributions are those of the fold. A stage also depends on what was decided before: here it is the one in which the lead
would be if the ruleset were published at that moment, which keeps who is in a stage there by `leave`, and for its `dwell`. `afresh` is
the stage of a lead that comes to the same points for the first time; where the two differ, the stage rests on decisions of before.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw, Struct

from services.score.domain.advice import fresh
from services.score.domain.inforce import Fact, InForce
from services.score.domain.known import Known
from services.score.domain.rescore import held_up
from services.score.domain.review import points_at, sums
from services.score.domain.ruleset import QUALIFIED, RAW, SQL, EngagementRule, Override, Ruleset, microseconds
from services.score.domain.score import Score, score
from services.score.domain.stage import RANKS, stage_of
from services.score.domain.tally import Tally, advance
from services.score.domain.worth import idle_points, within

ACCEPTED = frozenset({"accepted", "won"})  # what is won was accepted, whether or not somebody said so
WON = "won"
_EMPTY = Tally()
_UNTOLD = Raw(b"[]")
_ALL = sys.maxsize
_NEVER = -math.inf
_moment = attrgetter("at", "id")


class Side(Struct, frozen=True, gc=False):
    """What one ruleset says of a lead. `reached`: whether an activity made it ready for sales, before sales said that it is good.
    `fired`: the rules that ever counted, for points, a stage or an exclusion, though what they gave may be gone by now."""

    points: Score
    grade: str
    stage: str
    afresh: str
    reached: bool
    fired: frozenset[str]


class Row(Struct, frozen=True, gc=False):
    """One lead under both rulesets, and what sales said of it."""

    lead_id: str
    before: Side
    after: Side
    is_judged: bool
    accepted: bool
    won: bool


class Pair:
    """Two rulesets to be compared. What both see alike is looked at once."""

    __slots__ = ("after", "before", "sees_alike")

    def __init__(self, before: InForce, after: InForce) -> None:
        self.before, self.after = before, after
        self.sees_alike = _seen_by(before.ruleset) == _seen_by(after.ruleset)

    def row(self, known: Known) -> Row:
        """The lead under both, at the moment as of which it is known. Raises msgspec.ValidationError where an activity breaks its contract."""
        facts = _facts(self.before, known)
        before = _Reading(self.before, known, facts)
        after = _Reading(self.after, known, facts if self.sees_alike else _facts(self.after, known))
        said = {one.outcome for one in known.reported}
        return Row(
            known.lead_id,
            before.side(),
            after.side(),
            bool(said),
            not ACCEPTED.isdisjoint(said),
            WON in said,
        )


def _facts(in_force: InForce, known: Known) -> list[Fact]:
    facts = list(map(in_force.fact, known.activities))
    facts.sort(key=_moment)
    return facts


def _seen_by(ruleset: Ruleset) -> tuple[Any, ...]:
    """All that decides under which rules an activity falls."""
    seen: list[tuple[Any, ...]] = []
    rules: tuple[EngagementRule | Override, ...] = (*ruleset.engagement, *ruleset.override)
    for rule in rules:
        by = rule.limit.by if isinstance(rule, EngagementRule) and rule.limit is not None else ()
        seen.append((type(rule), rule.match, rule.when.source if rule.when is not None else None, by))
    return ruleset.min_human, dict(ruleset.lists), seen


class _Reading:
    """One lead as one ruleset reads it: what its activities come to, and whether they made it ready for sales on the way."""

    __slots__ = ("at", "counted", "excluded", "facts", "fit", "in_force", "known", "reached", "tally", "until")

    def __init__(self, in_force: InForce, known: Known, facts: Sequence[Fact]) -> None:
        self.in_force, self.known, self.facts, self.at = in_force, known, facts, known.at
        self.reached = False
        self.until = min((one.occurred_at for one in known.reported if one.outcome in ACCEPTED), default=known.at)
        self.counted: set[int] = set()  # the engagement rules that counted before a reset
        if not in_force.looks_at_lead:
            self.fit, self.excluded = in_force.on_profile(known.profiled.profile, {})
        self.tally = self._walk()
        if in_force.looks_at_lead:
            self.fit, self.excluded = in_force.on_profile(
                known.profiled.profile, self._about(self.tally), self._signals(self.at)
            )

    def side(self) -> Side:
        """What its ruleset says."""
        decided, tally, now = self.known.decided, self.tally, self.at
        points = score(
            self.in_force,
            fit=self.fit,
            excluded=self.excluded,
            tally=tally,
            now=now,
            sent_back_at=decided.sent_back_at,
        )
        afresh = self._stage(points, RAW, may_enter_sql=True)
        stage = self._stage(points, decided.stage, may_enter_sql=decided.may_enter_sql or decided.enters_at is not None)
        if RANKS[stage] < RANKS[decided.stage] and decided.stage in QUALIFIED and decided.stage_since is not None:
            # Nobody did anything now: who is in a stage stays in it until its dwell is over.
            dwelt = microseconds(now) - microseconds(decided.stage_since)
            if dwelt < self.in_force.dwell.get(decided.stage, 0):
                stage = decided.stage
        grade = self.in_force.ruleset.grades.of(points.fit, points.engagement)
        return Side(
            points, grade, stage, afresh, self.reached or (afresh == SQL and self.until == self.at), self._fired()
        )

    def _walk(self) -> Tally:
        """All activities in order of time; after each that may have made the lead ready it is asked whether it did."""
        ruleset = self.in_force.ruleset
        rules, count, now = ruleset.engagement, len(ruleset.engagement), microseconds(self.at)
        # What the activities can have given at the most: as long as that is not enough, nothing has to be added up.
        possible, enough, asks_of_all = self._at_most(), *_needed(ruleset)
        tally = _EMPTY
        resets = {index for index, rule in enumerate(rules) if rule.reset}
        for fact in self.facts:
            if resets and not resets.isdisjoint(fact.rules):
                self.counted |= _counting(tally)
            tally = advance(tally, fact, ruleset, now=now, keep=_ALL)
            if self.reached or fact.at > self.until:
                continue
            for index in fact.rules:
                possible = max(possible, enough) if index >= count else possible + max(0, rules[index].points)
            if possible >= enough and (fact.rules or asks_of_all):
                self.reached = self._is_ready(tally, fact.at)
        return tally

    def _at_most(self) -> float:
        """The points that the lead has for nothing that it did; nothing that it can add to where its fit is too low for SQL."""
        ruleset = self.in_force.ruleset
        if self.in_force.looks_at_lead:
            return within(sum(max(0, rule.points) for rule in ruleset.fit), None, ruleset.fit_cap)
        points = self._fit_points(self.fit)
        least = next((rule.min_fit for rule in ruleset.stages if rule.name == SQL), None)
        if self.excluded or (least is not None and points < least):
            return _NEVER
        return points + max(0, ruleset.engagement_floor or 0)

    def _is_ready(self, tally: Tally, at: datetime) -> bool:
        """Whether the lead was ready for sales at a moment, by what it had done and with the profile of today; what sales said came later."""
        in_force, known = self.in_force, self.known
        about = {"activities": tally.kinds, "recycled": 0}
        if in_force.looks_at_lead:
            fit, excluded = in_force.on_profile(known.profiled.profile, about, self._signals(at))
        else:
            fit, excluded = self.fit, self.excluded
        fit_points = self._fit_points(fit)
        total, engagement = sums(in_force.ruleset, fit_points, points_at(in_force.ruleset, tally, microseconds(at)))
        points = Score(total, fit_points, engagement, _UNTOLD)
        stage = stage_of(
            in_force,
            RAW,
            points,
            roots=lambda: self._roots(points, about, at),
            excluded=bool(excluded),
            won=False,
            may_enter_sql=True,
            raised_to=held_up(in_force, tally, None, at)[0] if tally.overrides else 0,
        )
        return stage == SQL

    def _fit_points(self, fit: tuple[int, ...]) -> int:
        ruleset = self.in_force.ruleset
        return within(sum(ruleset.fit[index].points for index in fit), ruleset.fit_floor, ruleset.fit_cap)

    def _stage(self, points: Score, now_in: str, *, may_enter_sql: bool) -> str:
        in_force, decided, tally = self.in_force, self.known.decided, self.tally
        return stage_of(
            in_force,
            now_in,
            points,
            roots=lambda: self._roots(points, self._about(tally), self.at),
            excluded=bool(self.excluded) or decided.barred,
            won=decided.won,
            may_enter_sql=may_enter_sql,
            raised_to=held_up(in_force, tally, decided.sent_back_at, self.at)[0] if tally.overrides else 0,
        )

    def _fired(self) -> frozenset[str]:
        ruleset = self.in_force.ruleset
        found = {ruleset.fit[index].id for index in self.fit}
        found |= {ruleset.engagement[index].id for index in self.counted | _counting(self.tally)}
        found |= {ruleset.override[index].id for index in self.tally.overrides}
        found |= {ruleset.exclude[index].id for index in self.excluded}
        if ruleset.idle and self.tally.active_at is not None:
            quiet = microseconds(self.at) - microseconds(self.tally.active_at)
            found |= {rule.id for rule in ruleset.idle if idle_points(rule, quiet)}
        return frozenset(found)

    def _about(self, tally: Tally) -> dict[str, Any]:
        decided = self.known.decided
        about: dict[str, Any] = {"activities": tally.kinds, "recycled": decided.recycled}
        if decided.customer_since is not None:
            about["customer_since"] = decided.customer_since
        return about

    def _signals(self, at: datetime) -> dict[str, float]:
        return fresh((one for one in self.known.advice if one.known_at <= at), at) if self.in_force.signals else {}

    def _roots(self, points: Score, about: dict[str, Any], at: datetime) -> dict[str, Any]:
        """What conditions of stages see."""
        found: dict[str, Any] = {
            "lead": about,
            "signal": self._signals(at),
            "total": points.total / 100,
            "fit": points.fit / 100,
            "engagement": points.engagement / 100,
        }
        if self.in_force.looks_at_profile_again:
            found["profile"] = msgspec.json.decode(self.known.profiled.profile)
        return found


def _counting(tally: Tally) -> set[int]:
    return {index for index, rule in tally.rules.items() if rule.values}


def _needed(ruleset: Ruleset) -> tuple[float, bool]:
    """The least points with which a lead may be ready for sales, and whether an activity that falls under no rule may make it so."""
    rule = next((one for one in ruleset.stages if one.name == SQL), None)
    if rule is None:
        return math.inf, False
    if rule.any or rule.enter is None or (ruleset.total_floor is not None and ruleset.total_floor >= rule.enter):
        return _NEVER, bool(rule.any)
    return rule.enter, False
