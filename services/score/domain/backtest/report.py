"""A backtest's summary as the API tells it: numbers with names, complete and in order. Words for people are the console's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.score.domain.backtest.summary import HIGHEST, LOWEST, Figures, Half, Hits, Moved, Summary
from services.score.domain.ruleset import CUSTOMER, DISQUALIFIED, QUALIFIED, RAW, SQL, Ruleset

STAGES = (RAW, *QUALIFIED, CUSTOMER, DISQUALIFIED)
_GROUPS = ("fit", "engagement", "idle", "override", "exclude")
_NONE = Figures()


def report(summary: Summary, before: Ruleset, after: Ruleset) -> dict[str, Any]:
    """All that a backtest found. Points are points again."""
    return {
        "leads": summary.leads,
        "average": {"before": _average(summary.before, summary), "after": _average(summary.after, summary)},
        "stages": _stages(summary.stages),
        "entering_sql": _moving(summary.stages, into_sql=True),
        "leaving_sql": _moving(summary.stages, into_sql=False),
        "resting_on_earlier_decisions": summary.resting,
        "buckets": _buckets(summary),
        "moved": [_moved(one) for one in summary.moved],
        "rules": _rules(summary, before, after),
        "never": {"before": _never(summary.before, before), "after": _never(summary.after, after)},
        "outcomes": {
            "judged": summary.judged,
            "accepted": _against(summary, "accepted"),
            "won": _against(summary, "won"),
        },
    }


def _average(half: Half, summary: Summary) -> float:
    return round(half.points / 100 / summary.leads, 2) if summary.leads else 0.0


def _stages(stages: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Each pair of stages that leads have before and after, in the order of stages."""
    return [
        {"before": before, "after": after, "leads": stages[before][after]}
        for before in STAGES
        for after in STAGES
        if stages.get(before, {}).get(after)
    ]


def _moving(stages: Mapping[str, Mapping[str, int]], *, into_sql: bool) -> int:
    pairs = ((before, after, leads) for before, column in stages.items() for after, leads in column.items())
    return sum(leads for before, after, leads in pairs if before != after and (after if into_sql else before) == SQL)


def _buckets(summary: Summary) -> list[dict[str, Any]]:
    """From the lowest to the highest that holds a lead; `from` or `below` is missing where a bucket is open."""
    before, after = summary.before.buckets, summary.after.buckets
    held = before.keys() | after.keys()
    found = []
    for bucket in range(min(held), max(held) + 1) if held else ():
        one: dict[str, Any] = {} if bucket == LOWEST else {"from": bucket * summary.width / 100}
        if bucket != HIGHEST:
            one["below"] = (bucket + 1) * summary.width / 100
        found.append(one | {"before": before.get(bucket, 0), "after": after.get(bucket, 0)})
    return found


def _moved(one: Moved) -> dict[str, Any]:
    return {
        "lead_id": one.lead_id,
        "before": {"total": one.before[0] / 100, "stage": one.before[1]},
        "after": {"total": one.after[0] / 100, "stage": one.after[1]},
        "rules": [{"rule": rule, "before": before / 100, "after": after / 100} for rule, before, after in one.rules],
    }


def _named(ruleset: Ruleset) -> dict[str, str]:
    """The rules of a ruleset with their group, in its order."""
    groups: tuple[Sequence[Any], ...] = (
        ruleset.fit,
        ruleset.engagement,
        ruleset.idle,
        ruleset.override,
        ruleset.exclude,
    )
    return {rule.id: group for group, rules in zip(_GROUPS, groups, strict=True) for rule in rules}


def _figures(half: Half, rule: str, group: str) -> Figures:
    """A rule's figures; what overrides and exclusions show in a score has their group in front."""
    counted = half.rules.get(rule, _NONE)
    shown = half.rules.get(f"{group}:{rule}", _NONE) if group in ("override", "exclude") else counted
    return Figures(shown.leads, shown.points, counted.ever)


def _rules(summary: Summary, before: Ruleset, after: Ruleset) -> list[dict[str, Any]]:
    """Every rule of either ruleset, then caps and floors: with how many leads it counts, and how many points it gives in all."""
    were, are = _named(before), _named(after)
    found = []
    for rule, group in {**are, **{rule: group for rule, group in were.items() if rule not in are}}.items():
        one: dict[str, Any] = {"rule": rule, "group": group}
        for side, half, named in (("before", summary.before, were), ("after", summary.after, are)):
            if rule in named:
                one[side] = _shown(_figures(half, rule, named[rule]))
        found.append(one)
    others = summary.before.rules.keys() | summary.after.rules.keys()
    for rule in sorted(one for one in others if one.endswith((":cap", ":floor"))):
        sides = {"before": summary.before.rules, "after": summary.after.rules}
        found.append(
            {
                "rule": rule,
                "group": "bound",
                **{side: _shown(rules[rule]) for side, rules in sides.items() if rule in rules},
            }
        )
    return found


def _shown(figures: Figures) -> dict[str, Any]:
    return {"leads": figures.leads, "points": figures.points / 100}


def _never(half: Half, ruleset: Ruleset) -> list[str]:
    """The rules that counted with no lead, now or ever."""
    return [
        rule
        for rule, group in _named(ruleset).items()
        if not (figures := _figures(half, rule, group)).ever and not figures.leads
    ]


def _against(summary: Summary, outcome: str) -> dict[str, Any]:
    """How well being ready for sales foretells an outcome."""
    real: int = getattr(summary, outcome)
    found: dict[str, Any] = {"leads": real}
    for side, hits in (("before", summary.before.hits), ("after", summary.after.hits)):
        found[side] = _rates(hits, getattr(hits, outcome), real, summary.leads)
    return found


def _rates(hits: Hits, right: int, real: int, leads: int) -> dict[str, Any]:
    """`precision`: the share of those ready for sales who had the outcome. `recall`: the share of those with the outcome who were ready.
    `lift`: how much more often than among all leads. None where there is nothing to divide by."""
    precision = right / hits.reached if hits.reached else None
    return {
        "sql": hits.reached,
        "judged": hits.judged,
        "right": right,
        "precision": precision,
        "recall": right / real if real else None,
        "lift": precision / (real / leads) if precision is not None and real else None,
    }
