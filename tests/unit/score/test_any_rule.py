"""One rule alone, and a lead who did nothing but what falls under it: so each way of counting is met often, and by several activities."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.score.builders import BUSINESS, Desk, an_activity, enriched, ruleset
from tests.unit.score.rulesets import BEGIN
from tests.unit.score.test_fold_and_tally_agree import agree, once_per_revision

_HOURS = st.integers(0, 240) | st.sampled_from([0, 1, 24, 36, 72, 168])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A ruleset with one rule for forms, and sometimes one that resets."""
    keys = ["id: one", "match: {kind: form}", f"points: {draw(st.sampled_from([10, 3.33, -7]))}"]
    if draw(st.booleans()):
        limit = draw(st.sampled_from(["once", "1 per day", "2 per week", "3 per month", "1 per 36h"]))
        keys.append(f"limit: {limit}{draw(st.sampled_from(['', ' by name']))}")
    if (decay := draw(st.sampled_from([None, "half_life", "window", "fade"]))) is not None:
        keys.append(f"{decay}: {draw(st.sampled_from(['1h', '1d', '36h', '7d']))}")
    if draw(st.booleans()):
        keys.append(f"at_least: {draw(st.integers(2, 3))} within {draw(st.sampled_from(['1d', '3d', '7d']))}")
    if draw(st.integers(0, 3)) == 0:
        keys.append(f"cap: {draw(st.sampled_from([5, 25]))}")
    rules = ["{" + ", ".join(keys) + "}"]
    if draw(st.booleans()):
        rules.append("{id: again, match: {kind: page}, reset: true}")
    return _document(rules)


def _document(rules: list[str]) -> str:
    return "\n".join(
        [
            "format: 1\nid: one\ntimezone: Europe/Berlin",
            "fit: {rules: [{id: business, when: 'profile.email.kind == \"business\"', points: 12.5}]}",
            "engagement:\n  rules:",
            *(f"    - {rule}" for rule in rules),
            "stages: {MQL: {enter: 20, leave: 15}}\n",
        ]
    )


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Three to nine activities within ten days, nearly all of them forms, a few of them told twice or in another revision."""
    return [
        an_activity(
            draw(st.integers(0, 9)),
            at=BEGIN + timedelta(hours=draw(_HOURS)),
            revision=draw(st.sampled_from([0, 0, 0, 1])),
            kind=draw(st.sampled_from(["form"] * 4 + ["page"])),
            name=draw(st.sampled_from(["a", "a", "b"])),
        )
        for _ in range(draw(st.integers(3, 9)))
    ]


def _moment(activity: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(activity["occurred_at"]), activity["id"]


@settings(max_examples=1500)
@given(
    texts(),
    stories(),
    st.booleans(),
    st.lists(_HOURS, max_size=9),
    st.lists(st.sampled_from([BUSINESS, {}]), min_size=9),
)
def test_what_one_rule_counts_is_what_the_fold_counts_at_every_step(
    text: str, story: list[dict[str, Any]], in_order: bool, later: list[int], profiles: list[dict[str, Any]]
) -> None:
    in_force, now = ruleset(text), BEGIN
    desk, told = Desk(in_force), list[dict[str, Any]]()
    for step, activity in enumerate(sorted(story, key=_moment) if in_order else story):
        now = max(now, datetime.fromisoformat(activity["occurred_at"]))
        now += timedelta(hours=later[step] if step < len(later) else 0)
        told = once_per_revision([*told, activity])
        scored = desk.tell(enriched(told[-1], profile=profiles[step], profile_version=step), now=now)
        agree(scored, told, profiles[step], in_force, now)


def test_what_fades_is_what_has_not_left() -> None:
    rule = "{id: one, match: {kind: form}, points: 10, fade: 1d}"
    in_force, told = ruleset(_document([rule])), list[dict[str, Any]]()
    desk = Desk(in_force)
    for number, (kind, hours) in enumerate([("form", 0), ("form", 20), ("page", 30)]):
        now = BEGIN + timedelta(hours=hours)
        told.append(an_activity(number, at=now, kind=kind))
        agree(desk.tell(enriched(told[-1], profile=BUSINESS), now=now), told, BUSINESS, in_force, now)


def test_a_reset_that_is_told_late_takes_what_was_before_it() -> None:
    rules = ["{id: one, match: {kind: form}, points: 10}", "{id: again, match: {kind: page}, reset: true}"]
    in_force, told, now = ruleset(_document(rules)), list[dict[str, Any]](), BEGIN + timedelta(hours=10)
    desk = Desk(in_force)
    for number, (kind, hours) in enumerate([("form", 0), ("form", 10), ("page", 5)]):
        told.append(an_activity(number, at=BEGIN + timedelta(hours=hours), kind=kind))
        agree(desk.tell(enriched(told[-1], profile=BUSINESS), now=now), told, BUSINESS, in_force, now)
