"""What a document makes of points: stages and grades."""

from __future__ import annotations

from itertools import pairwise

from yaml.nodes import Node

from services.score.domain import vocabulary
from services.score.domain.load.draft import Draft
from services.score.domain.ruleset import QUALIFIED, Grades, StageRule


def stages(draft: Draft, node: Node | None) -> tuple[StageRule, ...]:
    """The stages, lowest first."""
    if node is None:
        return ()
    entries = draft.doc.mapping(node, "`stages`", known=QUALIFIED)
    if sorted(entries, key=QUALIFIED.index) != list(entries):
        draft.doc.note(node, f"`stages` stand lowest first: {', '.join(QUALIFIED)}")
    found = [_stage(draft, name, value) for name, value in entries.items()]
    for lower, higher in pairwise(found):
        if lower.enter is not None and higher.enter is not None and higher.enter < lower.enter:
            draft.doc.note(
                entries[higher.name],
                f"`enter` of {higher.name} is below that of {lower.name}: nobody would ever be in {lower.name}",
            )
    return tuple(found)


def _stage(draft: Draft, name: str, node: Node) -> StageRule:
    doc = draft.doc
    rule = doc.mapping(node, f"the stage {name}", known=("enter", "leave", "min_fit", "any", "dwell"))
    enter, leave, min_fit = (doc.points(rule.get(key), f"{key} of {name}") for key in ("enter", "leave", "min_fit"))
    conditions = [
        draft.condition(one, f"`any` of {name}", vocabulary.ON_STAGE)
        for one in doc.items(rule.get("any"), f"`any` of {name}")
    ]
    if "enter" not in rule and not conditions:
        doc.note(node, f"the stage {name} needs `enter` or `any`, or nobody gets there")
    if leave is not None and "enter" not in rule:
        doc.note(rule["leave"], f"`leave` of {name} needs `enter`")
    if enter is not None and leave is not None and leave > enter:
        doc.note(rule["leave"], f"`leave` of {name} is above its `enter`: a lead would leave as it enters")
    dwell = draft.duration(rule.get("dwell"), f"`dwell` of {name}")
    given = tuple(one for one in conditions if one is not None)
    return StageRule(name, enter, enter if leave is None else leave, min_fit, given, dwell or 0)


def grades(draft: Draft, node: Node | None) -> Grades:
    """The rows of fit and of engagement, best first."""
    if node is None:
        return Grades()
    doc = draft.doc
    entries = doc.mapping(node, "`grades`", known=("fit", "engagement"), needs=("fit", "engagement"))
    rows: dict[str, tuple[tuple[str, int], ...]] = {}
    for side, value in entries.items():
        named = [
            (name, doc.points(least, f"grades.{side}.{name}") or 0)
            for name, (_, least) in doc.entries(value, f"grades.{side}").items()
        ]
        if [least for _, least in named] != sorted({least for _, least in named}, reverse=True):
            doc.note(value, f"grades.{side} stand best first, each with fewer points than the one before")
        rows[side] = tuple(named)
    return Grades(rows.get("fit", ()), rows.get("engagement", ()))
