"""Deadlines: who does not accept in time loses the lead to the next, and what can't go on is escalated."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.route.domain.events import withdrawal_event
from services.route.domain.lifecycle import State
from services.route.domain.pace import Took
from services.route.domain.routing import Routing
from services.route.domain.state import Key
from services.route.domain.working import Calendar
from shared.contracts import HandoverEscalated, HandoverWithdrawn
from shared.outcome import Outgoing
from tests.unit.route.builders import (
    NOON,
    Desk,
    activity,
    commanded,
    handover,
    in_time,
    owners,
    record,
    routing,
    scored,
    two_free_owners,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def two(**given: Any) -> Routing:
    return in_time(two_free_owners(), **given)


def types(written: list[Outgoing]) -> list[str]:
    return [one.type.removeprefix("lead.handover").lstrip(".") or "handover" for one in written]


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def opened(by: Routing, **given: Any) -> Desk:
    desk = Desk(by)
    desk.reads(record(scored(**given), at=NOON + SECOND))
    desk.moment = NOON + SECOND
    return desk


def test_a_handover_tells_its_deadlines_in_the_owner_s_working_time() -> None:
    nine_to_one = Calendar(ZoneInfo("Europe/Berlin"), (((9 * 60, 13 * 60),),) * 5 + ((),) * 2)
    by = two()
    by = dataclasses.replace(
        by, owners={id_: dataclasses.replace(one, calendar=nine_to_one) for id_, one in by.owners.items()}
    )
    desk = Desk(by)
    (written,) = desk.reads(record(scored(), at=datetime.fromisoformat("2026-11-27T12:40:00+01:00")))
    told = handover(written)
    assert told.accept_by == datetime.fromisoformat("2026-11-30T09:10:00+01:00")  # a Friday: the rest on Monday
    assert told.contact_by == datetime.fromisoformat("2026-11-30T12:40:00+01:00")
    assert {(key.kind, one.due_at) for key, one in desk.timers().items()} == {
        ("accept", told.accept_by),
        ("contact", told.contact_by),
    }


def test_without_deadlines_nothing_falls_due() -> None:
    desk = opened(two_free_owners())
    assert desk.timers() == {}
    assert handover(desk.emitted[0]).accept_by is None


def test_who_does_not_accept_in_time_loses_the_lead_to_the_next_and_is_told() -> None:
    desk = opened(two())
    assert desk.passes(at(30)) == []
    told, next_ = desk.passes(at(31))
    assert isinstance(told.data, HandoverWithdrawn)
    assert (told.data.handover_id, told.data.owner.id) == ("ho_ld_jo_1_1", "ann")
    assert told.data.because == "not accepted by 2026-11-27T12:30:01.000Z; passed on to bob"
    second = handover(next_)
    assert (second.handover_id, second.episode, second.attempt, second.owner.id) == ("ho_ld_jo_1_2", 1, 2, "bob")
    assert second.created_at == at(30) + SECOND
    assert second.accept_by == at(60) + SECOND
    assert [(step.rule, step.to) for step in second.path] == [
        ("attempt:2", None),
        ("pool:all/ann", None),
        ("pool:all", "bob"),
    ]
    assert "ann had it already" in (second.path[1].because or "")
    assert second.profile == handover(desk.emitted[0]).profile
    assert desk.handover().state is State.EXPIRED
    assert desk.handover("ho_ld_jo_1_2").state is State.OFFERED
    assert desk.lead().owner == "bob"


def test_who_accepts_in_time_keeps_it() -> None:
    desk = opened(two())
    desk.reads(commanded("accepted"))
    assert desk.passes(at(60)) == []
    assert desk.handover().accepted_at == NOON + 2 * SECOND
    assert [key.kind for key in desk.timers()] == ["contact"]


def test_an_acceptance_that_the_broker_has_at_the_very_moment_is_too_late() -> None:
    desk = opened(two())
    desk.reads(commanded("accepted", at=at(30) + SECOND, payload={"occurred_at": "2026-11-27T12:10:00Z"}))
    assert desk.handover().state is State.EXPIRED
    assert desk.handover().accepted_at is None
    assert [one.verdict for key, one in desk.world.items() if isinstance(key, Key) and key.kind == "log"] == ["late"]
    assert desk.handover("ho_ld_jo_1_2").owner == "bob"


def test_a_record_of_the_lead_comes_after_what_fell_due_before_it() -> None:
    desk = opened(two())
    written = desk.reads(commanded("accepted", at=at(45)))
    assert types(written) == ["withdrawn", "handover"]
    (logged,) = (one for key, one in desk.world.items() if isinstance(key, Key) and key.kind == "log")
    assert (logged.verdict, logged.before) == ("late", State.EXPIRED)


def test_after_the_last_attempt_it_stays_and_is_escalated_once() -> None:
    desk = opened(two())
    written = desk.passes(at(200))
    assert types(written) == ["withdrawn", "handover", "withdrawn", "handover", "escalated"]
    assert owners(written) == ["bob", "ann"]  # nobody else is there: it comes round again, but not to who has it
    told = written[-1].data
    assert isinstance(told, HandoverEscalated)
    assert (told.handover_id, told.owner.id, told.deadline) == ("ho_ld_jo_1_3", "ann", "accept")
    assert told.because == "not accepted by 2026-11-27T13:30:01.000Z, after 3 attempts"
    assert told.escalated_to is None  # the document has no desk
    assert desk.handover("ho_ld_jo_1_3").state is State.OFFERED
    assert [key.kind for key in desk.timers()] == ["contact"]
    desk.reads(commanded("accepted", handover_id="ho_ld_jo_1_3", at=at(210)))
    assert desk.handover("ho_ld_jo_1_3").state is State.ACCEPTED
    assert types(desk.passes(at(2000))) == ["escalated"]  # nobody called


def test_where_nobody_else_is_there_it_stays_and_is_escalated_at_once() -> None:
    alone = routing("""
