"""A ruleset's text to a Ruleset, or every mistake in it with its line. Keys that are not supported yet are refused by name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from yaml.nodes import Node

from services.score.domain import vocabulary
from services.score.domain.condition import Condition, condition
from services.score.domain.document import Document, Wrong, compose
from services.score.domain.match import read_limit, read_match
from services.score.domain.ruleset import (
    QUALIFIED,
    EngagementRule,
    Example,
    Exclusion,
    FitRule,
    Grades,
    Ruleset,
    StageRule,
)

_TOP = ("format", "id", "timezone", "lists", "fit", "engagement", "total", "exclude", "stages", "grades", "examples")
_TOP_LATER = ("idle", "override", "segments")
_ENGAGEMENT_RULE = ("id", "match", "when", "points", "limit", "cap")
_ENGAGEMENT_LATER = ("half_life", "window", "fade", "at_least", "reset")
_STAGE_LATER = ("dwell",)
_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def load(text: str, *, source: str, version: int = 1) -> Ruleset:
    """The ruleset of a document. `source` is what messages call it. Raises Wrong with all mistakes."""
    root = compose(text, source)
    reading = _Reading(Document())
    ruleset = reading.ruleset(root, text, version)
    if reading.doc.mistakes or ruleset is None:
        raise Wrong(source, reading.doc.mistakes)
    return ruleset


class _Reading:
    """One pass over one document."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.lists: dict[str, tuple[str, ...]] = {}
        self.ids: set[str] = set()

    def ruleset(self, root: Node, text: str, version: int) -> Ruleset | None:
        doc = self.doc
        top = doc.mapping(
            root,
            "a ruleset",
            known=_TOP,
            later=_TOP_LATER,
            needs=("format", "id", "timezone", "fit", "engagement", "stages"),
        )
        if "format" in top and doc.plain(top["format"]) != 1:
            doc.note(top["format"], "`format` must be 1, the only one there is")
        self.lists = self._lists(top.get("lists"))
        fit = self._group(top, "fit", known=("cap", "rules"), later=("floor",))
        engagement = self._group(top, "engagement", known=("cap", "floor", "min_human", "rules"))
        total = self._group(top, "total", known=("floor", "cap"))
        zone = self._zone(top.get("timezone"))
        fit_rules = tuple(map(self._fit_rule, doc.items(fit.get("rules"), "fit.rules")))
        rules = tuple(map(self._engagement_rule, doc.items(engagement.get("rules"), "engagement.rules")))
        exclude = tuple(map(self._exclusion, doc.items(top.get("exclude"), "exclude")))
        caps = {"fit": self._cap(fit, "fit"), "engagement": self._cap(engagement, "engagement")}
        floor = doc.points(engagement.get("floor"), "engagement.floor")
        total_floor, total_cap = (doc.points(total.get(side), f"total.{side}") for side in ("floor", "cap"))
        if total_floor is not None and total_cap is not None and total_floor > total_cap:
            doc.note(total["floor"], "total.floor is above total.cap")
        if floor is not None and caps["engagement"] is not None and floor > caps["engagement"]:
            doc.note(engagement["floor"], "engagement.floor is above engagement.cap")
        min_human = doc.ratio(engagement.get("min_human"), "engagement.min_human")
        stages = self._stages(top.get("stages"))
        grades = self._grades(top.get("grades"))
        examples = tuple(map(self._example, doc.items(top.get("examples"), "examples")))
        name = self._id(top.get("id"), "`id`", unique=False)
        if doc.mistakes or zone is None:
            return None
        return Ruleset(
            id=name,
            version=version,
            fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
            zone=zone,
            lists=self.lists,
            fit=fit_rules,
            fit_cap=caps["fit"],
            engagement=rules,
            engagement_cap=caps["engagement"],
            engagement_floor=floor,
            min_human=min_human or 0.0,
            total_cap=total_cap,
            total_floor=total_floor,
            stages=stages,
            grades=grades,
            exclude=exclude,
            examples=examples,
        )

    # What follows reads one part each; after a mistake it gives something harmless, since load() raises anyhow.

    def _group(
        self, top: Mapping[str, Node], name: str, *, known: tuple[str, ...], later: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        return self.doc.mapping(top[name], f"`{name}`", known=known, later=later) if name in top else {}

    def _cap(self, entries: Mapping[str, Node], where: str) -> int | None:
        return self.doc.points(entries.get("cap"), f"{where}.cap", least=0)

    def _zone(self, node: Node | None) -> ZoneInfo | None:
        name = self.doc.text(node, "`timezone`")
        if node is None or not name:
            return None
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            self.doc.note(node, f"there is no time zone {name!r}; take a name such as Europe/Berlin or UTC")
            return None

    def _lists(self, node: Node | None) -> dict[str, tuple[str, ...]]:
        entries = self.doc.entries(node, "`lists`") if node is not None else {}
        found = {}
        for name, (key, values) in entries.items():
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                self.doc.note(key, f"`{name}` is no name for a list: letters, digits and _ only")
            found[name] = tuple(
                self.doc.text(one, f"an entry of lists.{name}") for one in self.doc.items(values, f"lists.{name}")
            )
        return found

    def _id(self, node: Node | None, where: str, *, unique: bool = True) -> str:
        name = self.doc.text(node, where)
        if node is None or not name:
            return ""
        if not _ID.fullmatch(name):
            self.doc.note(
                node, f"{where} {name!r} must be small letters and digits with hyphens, for example demo-request"
            )
        if unique and name in self.ids:
            self.doc.note(node, f"there is already a rule with the id {name}; contributions are told apart by it")
        if unique:
            self.ids.add(name)
        return name

    def _condition(self, node: Node | None, where: str, known: Mapping[str, Any]) -> Condition | None:
        source = self.doc.text(node, where)
        if node is None or not source:
            return None
        try:
            found = condition(source)
        except ValueError as error:
            self.doc.note(node, f"{where} is no CEL: {_cel_says(error)}")
            return None
        for mistake in vocabulary.mistakes_in(found, known, self.lists):
            self.doc.note(node, f"{where}: {mistake}")
        return found

    def _fit_rule(self, node: Node) -> FitRule:
        entries = self.doc.mapping(node, "a fit rule", known=("id", "when", "points"), needs=("id", "when", "points"))
        name = self._id(entries.get("id"), "a fit rule's id")
        when = self._condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_PROFILE)
        points = self.doc.points(entries.get("points"), f"`points` of {name}")
        return FitRule(name, when or _NEVER, points or 0)

    def _engagement_rule(self, node: Node) -> EngagementRule:
        doc = self.doc
        entries = doc.mapping(
            node, "an engagement rule", known=_ENGAGEMENT_RULE, later=_ENGAGEMENT_LATER, needs=("id", "match")
        )
        name = self._id(entries.get("id"), "an engagement rule's id")
        match = read_match(doc, entries["match"], name) if "match" in entries else ()
        when = self._condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_ACTIVITY)
        points = doc.points(entries.get("points"), f"`points` of {name}")
        if "points" not in entries and "reset" not in doc.entries(node, name):
            doc.note(node, f"the rule {name} needs `points`")
        once, per_day = read_limit(doc, entries.get("limit"), name)
        cap = doc.points(entries.get("cap"), f"`cap` of {name}", least=0)
        return EngagementRule(name, match, when, points or 0, once, per_day, cap)

    def _exclusion(self, node: Node) -> Exclusion:
        keys = ("id", "when", "reason")
        entries = self.doc.mapping(node, "an exclude rule", known=keys, needs=keys)
        name = self._id(entries.get("id"), "an exclude rule's id")
        when = self._condition(entries.get("when"), f"`when` of {name}", vocabulary.ON_PROFILE)
        return Exclusion(name, when or _NEVER, self.doc.text(entries.get("reason"), f"`reason` of {name}"))

    def _stages(self, node: Node | None) -> tuple[StageRule, ...]:
        if node is None:
            return ()
        doc = self.doc
        entries = doc.mapping(node, "`stages`", known=QUALIFIED)
        if sorted(entries, key=QUALIFIED.index) != list(entries):
            doc.note(node, f"`stages` stand lowest first: {', '.join(QUALIFIED)}")
        found = []
        for name, value in entries.items():
            rule = doc.mapping(
                value, f"the stage {name}", known=("enter", "leave", "min_fit", "any"), later=_STAGE_LATER
            )
            enter, leave, min_fit = (
                doc.points(rule.get(key), f"{key} of {name}") for key in ("enter", "leave", "min_fit")
            )
            conditions = [
                self._condition(one, f"`any` of {name}", vocabulary.ON_STAGE)
                for one in doc.items(rule.get("any"), f"`any` of {name}")
            ]
            if "enter" not in rule and not conditions:
                doc.note(value, f"the stage {name} needs `enter` or `any`, or nobody gets there")
            if leave is not None and "enter" not in rule:
                doc.note(rule["leave"], f"`leave` of {name} needs `enter`")
            if enter is not None and leave is not None and leave > enter:
                doc.note(rule["leave"], f"`leave` of {name} is above its `enter`: a lead would leave as it enters")
            given = tuple(one for one in conditions if one is not None)
            found.append(StageRule(name, enter, enter if leave is None else leave, min_fit, given))
        return tuple(found)

    def _grades(self, node: Node | None) -> Grades:
        if node is None:
            return Grades()
        entries = self.doc.mapping(node, "`grades`", known=("fit", "engagement"), needs=("fit", "engagement"))
        rows: dict[str, tuple[tuple[str, int], ...]] = {}
        for side, value in entries.items():
            named = [
                (name, self.doc.points(least, f"grades.{side}.{name}") or 0)
                for name, (_, least) in self.doc.entries(value, f"grades.{side}").items()
            ]
            if [least for _, least in named] != sorted({least for _, least in named}, reverse=True):
                self.doc.note(value, f"grades.{side} stand best first, each with fewer points than the one before")
            rows[side] = tuple(named)
        return Grades(rows.get("fit", ()), rows.get("engagement", ()))

    def _example(self, node: Node) -> Example:
        doc = self.doc
        keys = ("name", "profile", "activities", "expect")
        entries = doc.mapping(node, "an example", known=keys, needs=("name", "expect"))
        expect = (
            doc.mapping(entries["expect"], "`expect`", known=("fit", "engagement", "total", "stage", "grade"))
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
        points: dict[str, int] = {
            key: doc.points(expect[key], f"expect.{key}") or 0
            for key in ("fit", "engagement", "total")
            if key in expect
        }
        stage, grade = (doc.text(expect.get(key), f"expect.{key}") or None for key in ("stage", "grade"))
        return Example(
            doc.text(entries.get("name"), "an example's name"),
            node.start_mark.line + 1,
            profile,
            tuple(activities),
            points,
            stage,
            grade,
        )


_NEVER = condition("false")


def _cel_says(error: ValueError) -> str:
    """The heart of CEL's message: what is wrong, without the drawing below it."""
    found = re.search(r"<input>:\d+:(\d+): (.*)", str(error))
    return f"{found[2]} (at character {found[1]})" if found else str(error).splitlines()[0]
