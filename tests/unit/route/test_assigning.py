"""An operator gives a lead to somebody, or score disqualifies it."""

from __future__ import annotations

from services.route.domain.lifecycle import State
from services.route.domain.state import DUE
from shared.contracts import HandoverWithdrawn
from shared.outcome import CommandResult, Decision, Reason, Reject
from shared.stage import Record
from tests.unit.route.builders import Desk, assigned, commanded, handover, in_time, scored, two_free_owners


def said(desk: Desk, command: Record) -> CommandResult:
    outcome = desk.judges(command)
    assert isinstance(outcome, Decision)
    (result,) = outcome.commands
    return result


def test_an_open_handover_is_passed_on_to_who_is_named() -> None:
    desk = Desk(in_time(two_free_owners()))
    desk.reads(scored(), commanded("accepted"))
    result = said(desk, assigned())
    assert (result.status, result.result) == ("done", "ho_ld_jo_1_2")
    told, given = desk.emitted[-2:]
    assert isinstance(told.data, HandoverWithdrawn)
    assert told.data.because == "assigned by an operator; passed on to bob"
    assert handover(given).owner.id == "bob"
    assert [(step.rule, step.to) for step in handover(given).path] == [("attempt:2", "bob")]
    assert desk.handover().state is State.WITHDRAWN  # not expired: it was no fault of ann's
    assert {key.key for key in desk.timers()} == {"ho_ld_jo_1_2"}


def test_who_has_it_already_keeps_it() -> None:
    desk = Desk(two_free_owners())
    desk.reads(scored())
    assert said(desk, assigned("ann")).result == "ho_ld_jo_1_1"
    assert len(desk.emitted) == 1


def test_a_lead_without_an_open_handover_goes_there_next() -> None:
    desk = Desk()
    desk.reads(scored(stage="MQL"))
    assert said(desk, assigned("cleo")).status == "done"
    (given,) = desk.reads(scored(version=2))
    assert handover(given).owner.id == "cleo"


def test_nobody_of_that_name_and_no_lead_of_that_name_are_refused() -> None:
    desk = Desk()
    assert said(desk, assigned("anna")).reason == "no lead of this id was scored yet"
    desk.reads(scored(), scored("ld_new", stage="MQL", absorbed=["ld_jo"]))
    assert said(desk, assigned("zoe", lead_id="ld_new")).reason == (
        "zoe is not among the owners of the routing document"
    )
    assert said(desk, assigned("anna")).reason == "this lead is ld_new since a merge"


def test_a_broken_assignment_is_refused() -> None:
    desk = Desk()
    for bad, reason in (
        (assigned(7), Reason.INVALID),
        (assigned(lead_id=None), Reason.NO_IDENTIFIER),
        (assigned(payload={}), Reason.INVALID),
    ):
        outcome = desk.judges(bad)
        assert isinstance(outcome, Reject)
        assert outcome.reason is reason


def test_a_lead_that_is_disqualified_has_no_open_handover_and_its_owner_is_told() -> None:
    desk = Desk(in_time(two_free_owners()))
    desk.reads(scored(), commanded("accepted"))
    (told,) = desk.reads(scored(version=2, stage="disqualified"))
    assert isinstance(told.data, HandoverWithdrawn)
    assert told.data.because == "the lead is disqualified"
    assert desk.handover().state is State.WITHDRAWN
    assert desk.timers() == {}
    assert desk.reads(scored(version=3, stage="disqualified")) == []
    assert DUE in desk.world
