"""Leads that nobody is free for: how they wait, and how it ends."""

from __future__ import annotations

from datetime import timedelta

from services.route.domain.publishing import Affected, Published
from services.route.domain.routing import Routing
from services.route.domain.state import DUE, Key, Lead, Queued
from shared.outcome import Decision
from shared.stage import Input
from tests.unit.route.builders import NOON, Desk, assigned, commanded, handover, owners, record, routing, scored

HOURS = timedelta(hours=1)


def office(more: str = "", *, hours: str = '{mon-fri: "14:00-18:00"}', capacity: str = "{open: 100}") -> Routing:
    """Ann works from 14:00 UTC; it is a Friday noon."""
    return routing(f"""
format: 1
id: office
owners:
  - {{id: ann, name: Ann, email: ann@us.example, timezone: UTC, hours: {hours}, capacity: {capacity}}}
  - {{id: desk, name: Desk, email: desk@us.example}}
pools: {{all: [ann]}}
rules: [{{id: everybody, when: 'true', to: {{pool: all}}}}]
{more}
""")


def entry(desk: Desk, lead_id: str = "ld_jo") -> Queued:
    found = desk.world[Key("queue", lead_id)]
    assert isinstance(found, Queued)
    return found


def test_a_lead_waits_until_somebody_is_free() -> None:
    desk = Desk(office())
    assert desk.reads(scored()) == []
    assert entry(desk).reason == "nobody is free"
    assert desk.lead().queued
    assert desk.passes(NOON + 1.9 * HOURS) == []
    (written,) = desk.passes(NOON + 2.1 * HOURS)
    told = handover(written)
    assert (told.owner.id, told.created_at) == ("ann", NOON + 2 * HOURS)
    assert desk.world[Key("queue", "ld_jo")] is None
    assert not desk.lead().queued
    assert desk.timers() == {}


def test_after_the_longest_wait_it_goes_to_who_takes_what_nobody_is_free_for() -> None:
    desk = Desk(office("when_nobody_is_free: {to: {owner: desk}, wait: 30m}"))
    assert desk.reads(scored()) == []
    (written,) = desk.passes(NOON + HOURS)
    told = handover(written)
    assert (told.owner.id, told.created_at) == ("desk", NOON + 0.5 * HOURS + timedelta(seconds=1))
    assert [(step.rule, step.matched) for step in told.path[-3:]] == [
        ("everybody", True),
        ("pool:all/ann", False),
        ("when_nobody_is_free", True),
    ]
    assert told.path[-2].because == "ann is not at work until 2026-11-27T14:00:00.000Z"


def test_who_need_not_wait_goes_there_at_once() -> None:
    desk = Desk(office("when_nobody_is_free: {to: {owner: desk}, wait: 0m}"))
    assert owners(desk.reads(scored())) == ["desk"]


def test_the_wait_is_counted_from_the_first_look_whatever_comes_meanwhile() -> None:
    desk = Desk(office("when_nobody_is_free: {to: {owner: desk}, wait: 30m}"))
    desk.reads(scored())
    since = entry(desk).since
    desk.reads(record(scored(version=2), at=NOON + 0.4 * HOURS))
    assert entry(desk).since == since
    (written,) = desk.passes(NOON + HOURS)
    assert handover(written).created_at == since + 0.5 * HOURS


def test_otherwise_goes_before_waiting() -> None:
    by = routing("""
format: 1
id: office
owners:
  - {id: ann, name: Ann, email: ann@us.example, timezone: UTC, hours: {mon: "09:00-10:00"}}
  - {id: desk, name: Desk, email: desk@us.example}
rules: [{id: everybody, when: 'true', to: {owner: ann}, otherwise: {owner: desk}}]
""")
    (written,) = Desk(by).reads(scored())
    assert handover(written).owner.id == "desk"
    assert handover(written).path[1].because == "ann is not at work until 2026-11-30T09:00:00.000Z"


def test_a_sticky_owner_who_is_away_is_passed_over_and_it_is_said() -> None:
    by = office("sticky: [owner]\nwhen_nobody_is_free: {to: {owner: desk}}")
    desk = Desk(by)
    desk.reads(record(scored(), at=NOON + 3 * HOURS), scored(version=2, stage="MQL"))
    (written,) = desk.reads(record(scored(version=3), at=NOON + 8 * HOURS))
    told = handover(written)
    assert told.owner.id == "desk"
    assert told.path[0].because == "owner of an earlier episode: ann is not at work until 2026-11-30T14:00:00.000Z"


