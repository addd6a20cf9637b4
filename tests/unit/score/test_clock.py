"""What the clock does to a lead: found at its moment, told once, and nothing of it missed, whatever the ruleset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.score.domain import review
from services.score.domain.inforce import InForce
from services.score.domain.lead import Absorbed, Due, Judged, Lead
from services.score.domain.rescore import Tallied, rescored
from services.score.domain.tally import LEAVING, is_enough
from shared.outcome import Decision
from shared.stage import Input
from tests.unit.score.builders import BUSINESS, NOON, Desk, an_activity, days, enriched, outcome, ruleset
from tests.unit.score.rulesets import BEGIN, activities, texts
from tests.unit.score.test_fold_and_tally_agree import once_per_revision
from tests.unit.score.test_load import SMALL


def as_it_is(lead: Lead, in_force: InForce, now: datetime) -> tuple[Any, ...]:
    """Stage, grade and segments when the lead is looked at, whether or not it is time to."""
    state = lead.state
    after, _ = rescored(
        state,
        in_force,
        Tallied(state.tally, None, None),
        profile=lead.profile,
        absorbed=(),
        now=now,
        now_in=state.stage,
        may_enter_sql=state.may_enter_sql,
        by_clock=True,
    )
    return after.stage, after.grade, after.segments


def let_time_pass(desk: Desk, until: datetime, *, lead_id: str = "ld_jo") -> list[tuple[datetime, str, str]]:
    """All that falls due until then, each at its moment; when stages changed, from what and to what."""
    changes = []
    while (due := desk.leads[lead_id].state.review_at) is not None and due <= until:
        decided = desk.decide(Input("timer", Due(lead_id), due, 3))
        assert isinstance(decided, Decision)
        for outgoing in decided.emit:
            told = msgspec.json.decode(msgspec.json.encode(outgoing.data))
            assert told["cause"] == "clock"
            changes.append((due, told["previous_stage"], told["stage"]))
    return changes


@settings(deadline=None, max_examples=250)
@given(
    texts(), st.lists(activities(), min_size=1, max_size=15), st.lists(st.integers(0, 5000), min_size=1, max_size=30)
)
def test_at_no_moment_has_the_clock_changed_anything_that_was_not_told(
    text: str, story: list[dict[str, Any]], hours: list[int]
) -> None:
    desk = Desk(ruleset(text))
    moments = sorted(BEGIN + timedelta(hours=hour) for hour in hours)
    story = sorted(once_per_revision(story), key=lambda one: (one["occurred_at"], one["id"]))
    at = BEGIN
    for activity in story:
        at = max(at, datetime.fromisoformat(activity["occurred_at"]))
        for moment in (one for one in moments if at > one and "ld_jo" in desk.leads):
            let_time_pass(desk, moment)
        let_time_pass(desk, at) if "ld_jo" in desk.leads else None
        desk.tell(enriched(activity, profile=BUSINESS), now=at)
    for moment in (one for one in moments if one >= at):
        let_time_pass(desk, moment)
        lead = desk.leads["ld_jo"]
        if is_enough(lead.state.tally, desk.in_force.ruleset, moment):
            state = lead.state
            assert as_it_is(lead, desk.in_force, moment) == (state.stage, state.grade, state.segments)


@settings(deadline=None, max_examples=200)
@given(texts(), st.lists(activities(), min_size=2, max_size=12), st.integers(0, 3000))
def test_a_timer_and_the_next_event_tell_the_same(text: str, story: list[dict[str, Any]], hours: int) -> None:
    """What the clock does is decided for its own moment: it makes no difference who comes to it first."""
    story = sorted(once_per_revision(story), key=lambda one: (one["occurred_at"], one["id"]))
    told = []
    for has_timers in (True, False):
        desk = Desk(ruleset(text))
        at = BEGIN
        for activity in story:
            at = max(at, datetime.fromisoformat(activity["occurred_at"]) + timedelta(hours=hours % 50))
            if has_timers and "ld_jo" in desk.leads:
                let_time_pass(desk, at)
            scored = desk.tell(enriched(activity, profile=BUSINESS, event_id=activity["id"]), now=at)
        told.append((scored, desk.leads["ld_jo"].state))
    assert told[0] == told[1]


DECAYING = SMALL.replace("points: 5", "points: 40\n      half_life: 30d").replace(
    "SQL: {enter: 15}", "MQL: {enter: 15, leave: 15}\n  SQL: {enter: 45, leave: 30}"
)


def test_a_lead_leaves_a_stage_when_its_points_have_fallen_below_it() -> None:
    desk = Desk(ruleset(DECAYING))
    scored = desk.tell(enriched(an_activity(1), profile=BUSINESS))
    assert scored is not None
    assert (scored.score.total, scored.stage) == (50, "SQL")
    (left_sql,) = let_time_pass(desk, NOON + days(60))
    # 10 + 40 * 0.5 ^ (d / 30) rounds to 29.99 where the second part passes 19.995.
    assert left_sql[1:] == ("SQL", "MQL")
    assert abs(left_sql[0] - (NOON + days(30.0108206))) < timedelta(seconds=5)
    (left_mql,) = let_time_pass(desk, NOON + days(900))
    assert left_mql[1:] == ("MQL", "raw")
    assert abs(left_mql[0] - (NOON + days(90.0433))) < timedelta(minutes=1)
    assert let_time_pass(desk, NOON + days(9000)) == []


def test_what_the_clock_did_is_kept_though_what_came_then_changes_nothing() -> None:
    desk = Desk(ruleset(DECAYING))
    desk.tell(enriched(an_activity(1), profile=BUSINESS))
    at = NOON + days(60)
    decided = desk.decide(Input("word", Judged("ld_jo", "no-such-outcome", at, None), at, 3))
    assert isinstance(decided, Decision)
    assert len(decided.emit) == 1
    assert desk.leads["ld_jo"].state.stage == "MQL"


def test_a_lead_that_no_threshold_is_near_is_not_looked_at_within_minutes() -> None:
    # 10 for the mail and 40 that halve: a threshold above, to which nothing rises, is no reason to look; one that is met exactly is
    # left as soon as half a hundredth is gone.
    for enter, least in (("50.5", days(3)), ("50", timedelta(minutes=6))):
        desk = Desk(ruleset(DECAYING.replace("enter: 45, leave: 30", f"enter: {enter}, leave: 45")))
        desk.tell(enriched(an_activity(1), profile=BUSINESS))
        at = desk.leads["ld_jo"].state.review_at
        assert at is not None
        assert at >= NOON + least


def test_a_stage_is_not_left_by_the_clock_alone_within_its_dwell() -> None:
    text = DECAYING.replace("half_life: 30d", "window: 2h").replace("leave: 30}", "leave: 30, dwell: 24h}")
    desk = Desk(ruleset(text))
    desk.tell(enriched(an_activity(1), profile=BUSINESS))
    assert let_time_pass(desk, NOON + days(3)) == [(NOON + days(1), "SQL", "raw")]


def test_a_hand_raiser_is_held_up_until_the_time_is_over() -> None:
    text = SMALL + "override:\n  - {id: demo, match: {name: demo}, stage: SQL, for: 30d}\n"
    desk = Desk(ruleset(text))
    scored = desk.tell(enriched(an_activity(1, name="demo"), profile={}))
    assert scored is not None
    assert scored.stage == "SQL"
    assert [(part.rule, part.points) for part in scored.contributions] == [("contact", 5), ("override:demo", 0)]
    assert let_time_pass(desk, NOON + days(40)) == [(NOON + days(30), "SQL", "raw")]


def test_a_rejection_ends_the_override_of_what_was_done_before_it() -> None:
    text = SMALL + "override:\n  - {id: demo, match: {name: demo}, stage: SQL, for: 30d}\n"
    desk = Desk(ruleset(text))
    desk.tell(enriched(an_activity(1, name="demo"), profile={}))
    rejected = desk.tell(outcome("rejected", at=NOON + days(1)), type_="lead.command", now=NOON + days(1))
    assert rejected is not None
    assert rejected.stage == "raw"
    again = desk.tell(enriched(an_activity(2, name="demo", at=NOON + days(2)), profile={}), now=NOON + days(2))
    assert again is not None
    assert (again.stage, again.episode) == ("SQL", 2)


def test_idle_time_takes_points_step_by_step_to_its_cap() -> None:
    text = (
        SMALL.replace("points: 5", "points: 40") + "idle: [{id: quiet, after: 30d, points: -10, every: 30d, cap: 25}]\n"
    )
    desk = Desk(ruleset(text))
    desk.tell(enriched(an_activity(1), profile={}))
    for after, total in ((29, 40), (30, 30), (60, 20), (90, 15), (500, 15)):
        scored = desk.tell(outcome("rejected", at=NOON), type_="lead.command", now=NOON + days(after))
        assert scored is not None
        assert scored.score.total == total, after


def test_a_lead_of_another_ruleset_is_counted_by_the_one_in_force_when_it_is_looked_at() -> None:
    desk = Desk(ruleset(SMALL))
    desk.tell(enriched(an_activity(1), profile=BUSINESS))
    assert desk.leads["ld_jo"].state.review_at is None
    desk.use(ruleset(DECAYING))
    decided = desk.decide(Input("timer", Due("ld_jo"), NOON + days(1), 3))
    assert isinstance(decided, Decision)
    state = desk.leads["ld_jo"].state
    assert not decided.emit  # it was in SQL, and is
    assert (state.total, state.fingerprint) == (4909, desk.in_force.ruleset.fingerprint)
    assert state.review_at is not None


def test_nothing_that_stands_still_is_looked_at_again() -> None:
    desk = Desk(ruleset())
    desk.tell(enriched(an_activity(1)))
    assert desk.leads["ld_jo"].state.review_at is None


@pytest.mark.parametrize("decay", ["window: 30d", "fade: 30d"])
def test_a_history_that_is_too_old_already_is_counted_however_long_it_is(decay: str) -> None:
    """Of a visitor who identifies, and of an import, old activities come in order: more than a tally has room for, and none of them counts."""
    desk = Desk(ruleset(SMALL.replace("points: 5", f"points: 5\n      {decay}")))
    for number in range(LEAVING + 6):
        at = NOON - days(60) + timedelta(minutes=number)
        scored = desk.tell(enriched(an_activity(number, at=at), profile=BUSINESS))
        assert scored is not None
        assert scored.score.total == 10


def test_a_late_activity_among_many_does_not_hide_when_points_are_lost() -> None:
    text = DECAYING.replace("half_life: 30d", "window: 30d").replace("points: 40", "points: 1")
    desk = Desk(ruleset(text.replace("SQL: {enter: 45, leave: 30}", "SQL: {enter: 500}")))
    story = [NOON - days(49) + timedelta(minutes=number) for number in range(LEAVING + 6)]
    story += [NOON - days(20) + timedelta(minutes=number) for number in range(20)]
    for number, at in enumerate(story):
        desk.tell(enriched(an_activity(number, at=at), profile={}), now=at)
    late = desk.tell(enriched(an_activity(1000, at=NOON - days(21)), profile={}))
    assert late is not None
    assert (late.score.total, late.stage) == (21, "MQL")
    assert let_time_pass(desk, NOON + days(11)) == [(NOON + days(10) + timedelta(minutes=5), "MQL", "raw")]


def test_a_ruleset_without_a_stage_takes_those_who_are_in_it_out_when_they_are_looked_at() -> None:
    desk = Desk(ruleset(DECAYING))
    scored = desk.tell(enriched(an_activity(1), profile={}))
    assert scored is not None
    assert scored.stage == "MQL"
    desk.use(ruleset(DECAYING.replace("  MQL: {enter: 15, leave: 15}\n", "")))
    due = desk.leads["ld_jo"].state.review_at
    assert due is not None
    decided = desk.decide(Input("timer", Due("ld_jo"), due, 3))
    assert isinstance(decided, Decision)
    (outgoing,) = decided.emit
    assert msgspec.json.decode(msgspec.json.encode(outgoing.data))["stage"] == "raw"


def test_what_the_clock_did_before_a_merge_is_told_whoever_comes_to_it_first() -> None:
    told = []
    for has_timers in (True, False):
        desk = Desk(ruleset(DECAYING))
        desk.tell(enriched(an_activity(1), profile=BUSINESS))
        by_timer = let_time_pass(desk, NOON + days(60)) if has_timers else []
        decided = desk.decide(Input("merge", Absorbed("ld_jo", "ld_al"), NOON + days(60), 3))
        assert isinstance(decided, Decision)
        told.append((len(by_timer) + len(decided.emit), desk.leads["ld_jo"].state))
    assert told[0] == told[1]
    assert told[0][0] == 1


def test_who_raised_no_hand_after_all_is_not_held_up_though_it_ended_what_was_before_too() -> None:
    text = SMALL.replace("points: 5", "points: 5\n      reset: true")
    desk = Desk(ruleset(text + "override:\n  - {id: demo, match: {name: demo}, stage: SQL, for: 30d}\n"))
    raised = desk.tell(enriched(an_activity(1, name="demo"), profile={}))
    withdrawn = desk.tell(enriched(an_activity(1, name="demo", revision=1, withdrawn=True), profile={}))
    assert raised is not None
    assert withdrawn is not None
    assert (raised.stage, withdrawn.stage) == ("SQL", "raw")


def test_points_that_fall_and_rise_along_a_threshold_are_looked_at_in_parts() -> None:
    """Hundredth by hundredth it would take seconds, in which no other lead has its turn."""
    rules = """points: 1000
      fade: 30d
    - {id: down, match: {kind: form}, points: -1000, fade: 30d}"""
    desk = Desk(ruleset(SMALL.replace("points: 5", rules).replace("enter: 15", "enter: 10")))
    scored = desk.tell(enriched(an_activity(1), profile=BUSINESS))
    assert scored is not None
    assert (scored.score.total, scored.stage) == (10, "SQL")
    due = desk.leads["ld_jo"].state.review_at
    assert due is not None
    with patch.object(review, "points_at", wraps=review.points_at) as looks:
        desk.decide(Input("timer", Due("ld_jo"), due, 3))
    assert looks.call_count < 500
    again = desk.leads["ld_jo"].state.review_at
    assert again is not None
    assert again > due
