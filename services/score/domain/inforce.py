"""The ruleset in force, made ready: which rules an activity falls under, and which hold for a profile. Points are in tally.py and score.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from services.score.domain.advice import Fresh, named
from services.score.domain.condition import Conditions, Path
from services.score.domain.ruleset import EngagementRule, Exclusion, FieldTest, FitRule, Override, Ruleset
from services.score.domain.thresholds import thresholds
from shared.contracts import Moment, RulesetRef

_REMEMBERED = 4096
_NO_SIGNALS: dict[str, float] = {}


class Fact(Struct, frozen=True, gc=False):
    """What counts of one activity. `human` is False for those that never count: below min_human, or withdrawn.

    `rules` are the numbers of the engagement rules that it falls under, ascending, and after all of those the override rules; none
    where it does not count. `by`: for each of them the value of its limit's `by`; empty where no limit has one.
    """

    id: str
    revision: int
    at: datetime
    kind: str
    human: bool
    rules: tuple[int, ...]
    by: tuple[str, ...] = ()

    @property
    def moment(self) -> tuple[datetime, str]:
        """Its place among the activities of a lead: by time, equal instants by id."""
        return self.at, self.id


class _Activity(Struct, gc=False):
    """The part of an activity that every rule needs."""

    id: str
    revision: Annotated[int, Meta(ge=0, lt=2**31)]
    name: str
    kind: str
    occurred_at: Moment
    human: float = 1.0
    withdrawn: bool | None = None


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The engagement and override rules whose `match` takes a kind and name: those that need no further look, what the `asked` need,
    and of those whose limit has a `by` its path."""

    sure: tuple[int, ...]
    tests: tuple[tuple[int, tuple[FieldTest, ...]], ...]
    asked: frozenset[int]
    conditions: Conditions
    by: dict[int, Path]


_decode_activity = msgspec.json.Decoder(_Activity).decode
_decode_plain = msgspec.json.decode


