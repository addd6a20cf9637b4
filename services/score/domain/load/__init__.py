"""A ruleset's text to a Ruleset, or every mistake in it with its line. Here are the document's parts; each is read in a file of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from yaml.nodes import Node

from services.score.domain.document import Document, Mistake, Wrong, compose
from services.score.domain.load import rules
from services.score.domain.load.draft import Draft
from services.score.domain.load.examples import example
from services.score.domain.load.stages import grades, stages
from services.score.domain.ruleset import Ruleset
from services.score.domain.vocabulary import meant

_TOP = (
    "format", "id", "timezone", "lists", "fit", "engagement", "idle", "total", "override", "exclude", "stages", "grades", "segments",
    "examples",
)  # fmt: skip
_NEEDED = ("format", "id", "timezone", "fit", "engagement", "stages")
_COUNTING = "2-"  # the shape of what is counted under a fingerprint: with another one all is counted again
_Read = TypeVar("_Read")


def load(text: str, *, source: str, version: int = 1) -> Ruleset:
    """The ruleset of a document. `source` is what messages call it. Raises Wrong with all mistakes."""
    ruleset, mistakes = read(compose(text, source), text, version=version)
    if mistakes:
        raise Wrong(source, mistakes)
    return ruleset


def read(root: Node, text: str, *, version: int = 1) -> tuple[Ruleset, list[Mistake]]:
    """The ruleset of a document that was composed, with what is wrong in it: then it is not to be used, but can be looked through."""
    doc = Document(lines=text.splitlines())
    draft = Draft(doc)
    top = doc.mapping(root, "a ruleset", known=_TOP, needs=_NEEDED)

    def each(read: Callable[[Draft, Node], _Read], where: str, node: Node | None) -> tuple[_Read, ...]:
        return tuple(read(draft, one) for one in doc.items(node, where))

    if "format" in top and doc.plain(top["format"]) != 1:
        doc.note(top["format"], "`format` must be 1, the only one there is")
    draft.lists = _lists(draft, top.get("lists"))
    fit = _group(draft, top, "fit", ("cap", "floor", "rules"))
    engagement = _group(draft, top, "engagement", ("cap", "floor", "min_human", "rules"))
    total = _group(draft, top, "total", ("floor", "cap"))
    bounds = {
        name: _bounds(draft, name, group)
        for name, group in (("fit", fit), ("engagement", engagement), ("total", total))
    }
    zone = _zone(draft, top.get("timezone"))
    name = draft.id(top.get("id"), "`id`", unique=False)
    found = {
        "fit": each(rules.fit_rule, "fit.rules", fit.get("rules")),
        "engagement": each(rules.engagement_rule, "engagement.rules", engagement.get("rules")),
        "idle": each(rules.idle_rule, "idle", top.get("idle")),
        "override": each(rules.override_rule, "override", top.get("override")),
        "exclude": each(rules.exclusion, "exclude", top.get("exclude")),
        "segments": each(rules.segment, "segments", top.get("segments")),
        "examples": each(example, "examples", top.get("examples")),
    }
    min_human = doc.ratio(engagement.get("min_human"), "engagement.min_human")
    stage_rules, grade_rows = stages(draft, top.get("stages")), grades(draft, top.get("grades"))
    ruleset = Ruleset(
        id=name,
        version=version,
        fingerprint=_COUNTING + hashlib.sha256(text.encode()).hexdigest()[:16],
        zone=zone,
        lists=draft.lists,
        fit_floor=bounds["fit"][0],
        fit_cap=bounds["fit"][1],
        engagement_floor=bounds["engagement"][0],
        engagement_cap=bounds["engagement"][1],
        min_human=min_human or 0.0,
        total_floor=bounds["total"][0],
        total_cap=bounds["total"][1],
        stages=stage_rules,
        grades=grade_rows,
        **found,  # type: ignore[arg-type]
    )
    return ruleset, doc.mistakes


def _group(draft: Draft, top: Mapping[str, Node], name: str, known: tuple[str, ...]) -> dict[str, Node]:
    return draft.doc.mapping(top[name], f"`{name}`", known=known) if name in top else {}


def _bounds(draft: Draft, name: str, group: Mapping[str, Node]) -> tuple[int | None, int | None]:
    """Floor and cap of a group."""
    floor = draft.doc.points(group.get("floor"), f"{name}.floor")
    cap = draft.doc.points(group.get("cap"), f"{name}.cap", least=None if name == "total" else 0)
    if floor is not None and cap is not None and floor > cap:
        draft.doc.note(group["floor"], f"{name}.floor is above {name}.cap")
    return floor, cap


def _zone(draft: Draft, node: Node | None) -> ZoneInfo:
    name = draft.doc.text(node, "`timezone`")
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        if node is not None:
            close = meant(name, available_timezones()) or "; take a name such as Europe/Berlin or UTC"
            draft.doc.note(node, f"there is no time zone {name!r}{close}")
        return ZoneInfo("UTC")


def _lists(draft: Draft, node: Node | None) -> dict[str, tuple[str, ...]]:
    doc = draft.doc
    found = {}
    for name, (key, values) in (doc.entries(node, "`lists`") if node is not None else {}).items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            doc.note(key, f"`{name}` is no name for a list: letters, digits and _ only")
        found[name] = tuple(doc.text(one, f"an entry of lists.{name}") for one in doc.items(values, f"lists.{name}"))
    return found
