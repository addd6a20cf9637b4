"""What the reference document says of stories that were worked out by hand (reference_stories/): the path that serves traffic and the fold agree with each."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import Struct

from services.score.domain import history as histories
from services.score.domain.fold import fold
from services.score.domain.inforce import InForce
from services.score.domain.judging import SENT_BACK
from services.score.domain.lead import Due
from services.score.domain.rescore import Tallied, rescored
from shared.contracts import Contribution
from shared.stage import Input
from tests.unit.score.builders import NOON, Desk, an_activity, enriched, outcome, ruleset
from tests.unit.score.test_clock import let_time_pass

HERE = Path(__file__).parent
DOCUMENT = (HERE.parents[2] / "services/score/rulesets/reference.yaml").read_text()


class Expected(Struct, forbid_unknown_fields=True, kw_only=True):
    """All that is said of a lead. `contributions` by rule, or by rule and value of its limit's `by`; `clock`: the changes of stage that the
    clock made, by moment, where a story is about them."""

    fit: float
    engagement: float
    total: float
    stage: str
    grade: str
    contributions: dict[str, float]
    segments: list[str] = []
    episode: int | None = None
    clock: dict[str, str] | None = None


class Story(Struct, forbid_unknown_fields=True, kw_only=True):
    """What happened to a lead until `now`. Moments are ISO 8601 or relative to now (-29d23h). `told` of an activity: when it became known.
    `instead`: other words in the document, for what its own values leave out of reach."""

    name: str
    why: str
    expect: Expected
    activities: list[dict[str, Any]]
    profile: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    now: str | None = None
    instead: dict[str, str] = {}


STORIES = [
    story
    for path in sorted((HERE / "reference_stories").glob("*.yaml"))
    for story in msgspec.convert(yaml.safe_load(path.read_text()), list[Story])
]


def moment(text: str, now: datetime) -> datetime:
    """An instant of a story."""
    found = re.fullmatch(r"([+-]?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if found is None:
        return datetime.fromisoformat(text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return now - span if found[1] == "-" else now + span


def in_force(story: Story) -> InForce:
    text = DOCUMENT
    for words, others in story.instead.items():
        assert words in text
        text = text.replace(words, others)
    return ruleset(text)


def happened(story: Story, now: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """The activities, each with the moment it became known."""
    found = []
    for number, told in enumerate(story.activities):
        fields = {"name": told["kind"], **told}
        at = moment(fields.pop("at"), now)
        known = moment(fields.pop("told"), now) if "told" in fields else at
        found.append((known, an_activity(number, at=at, **fields)))
    return found


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_what_is_served_is_what_was_worked_out_by_hand(story: Story) -> None:
    now = moment(story.now, NOON) if story.now else NOON
    desk = Desk(in_force(story))
    records = [(at, "lead.enriched", enriched(one, profile=story.profile)) for at, one in happened(story, now)]
    for at, word in ((moment(at, now), word) for at, word in story.outcomes.items()):
        records.append((at, "lead.command", outcome(word, at=at)))
    changes = []
    for at, type_, record in sorted(records, key=lambda one: one[0]):
        changes += let_time_pass(desk, at) if desk.leads else []
        desk.tell(record, type_=type_, now=at)
    changes += let_time_pass(desk, now)

    # Looked at once more, with all that is kept: an activity that lies ahead asks for it.
    desk.always_loads_all = True
    lead = desk.load([Input("look", Due("ld_jo"), now, 3)])["ld_jo"]
    past = histories.history(map(desk.in_force.fact, lead.bodies))
    state, points = rescored(
        lead.state,
        desk.in_force,
        Tallied(lead.state.tally, past, None),
        profile=lead.profile,
        absorbed=(),
        now=now,
        now_in=lead.state.stage,
        may_enter_sql=lead.state.may_enter_sql,
        by_clock=True,
    )
    expected = story.expect
    said = msgspec.json.decode(points.contributions, type=list[Contribution])
    assert {f"{one.rule} {one.by or ''}".strip(): one.points for one in said} == expected.contributions
    assert len(said) == len(expected.contributions)
    assert (points.fit / 100, points.engagement / 100, points.total / 100) == (
        expected.fit,
        expected.engagement,
        expected.total,
    )
    assert (state.stage, state.grade, list(state.segments)) == (expected.stage, expected.grade, expected.segments)
    # The clock has told it already: looking says nothing new.
    assert (lead.state.stage, lead.state.grade, lead.state.segments) == (state.stage, state.grade, state.segments)
    if expected.episode is not None:
        assert state.episode == expected.episode
    if expected.clock is not None:
        stages = [(at, f"{before} to {after}") for at, before, after in changes if before != after]
        assert stages == [(moment(at, now), words) for at, words in expected.clock.items()]


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_the_reference_fold_says_what_was_worked_out_by_hand(story: Story) -> None:
    now = moment(story.now, NOON) if story.now else NOON
    sent_back = [moment(at, now) for at, word in story.outcomes.items() if word in SENT_BACK]
    won = [moment(at, now) for at, word in story.outcomes.items() if word == "won"]
    folded = fold(
        in_force(story).ruleset,
        [one for _, one in happened(story, now)],
        story.profile,
        now=now,
        recycled=len(sent_back),
        customer_since=min(won, default=None),
        sent_back_at=max(sent_back, default=None),
    )
    expected = story.expect
    assert {f"{one.rule} {one.by}".strip(): float(one.points) for one in folded.parts} == expected.contributions
    assert len(folded.parts) == len(expected.contributions)
    assert (float(folded.fit), float(folded.engagement), float(folded.total)) == (
        expected.fit,
        expected.engagement,
        expected.total,
    )


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_the_contributions_of_a_story_add_up_to_its_total(story: Story) -> None:
    assert sum(round(points * 100) for points in story.expect.contributions.values()) == round(story.expect.total * 100)


def test_the_stories_meet_every_rule_cap_floor_stage_grade_and_segment_of_the_document() -> None:
    document = ruleset(DOCUMENT).ruleset
    rules = {rule.id for group in (document.fit, document.engagement, document.idle) for rule in group}
    rules |= {f"override:{rule.id}" for rule in document.override} | {f"exclude:{rule.id}" for rule in document.exclude}
    rules |= {"fit:cap", "webinar:cap", "engagement:cap", "engagement:floor", "total:cap", "total:floor"}
    assert {name.split()[0] for story in STORIES for name in story.expect.contributions} == rules
    stages = {rule.name for rule in document.stages} | {"raw", "disqualified", "customer"}
    assert {story.expect.stage for story in STORIES} == stages
    assert {sign for story in STORIES for sign in story.expect.grade} == set("ABCD1234")
    assert {name for story in STORIES for name in story.expect.segments} == {one.id for one in document.segments}
    assert len({story.name for story in STORIES}) == len(STORIES)
