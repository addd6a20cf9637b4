"""What is odd about a rule by itself: it can never match, gives nothing, or its cap hides it."""

from __future__ import annotations

from collections.abc import Sequence

from services.score.domain.condition import Condition
from services.score.domain.lint.never import Asked, dead_parts
from services.score.domain.lint.place import Looking, Step
from services.score.domain.lint.values import Range, mistaken
from services.score.domain.ruleset import RAW, EngagementRule, FieldTest, IdleRule, Override


def look(looking: Looking) -> None:
    """Notes what is odd."""
    ruleset = looking.ruleset
    for index, fit in enumerate(ruleset.fit):
        path: tuple[Step, ...] = ("fit", "rules", index)
        condition(looking, fit.when, f"`when` of {fit.id}", *path, "when")
        _nothing(looking, fit.id, fit.points, *path)
    for index, rule in enumerate(ruleset.engagement):
        path = ("engagement", "rules", index)
        _matching(looking, rule, *path)
        if not rule.reset:
            _nothing(looking, rule.id, rule.points, *path)
        _capped(looking, rule, *path)
    for index, idle in enumerate(ruleset.idle):
        _nothing(looking, idle.id, idle.points, "idle", index)
        _capped(looking, idle, "idle", index)
    for index, override in enumerate(ruleset.override):
        _matching(looking, override, "override", index)
        _raises(looking, override, index)
    for index, exclusion in enumerate(ruleset.exclude):
        condition(looking, exclusion.when, f"`when` of {exclusion.id}", "exclude", index, "when")
    for key, (low, high) in {
        "engagement": (ruleset.engagement_floor, ruleset.engagement_cap),
        "fit": (ruleset.fit_floor, ruleset.fit_cap),
    }.items():
        _hidden(looking, key, low, high)


def condition(
    looking: Looking,
    when: Condition,
    where: str,
    *path: Step,
    given: Sequence[Asked] = (),
    ranges: dict[str, Range] | None = None,
) -> bool:
    """Notes what of a condition can never hold; whether it can at all."""
    holds = True
    for dead in dead_parts(when.source, looking.ruleset.lists, given, ranges):
        holds = holds and dead.what != "whole"
        says = {
            "whole": f"{where} can never hold",
            "part": f"a part of {where} can never hold",
            "value": f"{where} names what never is",
        }
        looking.odd(f"{says[dead.what]}: {dead.why}", *path, at=dead.at)
    return holds


def _matching(looking: Looking, rule: EngagementRule | Override, *path: Step) -> None:
    asked = []
    for test in rule.match:
        if test.globs is None:
            asked.append(Asked(("activity", *test.path), "==", tuple(map(_number, test.values)), 0))
        says = [mistaken(("activity", *test.path), _number(one)) for one in test.values]
        for one in filter(None, says):
            looking.odd(f"`match` of {rule.id} can never fit this: {one}", *path, "match", ".".join(test.path))
        if test.path == ("kind",) and not test.values and test.globs is not None:
            _glob(looking, rule.id, test, *path)
        if test.path == ("human",) and all(
            one < looking.ruleset.min_human for one in test.values if not isinstance(one, str)
        ):
            least = looking.ruleset.min_human
            looking.odd(
                f"{rule.id} can never match: activities below engagement.min_human ({least:g}) do not count",
                *path,
                "match",
                "human",
            )
    if rule.when is not None:
        condition(looking, rule.when, f"`when` of {rule.id}", *path, "when", given=asked)


def _glob(looking: Looking, name: str, test: FieldTest, *path: Step) -> None:
    if not any(test.fits(kind) for kind in ("form", "track", "page", "identify", "hook", "pixel")):
        looking.odd(f"{name} can never match: no kind of activity fits", *path, "match", "kind")


def _number(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _nothing(looking: Looking, name: str, points: int, *path: Step) -> None:
    if points == 0:
        looking.odd(f"{name} gives 0 points: it changes nothing", *path, "points")


def _capped(looking: Looking, rule: EngagementRule | IdleRule, *path: Step) -> None:
    if rule.cap is None or rule.cap >= abs(rule.points):
        return
    cap, points = rule.cap / 100, abs(rule.points) / 100
    says = (
        "the rule gives nothing"
        if not cap
        else f"once alone passes it, so it is as if `points` were {cap if rule.points > 0 else -cap:g}"
    )
    looking.odd(f"`cap` of {rule.id} is {cap:g}, below its {points:g} points: {says}", *path, "cap")


def _hidden(looking: Looking, group: str, floor: int | None, cap: int | None) -> None:
    """Notes rules whose points a group's bounds never let through whole."""
    rules = looking.ruleset.fit if group == "fit" else looking.ruleset.engagement
    for rule in rules:
        if cap is not None and rule.points > cap:
            looking.odd(
                f"{group}.cap is {cap / 100:g}, below the {rule.points / 100:g} points of {rule.id}: they never show in full",
                group,
                "cap",
            )
        if floor is not None and rule.points < floor < 0:
            looking.odd(
                f"{group}.floor is {floor / 100:g}, above the {rule.points / 100:g} points of {rule.id}: they never show in full",
                group,
                "floor",
            )
    if floor is not None and floor >= 0 and rules and all(rule.points <= 0 for rule in rules):
        looking.odd(
            f"{group}.floor is {floor / 100:g}, and no rule of {group} gives points above 0: all of them are hidden",
            group,
            "floor",
        )


def _raises(looking: Looking, rule: Override, index: int) -> None:
    given = [stage.name for stage in looking.ruleset.stages]
    if rule.stage not in given:
        order = ("IQL", "MQL", "SQL")
        lower = [name for name in given if order.index(name) < order.index(rule.stage)] if rule.stage in order else []
        looking.odd(
            f"`stage` of {rule.id} is {rule.stage}, which `stages` does not give: it raises to {lower[-1] if lower else RAW} at most",
            "override",
            index,
            "stage",
        )
