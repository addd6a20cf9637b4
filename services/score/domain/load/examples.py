"""The stories that a document tells about itself."""

from __future__ import annotations

from yaml.nodes import Node

from services.score.domain import vocabulary
from services.score.domain.load.draft import Draft
from services.score.domain.ruleset import Example

_POINTS = ("fit", "engagement", "total")


def example(draft: Draft, node: Node) -> Example:
    """One story with what must come of it."""
    doc = draft.doc
    keys = ("name", "profile", "activities", "expect")
    entries = doc.mapping(node, "an example", known=keys, needs=("name", "expect"))
    expect = (
        doc.mapping(entries["expect"], "`expect`", known=(*_POINTS, "stage", "grade", "segments"))
        if "expect" in entries
        else {}
    )
    profile = doc.plain(entries["profile"]) if "profile" in entries else {}
    if not isinstance(profile, dict):
        doc.note(entries["profile"], "an example's `profile` must be a mapping")
    activities = []
    for one in doc.items(entries.get("activities"), "an example's `activities`"):
        fields = doc.entries(one, "an example's activity")
        known = vocabulary.ON_ACTIVITY["activity"]
        for key, (key_node, _) in fields.items():
            if key != "at" and key not in known:
                doc.note(key_node, f"an activity has no `{key}`")
        ago = -doc.seconds(fields["at"][1], "`at`") if "at" in fields else 0.0
        activities.append((ago, {key: doc.plain(value) for key, (_, value) in fields.items() if key != "at"}))
    points = {key: doc.points(expect[key], f"expect.{key}") or 0 for key in _POINTS if key in expect}
    stage, grade = (doc.text(expect.get(key), f"expect.{key}") or None for key in ("stage", "grade"))
    segments = None
    if "segments" in expect:
        segments = tuple(doc.text(one, "expect.segments") for one in doc.items(expect["segments"], "expect.segments"))
    name, line = doc.text(entries.get("name"), "an example's name"), node.start_mark.line + 1
    return Example(name, line, profile, tuple(activities), points, stage, grade, segments)