class InForce:
    """A ruleset with its conditions compiled together. Remembers answers; what it answers depends on the ruleset alone."""

    __slots__ = (
        "_candidates",
        "_on_activity",
        "_on_profile",
        "any",
        "dwell",
        "engagement_steps",
        "fit_scores",
        "has_clock",
        "leaving",
        "looks_at_lead",
        "looks_at_profile_again",
        "ref",
        "rule_scores",
        "ruleset",
        "segments",
        "signals",
        "stages_look_at_profile",
        "total_steps",
    )

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.ref = RulesetRef(id=ruleset.id, version=ruleset.version, document=ruleset.document)
        # Exclude rules are asked together with the fit rules: their numbers follow those.
        on_profile: tuple[FitRule | Exclusion, ...] = (*ruleset.fit, *ruleset.exclude)
        self._on_profile = Conditions({index: rule.when for index, rule in enumerate(on_profile)}, ruleset.lists)
        # Override rules look at activities as the engagement rules do: their numbers follow those.
        self._on_activity: tuple[EngagementRule | Override, ...] = (*ruleset.engagement, *ruleset.override)
        self.any = tuple(Conditions(dict(enumerate(stage.any)), ruleset.lists) for stage in ruleset.stages)
        self.segments = Conditions({index: one.when for index, one in enumerate(ruleset.segments)}, ruleset.lists)
        self.total_steps, self.engagement_steps = _steps(ruleset)
        self.looks_at_lead = not self._on_profile.names_roots.isdisjoint(("lead", "signal"))
        self.signals = named(ruleset)
        self.stages_look_at_profile = any("profile" in one.names_roots for one in self.any)
        self.looks_at_profile_again = self.stages_look_at_profile or "profile" in self.segments.names_roots
        # The engagement rules whose activities are worth nothing from some age on.
        self.leaving = frozenset(
            index
            for index, rule in enumerate(ruleset.engagement)
            if rule.decay is not None and rule.decay.kind != "half_life"
        )
        self.dwell = {stage.name: stage.dwell for stage in ruleset.stages}
        # Whether anything at all changes with time alone.
        self.has_clock = bool(
            ruleset.idle or ruleset.override or self.signals or any(rule.decay for rule in ruleset.engagement)
        )
        self.fit_scores: dict[tuple[int, ...], tuple[int, tuple[bytes, ...]]] = {}  # score.py remembers here
        self.rule_scores: dict[tuple[int, int], tuple[int, bytes, bytes]] = {}  # and here
        self._candidates: dict[tuple[str, str], _Candidates] = {}

    def on_profile(
        self, profile: bytes, about: dict[str, Any], signals: Fresh = _NO_SIGNALS
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The numbers of the fit rules and of the exclude rules that hold for a profile (JSON), what there is to know about its lead, and
        what signals say of it now."""
        holding = self._on_profile.hold_in(profile, {"lead": about, "signal": signals})
        first = len(self.ruleset.fit)
        if not holding or holding[-1] < first:
            return holding, ()
        return tuple(index for index in holding if index < first), tuple(
            index - first for index in holding if index >= first
        )

    def fact(self, activity: bytes | Raw) -> Fact:
        """What counts of an activity, from its JSON. Raises msgspec.ValidationError where it breaks the contract."""
        read = _decode_activity(activity)
        human = not read.withdrawn and read.human >= self.ruleset.min_human
        rules: tuple[int, ...] = ()
        if human:
            key = (read.kind, read.name)
            candidates = self._candidates.get(key) or self._candidates_of(key)
            rules = candidates.sure
            if candidates.asked or candidates.by:
                plain = _decode_plain(activity)
                if candidates.asked:
                    rules = self._ask(candidates, plain, read.occurred_at)
                if not candidates.by.keys().isdisjoint(rules):
                    by = tuple(_word(plain, candidates.by[index]) if index in candidates.by else "" for index in rules)
                    return Fact(read.id, read.revision, read.occurred_at, read.kind, human, rules, by)
        return Fact(read.id, read.revision, read.occurred_at, read.kind, human, rules)

    def _candidates_of(self, key: tuple[str, str]) -> _Candidates:
        named = {("kind",): key[0], ("name",): key[1]}
        sure: list[int] = []
        tests: list[tuple[int, tuple[FieldTest, ...]]] = []
        conditions = {}
        by: dict[int, Path] = {}
        for index, rule in enumerate(self._on_activity):
            if not all(test.fits(named[test.path]) for test in rule.match if test.path in named):
                continue
            rest = tuple(test for test in rule.match if test.path not in named)
            if rest:
                tests.append((index, rest))
            if rule.when is not None:
                conditions[index] = rule.when
            if isinstance(rule, EngagementRule) and rule.limit is not None and rule.limit.by:
                by[index] = rule.limit.by
            if not rest and rule.when is None:
                sure.append(index)
        asked = frozenset(conditions) | {index for index, _ in tests}
        found = _Candidates(tuple(sure), tuple(tests), asked, Conditions(conditions, self.ruleset.lists), by)
        if len(self._candidates) >= _REMEMBERED:
            self._candidates.clear()
        self._candidates[key] = found
        return found

    def _ask(self, candidates: _Candidates, activity: dict[str, Any], occurred_at: datetime) -> tuple[int, ...]:
        activity["occurred_at"] = occurred_at  # CEL compares moments, not their texts
        holding = candidates.conditions.hold({"activity": activity})
        passing = {index for index in candidates.asked if index in holding or self._on_activity[index].when is None}
        passing -= {
            index
            for index, tests in candidates.tests
            if not all(test.fits(_field(activity, test.path)) for test in tests)
        }
        return tuple(sorted(passing.union(candidates.sure)))


def _steps(ruleset: Ruleset) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The totals, and the points of engagement, at which something else may hold than one hundredth below, ascending."""
    total: set[int] = set()
    engagement = {least for _, least in ruleset.grades.engagement}
    for stage in ruleset.stages:
        total |= {least for least in (stage.enter, stage.leave) if least is not None}
    for when in (*(one for stage in ruleset.stages for one in stage.any), *(one.when for one in ruleset.segments)):
        for name, number in thresholds(when.source):
            if name != "fit":  # > and == change one hundredth further
                (total if name == "total" else engagement).update((number, number + 1))
    return tuple(sorted(total)), tuple(sorted(engagement))


def _word(activity: dict[str, Any], path: Path) -> str:
    """A field's value as a text; empty where it is absent."""
    value = _field(activity, path)
    if isinstance(value, str) or value is None:
        return value or ""
    return value.isoformat() if isinstance(value, datetime) else msgspec.json.encode(value).decode()


def _field(activity: dict[str, Any], path: Path) -> Any:
    at: Any = activity
    for name in path:
        if not isinstance(at, dict):
            return None
        at = at.get(name)
    return at
