"""What an outcome that sales reported does to a lead: back out of SQL and into it again, customers, outcomes early, late or from the future."""

from __future__ import annotations

import pytest

from tests.unit.score.builders import (
    NOON,
    READY,
    READY_FOR_SALES,
    Desk,
    an_activity,
    days,
    enriched,
    in_sql,
    outcome,
    rules_of,
)


@pytest.mark.parametrize("word", ["lost", "rejected", "recycled"])
def test_what_sends_a_lead_back_takes_it_out_of_sql_until_an_activity_after_it(word: str) -> None:
    desk = in_sql()
    scored = desk.tell(outcome(word, at=NOON), type_="lead.command", now=NOON)
    assert scored is not None
    assert (scored.stage, scored.previous_stage, scored.cause, scored.episode) == ("MQL", "SQL", "outcome", 1)
    assert rules_of(scored)["again"] == -5
    before = desk.tell(enriched(an_activity(3, at=NOON - days(3)), profile=READY))
    assert before is not None
    assert (before.score.total, before.stage) == (160, "MQL")
    machine = desk.tell(enriched(an_activity(4, at=NOON + days(1), human=0.2), profile=READY))
    assert machine is not None
    assert machine.stage == "MQL"
    after = desk.tell(enriched(an_activity(5, at=NOON + days(1), kind="page", name="page"), profile=READY))
    assert after is not None
    assert (after.stage, after.previous_stage, after.episode) == ("SQL", "MQL", 2)


def test_an_outcome_of_an_earlier_episode_counts_and_leaves_the_present_one_alone() -> None:
    desk = in_sql()
    desk.tell(outcome("rejected", handover_id="ho_ld_jo_1_1"), type_="lead.command")
    desk.tell(enriched(an_activity(5, at=NOON + days(1)), profile=READY))
    scored = desk.tell(
        outcome("lost", at=NOON + days(2), handover_id="ho_ld_jo_1_2"), type_="lead.command", now=NOON + days(2)
    )
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 2)
    assert desk.leads["ld_jo"].state.recycled == 1  # one episode is sent back once, however often it is said


def test_a_win_makes_a_customer_and_a_later_loss_ends_it() -> None:
    desk = in_sql()
    scored = desk.tell(outcome("won", at=NOON), type_="lead.command")
    assert scored is not None
    assert (scored.stage, scored.previous_stage) == ("customer", "SQL")
    scored = desk.tell(enriched(an_activity(7, at=NOON + days(1)), profile=READY))
    assert scored is not None
    assert scored.stage == "customer"
    scored = desk.tell(outcome("lost", at=NOON + days(2)), type_="lead.command", now=NOON + days(2))
    assert scored is not None
    assert (scored.stage, scored.previous_stage) == ("MQL", "customer")


@pytest.mark.parametrize("order", [("won", "lost"), ("lost", "won")])
def test_of_several_outcomes_the_one_that_occurred_last_counts_whatever_order_they_come_in(
    order: tuple[str, str],
) -> None:
    desk = in_sql()
    at = {"lost": NOON + days(1), "won": NOON + days(2)}
    for word in order:
        scored = desk.tell(outcome(word, at=at[word]), type_="lead.command", now=NOON + days(3))
    assert scored is not None
    assert scored.stage == "customer"


def test_an_outcome_from_the_future_does_not_close_sql_for_ever() -> None:
    desk = in_sql()
    desk.tell(outcome("rejected", at=NOON + days(3000)), type_="lead.command", now=NOON)
    scored = desk.tell(enriched(an_activity(5, at=NOON + days(1)), profile=READY))
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 2)


@pytest.mark.parametrize("word", ["accepted", "contacted", "meeting", "opportunity", "", "unheard-of"])
def test_steps_on_the_way_change_no_score(word: str) -> None:
    assert in_sql().tell(outcome(word), type_="lead.command") is None


def test_an_outcome_that_a_replay_brings_before_its_lead_is_kept_and_said_with_the_first_activity() -> None:
    desk = Desk()
    assert desk.tell(outcome("rejected", handover_id="ho_ld_jo_1_1"), type_="lead.command") is None
    for activity in READY_FOR_SALES:
        scored = desk.tell(enriched(activity, profile=READY))
    assert scored is not None
    assert (scored.stage, scored.episode, scored.score_version) == ("MQL", 1, 3)
    scored = desk.tell(enriched(an_activity(9, at=NOON + days(1)), profile=READY))
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 2)