def test_a_lead_that_no_rule_takes_waits_for_an_operator() -> None:
    by = routing("""
format: 1
id: strict
owners: [{id: ann, name: Ann, email: ann@us.example}]
rules: [{id: nope, when: 'false', to: {owner: ann}}]
""")
    desk = Desk(by)
    assert desk.reads(scored()) == []
    assert entry(desk).reason == "no routing rule matches"
    assert desk.timers() == {}
    outcome = desk.judges(assigned("ann"))
    assert isinstance(outcome, Decision)
    assert owners(outcome.emit) == ["ann"]
    assert handover(outcome.emit[0]).path[0].because == "assigned by an operator"
    assert outcome.commands[0].result == "ho_ld_jo_1_1"


def test_a_lead_that_leaves_sql_waits_no_more() -> None:
    desk = Desk(office())
    desk.reads(scored(), scored(version=2, stage="MQL"))
    assert desk.world[Key("queue", "ld_jo")] is None
    assert desk.timers() == {}


def test_open_handovers_fill_up_and_outcomes_make_room() -> None:
    desk = Desk(office(hours='{mon-sun: "00:00-24:00"}', capacity="{open: 2}"))
    assert owners(desk.reads(*(scored(f"ld_{number}") for number in range(3)))) == ["ann", "ann"]
    assert desk.world[Key("load", "ann")].open == 2
    desk.reads(commanded("won", handover_id="ho_ld_0_1_1", lead_id="ld_0"))
    assert desk.world[Key("load", "ann")].open == 1
    (written,) = desk.passes(NOON + HOURS)
    assert handover(written).lead_id == "ld_2"


def test_a_day_s_capacity_lets_the_next_one_in_as_it_fills() -> None:
    desk = Desk(office(hours='{mon-sun: "00:00-24:00"}', capacity="{per_day: 2}"))
    assert owners(desk.reads(*(scored(f"ld_{number}") for number in range(3)))) == ["ann", "ann"]
    assert desk.passes(NOON + 11 * HOURS) == []
    (written,) = desk.passes(NOON + 13 * HOURS)
    assert handover(written).lead_id == "ld_2"


def published(desk: Desk, by: Routing) -> None:
    """Another document comes into force, as the clock brings it."""
    desk.decide = Desk(by).decide
    leads = [one for one in desk.world.values() if isinstance(one, Lead)]
    held = [one for key, one in desk.world.items() if isinstance(key, Key) and key.kind == "handover"]
    left = [(one.lead_id, one.handover_id) for one in held if one.owner not in by.owners]
    desk.world[Key("affected", "0")] = Affected([one.lead_id for one in leads if one.queued], left)
    outcome = desk.decide(desk.world, Input("p", Published("v", tuple(by.owners)), NOON + HOURS, 0))
    assert isinstance(outcome, Decision)
    desk.world.update(outcome.changes)
    desk.world[DUE] = {timer.lead_id: (timer,) for timer in desk.timers()}  # as they are loaded


def test_what_waits_is_looked_at_by_a_new_document() -> None:
    desk = Desk(office())
    desk.reads(scored())
    published(desk, office(hours='{mon-sun: "00:00-24:00"}'))
    assert owners(desk.passes(NOON + HOURS)) == ["ann"]


def test_what_an_owner_had_who_left_the_document_is_passed_on() -> None:
    desk = Desk(office(hours='{mon-sun: "00:00-24:00"}'))
    desk.reads(scored())
    without_ann = routing("""
format: 1
id: office
owners: [{id: desk, name: Desk, email: desk@us.example}]
rules: [{id: everybody, when: 'true', to: {owner: desk}}]
""")
    published(desk, without_ann)
    told, next_ = desk.passes(NOON + HOURS)
    assert (told.type, handover(next_).handover_id, handover(next_).owner.id) == (
        "lead.handover.withdrawn",
        "ho_ld_jo_1_2",
        "desk",
    )
    assert handover(next_).path[0].because == "ann is no longer in the routing document"


def test_a_lead_that_waits_and_is_absorbed_waits_no_more() -> None:
    desk = Desk(office())
    desk.reads(scored("ld_old"), scored("ld_jo", stage="MQL", absorbed=["ld_old"]))
    assert desk.world[Key("queue", "ld_old")] is None
    assert desk.timers() == {}
