"""What a backtest comes to over many leads: counted lead by lead, by several workers, and added together. In words it is in report.py."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct, field

from services.score.domain.backtest.lead import Row, Side
from services.score.domain.ruleset import Ruleset

MOVED = 50  # leads that are told of one by one
LOWEST, HIGHEST = -5, 25  # the first and the last bucket; what lies beyond is counted in them


class Part(Struct, frozen=True, gc=False):
    """What the summary looks at of a contribution."""

    rule: str
    points: float
    by: str | None = None


class Figures(Struct, gc=False):
    """One rule: with how many leads it counts now, what it gives them together (hundredths), and with how many it ever counted."""

    leads: int = 0
    points: int = 0
    ever: int = 0


class Moved(Struct, frozen=True, gc=False):
    """A lead with its points and stages, and by rule what it has before and after where that differs. Points are hundredths."""

    lead_id: str
    before: tuple[int, str]
    after: tuple[int, str]
    rules: tuple[tuple[str, int, int], ...]


class Hits(Struct, gc=False):
    """One ruleset against what sales said: how many leads it makes ready for sales, and of how many of those sales said something, that
    they are accepted, that they are won."""

    reached: int = 0
    judged: int = 0
    accepted: int = 0
    won: int = 0


class Half(Struct, gc=False):
    """What one of the two rulesets comes to. `points` is the sum of all totals, in hundredths."""

    points: int = 0
    buckets: dict[int, int] = field(default_factory=dict)
    rules: dict[str, Figures] = field(default_factory=dict)
    hits: Hits = field(default_factory=Hits)


class Summary(Struct, gc=False):
    """All that is counted. `stages` are pairs of before and after. `resting`: leads whose stage rests on decisions of before."""

    width: int  # of a bucket, in hundredths
    leads: int = 0
    judged: int = 0
    accepted: int = 0
    won: int = 0
    resting: int = 0
    stages: dict[str, dict[str, int]] = field(default_factory=dict)
    before: Half = field(default_factory=Half)
    after: Half = field(default_factory=Half)
    moved: list[Moved] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """One more lead."""
        self.leads += 1
        self.judged += row.is_judged
        self.accepted += row.accepted
        self.won += row.won
        self.resting += is_resting(row)
        column = self.stages.setdefault(row.before.stage, {})
        column[row.after.stage] = column.get(row.after.stage, 0) + 1
        before = _count(self.before, row.before, row, self.width)
        after = _count(self.after, row.after, row, self.width)
        difference = abs(row.after.points.total - row.before.points.total)
        if difference and (len(self.moved) < MOVED or _rank(self.moved[-1]) > (-difference, row.lead_id)):
            self._moved([_moved(row, before, after)])

    def merge(self, other: Summary) -> None:
        """What another worker counted comes to it."""
        self.leads += other.leads
        self.judged += other.judged
        self.accepted += other.accepted
        self.won += other.won
        self.resting += other.resting
        for stage, column in other.stages.items():
            _add(self.stages.setdefault(stage, {}), column)
        _merge(self.before, other.before)
        _merge(self.after, other.after)
        self._moved(other.moved)

    def _moved(self, more: Iterable[Moved]) -> None:
        self.moved = sorted([*self.moved, *more], key=_rank)[:MOVED]


_parts = msgspec.json.Decoder(list[Part]).decode


def summary(before: Ruleset, after: Ruleset) -> Summary:
    """Nothing counted yet. Ten buckets, about, lie between no points and those that it takes to be ready for sales."""
    enough = [rule.enter for ruleset in (after, before) for rule in reversed(ruleset.stages) if rule.enter is not None]
    return Summary(width=_round(max(enough[0] if enough else 10_000, 1000) / 10))


def is_resting(row: Row) -> bool:
    """Whether the stage under one of the rulesets rests on what was decided before."""
    return row.before.stage != row.before.afresh or row.after.stage != row.after.afresh


def _round(about: float) -> int:
    """The number of the row 1, 2, 5, 10, 20, 50 ... that is about as large."""
    unit = 10 ** int(math.log10(about))
    return int(next(step * unit for step in (1, 2, 5, 10) if step * unit >= 0.75 * about))


def _count(half: Half, side: Side, row: Row, width: int) -> dict[str, int]:
    """Counts a lead with one ruleset; its points by rule, with the value of `by`."""
    half.points += side.points.total
    bucket = min(max(side.points.total // width, LOWEST), HIGHEST)
    half.buckets[bucket] = half.buckets.get(bucket, 0) + 1
    if side.reached:
        half.hits.reached += 1
        half.hits.judged += row.is_judged
        half.hits.accepted += row.accepted
        half.hits.won += row.won
    named: dict[str, int] = {}
    by_rule: dict[str, int] = {}
    for part in _parts(side.points.contributions):
        points = round(part.points * 100)
        name = part.rule if part.by is None else f"{part.rule} ({part.by})"
        named[name] = named.get(name, 0) + points
        by_rule[part.rule] = by_rule.get(part.rule, 0) + points
    rules = half.rules
    for rule, points in by_rule.items():
        figures = rules.get(rule) or rules.setdefault(rule, Figures())
        figures.leads += 1
        figures.points += points
    for rule in side.fired:
        (rules.get(rule) or rules.setdefault(rule, Figures())).ever += 1
    return named


def _moved(row: Row, before: dict[str, int], after: dict[str, int]) -> Moved:
    names = [name for name in {**before, **after} if before.get(name, 0) != after.get(name, 0)]
    rules = [(name, before.get(name, 0), after.get(name, 0)) for name in names]
    return Moved(
        row.lead_id,
        (row.before.points.total, row.before.stage),
        (row.after.points.total, row.after.stage),
        tuple(sorted(rules, key=lambda one: (-abs(one[2] - one[1]), one[0]))),
    )


def _rank(moved: Moved) -> tuple[int, str]:
    """The most moved first."""
    return -abs(moved.after[0] - moved.before[0]), moved.lead_id


def _merge(half: Half, other: Half) -> None:
    half.points += other.points
    _add(half.buckets, other.buckets)
    for rule, figures in other.rules.items():
        mine = half.rules.setdefault(rule, Figures())
        mine.leads += figures.leads
        mine.points += figures.points
        mine.ever += figures.ever
    half.hits.reached += other.hits.reached
    half.hits.judged += other.hits.judged
    half.hits.accepted += other.hits.accepted
    half.hits.won += other.hits.won


def _add(counts: dict[Any, int], more: dict[Any, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