format: 1
id: alone
owners: [{id: ann, name: Ann, email: ann@us.example}, {id: desk, name: Desk, email: desk@us.example}]
pools: {all: [ann]}
rules: [{id: everybody, when: 'true', to: {pool: all}}]
""")
    desk = opened(in_time(alone))
    (told,) = desk.passes(at(60))
    assert isinstance(told.data, HandoverEscalated)
    assert told.data.because == "not accepted by 2026-11-27T12:30:01.000Z, nobody else is there"
    assert told.data.escalated_to is not None
    assert told.data.escalated_to.id == "desk"


def test_who_did_not_call_in_time_is_escalated_and_keeps_the_lead() -> None:
    desk = opened(two())
    desk.reads(commanded("accepted"))
    (told,) = desk.passes(at(300))
    assert isinstance(told.data, HandoverEscalated)
    assert (told.data.deadline, told.data.due_at) == ("contact", at(240) + SECOND)
    assert desk.handover().state is State.ACCEPTED
    assert desk.timers() == {}


def test_a_sticky_owner_who_lets_it_pass_loses_it_to_who_the_rules_name() -> None:
    desk = Desk(in_time(routing()))
    desk.reads(scored(profile={"country": "FR"}), commanded("won"), scored(version=2, stage="MQL"))
    (again,) = desk.reads(record(scored(version=3, profile={"country": "FR"}), at=at(10)))
    assert handover(again).path[0].rule == "sticky:owner"
    written = desk.passes(at(41))
    steps = [(step.rule, step.matched) for step in handover(written[1]).path]
    assert steps[0] == ("attempt:2", True)
    assert steps[-3:] == [("world", True), ("pool:world/cleo", False), ("pool:world", True)]
    assert owners(written)[0] != handover(again).owner.id


def test_a_lead_that_became_a_customer_is_passed_on_to_nobody() -> None:
    desk = opened(two())
    desk.reads(scored(version=2, stage="customer"))
    (told,) = desk.passes(at(60))
    assert told.type == "lead.handover.withdrawn"
    assert desk.handover().state is State.EXPIRED


def test_any_end_stops_the_clocks() -> None:
    for outcome in ("won", "lost", "rejected", "recycled"):
        desk = opened(two())
        desk.reads(commanded(outcome))
        assert desk.timers() == {}


def test_a_merge_stops_the_clocks_of_what_it_withdraws_and_takes_those_of_what_moves() -> None:
    desk = Desk(two())
    desk.reads(scored("ld_jo", stage="MQL"), scored("ld_old"), scored("ld_x"))
    desk.reads(scored("ld_jo", version=2, stage="MQL", absorbed=["ld_old"]))
    assert {key.lead_id for key in desk.timers()} == {"ld_jo", "ld_x"}
    written = desk.passes(at(31))
    told = next(one for one in written if one.type == "lead.handover.withdrawn")
    assert (told.key, told.event_id) == ("ld_jo", withdrawal_event("ho_ld_old_1_1"))
    assert desk.handover("ho_ld_old_1_2").lead_id == "ld_jo"
    again = next(one for one in written if one.type == "lead.handover" and one.key == "ld_jo")
    assert (handover(again).handover_id, handover(again).lead_id) == ("ho_ld_old_1_2", "ld_old")
    desk.reads(scored("ld_x", version=2, absorbed=["ld_jo"]))
    assert {key.lead_id for key in desk.timers()} == {"ld_x"}


def test_a_rebuild_keeps_the_attempts_that_stand_on_the_topic() -> None:
    once = opened(two())
    once.passes(at(45))
    other_turn = dataclasses.replace(two(), pools={})
    again = Desk(other_turn)
    for one in once.emitted:
        again.world[Key("recalled", one.event_id)] = (
            one.data if isinstance(one.data, bytes) else msgspec.json.encode(one.data)
        )
    again.reads(record(scored(), at=NOON + SECOND))
    assert [one.event_id for one in again.passes(at(45))] == [one.event_id for one in once.emitted[1:]]
    assert again.handover("ho_ld_jo_1_2") == once.handover("ho_ld_jo_1_2")


def test_what_a_step_took_is_told_once_for_metrics() -> None:
    desk = Desk(two())
    told = scored(activity=activity(received_at="2026-11-27T12:00:00.500Z"))
    desk.reads(record(told, at=NOON + SECOND))
    desk.reads(commanded("accepted", at=at(20)), commanded("contacted", at=at(30)), commanded("won", at=at(40)))
    took = [one for key, all_ in desk.world.items() if isinstance(key, Key) and key.kind == "took" for one in all_]
    assert took == [Took("handover", 0.5), Took("accepted", 1199.0, 1199.0), Took("contacted", 1799.0, 1799.0)]


def test_what_became_of_a_handover_is_told_once_for_metrics() -> None:
    desk = Desk(two())
    desk.reads(record(scored(), at=NOON + SECOND))
    desk.reads(commanded("accepted", at=at(20)), commanded("contacted", at=at(30)), commanded("won", at=at(40)))
    told = [one for key, all_ in desk.world.items() if isinstance(key, Key) and key.kind == "moved" for one in all_]
    assert [(one.state, one.attempt) for one in told] == [
        ("offered", 1),
        ("accepted", None),
        ("contacted", None),
        ("won", None),
    ]
    assert [one.kept for one in told] == [(), ("accepted",), ("contacted",), ()]


def test_a_deadline_that_is_missed_is_missed_once() -> None:
    desk = Desk(two())
    desk.reads(record(scored(), at=NOON + SECOND))
    desk.passes(at(45))
    told = [one for key, all_ in desk.world.items() if isinstance(key, Key) and key.kind == "moved" for one in all_]
    assert [one.missed for one in told if one.missed] == [("accepted",)]
    assert [one.attempt for one in told if one.attempt is not None] == [1, 2]
