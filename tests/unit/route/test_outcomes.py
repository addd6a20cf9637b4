"""What an outcome does to a handover, and that none is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain.lifecycle import NEXT, OUTCOMES, State, Verdict
from services.route.domain.state import Key, Logged
from shared.outcome import Decision, Reason, Reject
from shared.topology import COMMANDS
from tests.unit.route.builders import Desk, commanded, record, scored


def verdicts(desk: Desk) -> list[str]:
    logged = [value for key, value in desk.world.items() if isinstance(key, Key) and key.kind == "log"]
    return [one.verdict for one in sorted(logged, key=lambda one: one.received_at)]


def test_an_outcome_moves_its_handover() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("accepted"), commanded("contacted"), commanded("won", payload={"amount": 900.0}))
    assert desk.handover().state is State.WON
    assert verdicts(desk) == ["applied"] * 3


def test_an_outcome_names_a_lead_and_means_its_newest_open_handover() -> None:
    desk = Desk()
    desk.reads(scored(), scored(version=2, stage="MQL"), scored(version=3))
    desk.reads(commanded("accepted", handover_id=None))
    assert desk.handover("ho_ld_jo_2_1").state is State.ACCEPTED
    assert desk.handover("ho_ld_jo_1_1").state is State.OFFERED


def test_a_repeat_is_kept_and_changes_nothing() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("accepted"), commanded("accepted"))
    assert verdicts(desk) == ["applied", "repeat"]


def test_a_step_back_is_late_and_an_outcome_after_the_end_is_impossible() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("meeting"), commanded("contacted"), commanded("lost"), commanded("won"))
    assert verdicts(desk) == ["applied", "late", "applied", "impossible"]
    assert desk.handover().state is State.LOST


def test_a_rejected_lead_may_qualify_again() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("rejected", payload={"reason": "no-budget"}), scored(version=2, stage="MQL"))
    assert [one.key for one in desk.reads(scored(version=3))] == ["ld_jo"]
    assert desk.handover("ho_ld_jo_2_1").state is State.OFFERED


def test_an_outcome_that_comes_before_its_handover_is_applied_when_it_is_there() -> None:
    desk = Desk()
    desk.reads(commanded("contacted", payload={"occurred_at": "2026-11-27T12:05:00Z"}))
    desk.reads(commanded("accepted", payload={"occurred_at": "2026-11-27T12:04:00Z"}))
    assert verdicts(desk) == ["waiting", "waiting"]
    desk.reads(scored())
    assert desk.handover().state is State.CONTACTED
    assert set(verdicts(desk)) == {"applied"}


def test_an_outcome_of_a_later_episode_waits_for_that_episode() -> None:
    desk = Desk()
    desk.reads(commanded("won", handover_id="ho_ld_jo_2_1"), scored())
    assert verdicts(desk) == ["waiting"]
    desk.reads(scored(version=2, stage="MQL"), scored(version=3))
    assert desk.handover("ho_ld_jo_2_1").state is State.WON
    assert desk.handover("ho_ld_jo_1_1").state is State.OFFERED


def test_an_attempt_that_never_was_is_unknown() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("won", handover_id="ho_ld_jo_1_7"))
    assert verdicts(desk) == ["unknown"]


def test_a_command_of_another_kind_is_none_of_route_s() -> None:
    assert Desk().judges(commanded(kind="merge", payload={"outcome": 7})) == Decision()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (commanded("sold"), Reason.INVALID),
        (commanded(handover_id="ho_x"), Reason.INVALID),
        (commanded(handover_id=None, lead_id=None), Reason.NO_IDENTIFIER),
        (commanded(payload={"reason": "a\x00"}), Reason.INVALID),
        (commanded(payload={"occurred_at": "2026-11-27T10:00:00"}), Reason.INVALID),
        (commanded(event_id="x"), Reason.INVALID),
        (record(b"{", topic=COMMANDS.name), Reason.UNDECODABLE),
        (record({"event_id": "x", "kind": "outcome"}, topic=COMMANDS.name), Reason.INVALID),
    ],
)
def test_a_broken_command_is_refused(bad: object, reason: Reason) -> None:
    outcome = Desk().judges(bad)  # type: ignore[arg-type]
    assert isinstance(outcome, Reject)
    assert outcome.reason is reason


@given(st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=12))
@settings(deadline=None, max_examples=50)
def test_any_outcomes_in_any_order_are_all_kept_and_only_allowed_steps_are_taken(said: list[str]) -> None:
    desk = Desk()
    desk.reads(scored(), *(commanded(outcome) for outcome in said))
    logged = [one for key, one in desk.world.items() if isinstance(key, Key) and isinstance(one, Logged)]
    assert sorted(one.outcome for one in logged) == sorted(said)
    for one in logged:
        assert one.before is not None
        assert one.after is not None
        assert (one.after in NEXT[one.before]) is (one.verdict is Verdict.APPLIED)
