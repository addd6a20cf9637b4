"""The rules of a document: fit, engagement, idle, override, exclude and segments. What their parts `match` and `limit` mean is in match.py."""

from __future__ import annotations

import re

from yaml.nodes import Node, ScalarNode

from services.score.domain import vocabulary
from services.score.domain.load.draft import NEVER, Draft
from services.score.domain.load.match import read_limit, read_match
from services.score.domain.ruleset import (
    QUALIFIED,
    AtLeast,
    Decay,
    EngagementRule,
    Exclusion,
    FitRule,
    IdleRule,
    Override,
    Segment,
)

DECAYS = ("half_life", "window", "fade")
_ENGAGEMENT_RULE = ("id", "match", "when", "points", "at_least", "limit", *DECAYS, "cap", "reset")
_AT_LEAST = re.compile(r"(\d+) within (\S+)")
MOST_AT_LEAST = 100  # so many moments of a lead are kept with it


def fit_rule(draft: Draft, node: Node) -> FitRule:
    entries = draft.doc.mapping(node, "a fit rule", known=("id", "when", "points"), needs=("id", "when", "points"))
    name = draft.id(entries.get("id"), "a fit rule's id")
    when = draft.condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_PROFILE)
    points = draft.doc.points(entries.get("points"), f"`points` of {name}")
    return FitRule(name, when or NEVER, points or 0)


def engagement_rule(draft: Draft, node: Node) -> EngagementRule:
    doc = draft.doc
    entries = doc.mapping(node, "an engagement rule", known=_ENGAGEMENT_RULE, needs=("id", "match"))
    name = draft.id(entries.get("id"), "an engagement rule's id")
    match = read_match(doc, entries["match"], name) if "match" in entries else ()
    when = draft.condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_ACTIVITY)
    points = doc.points(entries.get("points"), f"`points` of {name}")
    reset = "reset" in entries and doc.plain(entries["reset"])
    if reset not in (True, False):
        doc.note(entries["reset"], f"`reset` of {name} must be true or false")
    if "points" not in entries and not reset:
        doc.note(node, f"the rule {name} needs `points`, or `reset: true`")
    at_least = _at_least(draft, entries.get("at_least"), name)
    limit = read_limit(doc, entries.get("limit"), name)
    decays = [Decay(key, span) for key in DECAYS if (span := draft.duration(entries.get(key), f"`{key}` of {name}"))]
    if len([key for key in DECAYS if key in entries]) > 1:
        doc.note(node, f"the rule {name} takes one of {', '.join(DECAYS)}, not several")
    cap = doc.points(entries.get("cap"), f"`cap` of {name}", least=0)
    return EngagementRule(
        name, match, when, points or 0, at_least, limit, decays[0] if decays else None, cap, reset is True
    )


def _at_least(draft: Draft, node: Node | None, rule: str) -> AtLeast | None:
    if node is None:
        return None
    found = _AT_LEAST.fullmatch(node.value) if isinstance(node, ScalarNode) else None
    if found is None or not 2 <= int(found[1]) <= MOST_AT_LEAST:
        draft.doc.note(node, f"`at_least` of {rule} must be like 3 within 7d, with 2 to {MOST_AT_LEAST} activities")
        return None
    within = draft.duration(ScalarNode("", found[2], node.start_mark), f"`at_least` of {rule}")
    return AtLeast(int(found[1]), within) if within is not None else None


def idle_rule(draft: Draft, node: Node) -> IdleRule:
    doc = draft.doc
    entries = doc.mapping(
        node, "an idle rule", known=("id", "after", "points", "every", "cap"), needs=("id", "after", "points")
    )
    name = draft.id(entries.get("id"), "an idle rule's id")
    after = draft.duration(entries.get("after"), f"`after` of {name}")
    every = draft.duration(entries.get("every"), f"`every` of {name}")
    points = doc.points(entries.get("points"), f"`points` of {name}")
    cap = doc.points(entries.get("cap"), f"`cap` of {name}", least=0)
    return IdleRule(name, after or 1, points or 0, every, cap)


def override_rule(draft: Draft, node: Node) -> Override:
    doc = draft.doc
    entries = doc.mapping(
        node,
        "an override rule",
        known=("id", "match", "when", "stage", "for"),
        needs=("id", "match", "stage", "for"),
    )
    name = draft.id(entries.get("id"), "an override rule's id")
    match = read_match(doc, entries["match"], name) if "match" in entries else ()
    when = draft.condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_ACTIVITY)
    stage = doc.text(entries.get("stage"), f"`stage` of {name}")
    if stage and stage not in QUALIFIED:
        doc.note(entries["stage"], f"`stage` of {name} is {stage}; it takes {', '.join(QUALIFIED)}")
    lasts = draft.duration(entries.get("for"), f"`for` of {name}")
    return Override(name, match, when, stage, lasts or 1)


def exclusion(draft: Draft, node: Node) -> Exclusion:
    keys = ("id", "when", "reason")
    entries = draft.doc.mapping(node, "an exclude rule", known=keys, needs=keys)
    name = draft.id(entries.get("id"), "an exclude rule's id")
    when = draft.condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_PROFILE)
    return Exclusion(name, when or NEVER, draft.doc.text(entries.get("reason"), f"`reason` of {name}"))


def segment(draft: Draft, node: Node) -> Segment:
    entries = draft.doc.mapping(node, "a segment", known=("id", "when"), needs=("id", "when"))
    name = draft.id(entries.get("id"), "a segment's id")
    when = draft.condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_SEGMENT)
    return Segment(name, when or NEVER)
