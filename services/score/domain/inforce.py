"""The ruleset in force, made ready: which rules an activity falls under, and which hold for a profile. Points are in tally.py and score.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from services.score.domain.condition import Conditions
from services.score.domain.ruleset import Exclusion, FieldTest, FitRule, Ruleset
from shared.contracts import Moment, RulesetRef

_REMEMBERED = 4096


class Fact(Struct, frozen=True, gc=False):
    """What counts of one activity. `human` is False for those that never count: below min_human, or withdrawn.

    `rules` are the numbers of the engagement rules that it falls under, ascending; none where it does not count.
    """

    id: str
    revision: int
    at: datetime
    kind: str
    human: bool
    rules: tuple[int, ...]

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
    """The engagement rules whose `match` takes a kind and name: those that need no further look, and what the `asked` need."""

    sure: tuple[int, ...]
    tests: tuple[tuple[int, tuple[FieldTest, ...]], ...]
    asked: frozenset[int]
    conditions: Conditions


_decode_activity = msgspec.json.Decoder(_Activity).decode
_decode_plain = msgspec.json.decode


class InForce:
    """A ruleset with its conditions compiled together. Remembers answers; what it answers depends on the ruleset alone."""

    __slots__ = (
        "_candidates",
        "_on_profile",
        "any",
        "fit_scores",
        "looks_at_lead",
        "ref",
        "rule_scores",
        "ruleset",
        "stages_look_at_profile",
    )

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.ref = RulesetRef(id=ruleset.id, version=ruleset.version)
        # Exclude rules are asked together with the fit rules: their numbers follow those.
        on_profile: tuple[FitRule | Exclusion, ...] = (*ruleset.fit, *ruleset.exclude)
        self._on_profile = Conditions({index: rule.when for index, rule in enumerate(on_profile)}, ruleset.lists)
        self.any = tuple(Conditions(dict(enumerate(stage.any)), ruleset.lists) for stage in ruleset.stages)
        self.looks_at_lead = "lead" in self._on_profile.names_roots
        self.stages_look_at_profile = any("profile" in one.names_roots for one in self.any)
        self.fit_scores: dict[tuple[int, ...], tuple[int, tuple[bytes, ...]]] = {}  # score.py remembers here
        self.rule_scores: dict[tuple[int, int], tuple[int, bytes]] = {}  # and here
        self._candidates: dict[tuple[str, str], _Candidates] = {}

    def on_profile(self, profile: bytes, about: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The numbers of the fit rules and of the exclude rules that hold for a profile (JSON) and what there is to know about its lead."""
        holding = self._on_profile.hold_in(profile)
        if holding is None:
            holding = self._on_profile.hold({"profile": _decode_plain(profile), "lead": about})
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
            if candidates.asked:
                rules = self._ask(candidates, _decode_plain(activity), read.occurred_at)
        return Fact(read.id, read.revision, read.occurred_at, read.kind, human, rules)

    def _candidates_of(self, key: tuple[str, str]) -> _Candidates:
        named = {("kind",): key[0], ("name",): key[1]}
        sure: list[int] = []
        tests: list[tuple[int, tuple[FieldTest, ...]]] = []
        conditions = {}
        for index, rule in enumerate(self.ruleset.engagement):
            if not all(test.fits(named[test.path]) for test in rule.match if test.path in named):
                continue
            rest = tuple(test for test in rule.match if test.path not in named)
            if rest:
                tests.append((index, rest))
            if rule.when is not None:
                conditions[index] = rule.when
            if not rest and rule.when is None:
                sure.append(index)
        asked = frozenset(conditions) | {index for index, _ in tests}
        found = _Candidates(tuple(sure), tuple(tests), asked, Conditions(conditions, self.ruleset.lists))
        if len(self._candidates) >= _REMEMBERED:
            self._candidates.clear()
        self._candidates[key] = found
        return found

    def _ask(self, candidates: _Candidates, activity: dict[str, Any], occurred_at: datetime) -> tuple[int, ...]:
        activity["occurred_at"] = occurred_at  # CEL compares moments, not their texts
        holding = candidates.conditions.hold({"activity": activity})
        passing = {
            index for index in candidates.asked if index in holding or self.ruleset.engagement[index].when is None
        }
        passing -= {
            index for index, tests in candidates.tests if not all(test.fits(_field(activity, test)) for test in tests)
        }
        return tuple(sorted(passing.union(candidates.sure)))


def _field(activity: dict[str, Any], test: FieldTest) -> Any:
    at: Any = activity
    for name in test.path:
        if not isinstance(at, dict):
            return None
        at = at.get(name)
    return at
