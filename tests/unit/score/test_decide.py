"""What an event does to a lead: one lead.scored for each, stages with hysteresis, versions that come late, what is rejected."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.score import main
from shared.contracts import Scored
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input
from tests.unit.score.builders import (
    BUSINESS,
    NOON,
    READY,
    READY_FOR_SALES,
    RULESET,
    Desk,
    a_record,
    activity_id,
    an_activity,
    days,
    enriched,
    in_sql,
    only,
    outcome,
    rules_of,
    ruleset,
)


def test_every_enriched_event_ends_in_one_scored_that_names_its_activity_also_when_nothing_changed() -> None:
    desk = Desk()
    activity = an_activity(1, kind="page", name="page", path="/nowhere")
    for version in (1, 2, 3):
        scored = desk.tell(enriched(activity, profile={}))
        assert scored is not None
        assert (scored.cause, scored.score_version, scored.score.total) == (activity_id(1), version, 0)


def test_what_is_emitted_keeps_the_contract_and_passes_enrichs_data_on_byte_by_byte() -> None:
    stage = main.stage(only(ruleset()))
    touch = {"at": "2026-06-01T10:00:00Z", "channel": "organic", "later": {"added": 1}}
    event = enriched(
        an_activity(1, properties={"unknown": 1.50}),
        profile=READY,
        first_touch=touch,
        last_touch=touch,
        joined=["ld_b", "ld_a"],
    )
    input_ = stage.decode(a_record(event))
    assert isinstance(input_, Input)
    decided = stage.decide({}, input_)
    assert isinstance(decided, Decision)
    (outgoing,) = decided.emit
    value = msgspec.json.encode(outgoing.data)
    scored = msgspec.json.decode(value, type=Scored)
    for name in ("activity", "profile", "first_touch"):
        assert msgspec.json.encode(event[name]) in value
    assert (outgoing.topic.name, outgoing.key, outgoing.type) == ("leads.scored.v1", "ld_jo", "lead.scored")
    assert (scored.event_id, scored.absorbed, scored.segments) == (outgoing.event_id, ["ld_b", "ld_a"], [])
    assert (scored.ruleset.id, scored.ruleset.version) == ("test", 1)
    assert sum(part.points for part in scored.contributions) == scored.score.total


def test_the_same_cause_gives_the_same_event_id_whatever_came_before() -> None:
    event = enriched(an_activity(2))
    alone, after = Desk().tell(event), None
    desk = Desk()
    desk.tell(enriched(an_activity(1)))
    after = desk.tell(event)
    assert alone is not None
    assert after is not None
    assert alone.event_id == after.event_id
    assert alone.score_version != after.score_version


def test_an_activity_that_is_withdrawn_leaves_and_is_named_once_more() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1)))
    scored = desk.tell(enriched(an_activity(1, revision=1, withdrawn=True)))
    assert scored is not None
    assert (scored.cause, scored.score.engagement) == (activity_id(1), 0)
    scored = desk.tell(enriched(an_activity(1, revision=0)))
    assert scored is not None
    assert scored.score.engagement == 0


def test_a_later_verdict_on_a_machine_takes_its_points_away_and_gives_its_limit_back() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1, at=NOON)))
    scored = desk.tell(enriched(an_activity(2, at=NOON + days(0.01))))
    assert scored is not None
    (contact,) = (part for part in scored.contributions if part.rule == "contact")
    assert contact.activities == [activity_id(1)]
    scored = desk.tell(enriched(an_activity(1, revision=1, human=0.1, at=NOON)))
    assert scored is not None
    (contact,) = (part for part in scored.contributions if part.rule == "contact")
    assert (contact.activities, contact.points) == ([activity_id(2)], 60)


def test_the_highest_profile_version_is_kept_and_a_lower_ones_activity_still_counts() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1), profile=READY, profile_version=5))
    scored = desk.tell(enriched(an_activity(2, name="demo"), profile={}, profile_version=4))
    assert scored is not None
    assert (scored.score.fit, scored.score.engagement) == (37.5, 140)
    assert desk.leads["ld_jo"].profile_version == 5


def test_caps_are_contributions_of_their_own() -> None:
    desk = Desk()
    profile = {**READY, "company": {"size": 5000}}
    for number in range(4):
        scored = desk.tell(enriched(an_activity(number, at=NOON + days(number)), profile=profile))
    points = rules_of(scored)
    assert points["fit:cap"] == -17.5
    assert points["engagement:cap"] == -90
    assert points["total:cap"] == -30
    assert scored is not None
    assert (scored.score.fit, scored.score.engagement, scored.score.total, scored.grade) == (40, 150, 160, "A1")


def test_a_rules_cap_is_on_either_side_of_zero_and_floors_are_contributions_of_their_own() -> None:
    desk = Desk()
    for number in range(4):
        activity = an_activity(number, kind="page", name="page", path="/careers", at=NOON + days(number))
        scored = desk.tell(enriched(activity, profile={}))
    assert rules_of(scored) == {"careers": -42, "careers:cap": 2, "engagement:floor": 20}


def test_a_stage_is_held_until_leave() -> None:
    desk = in_sql()
    scored = desk.tell(enriched(an_activity(2, revision=1, name="demo", human=0.0, at=NOON - days(1)), profile=READY))
    assert scored is not None
    assert (scored.score.total, scored.stage, scored.previous_stage) == (97.5, "SQL", "SQL")
    scored = desk.tell(enriched(an_activity(3), profile={"company": {"size": 2000}}, profile_version=2))
    assert scored is not None
    assert (scored.score.fit, scored.stage) == (20, "SQL")
    scored = desk.tell(enriched(an_activity(3, revision=1, withdrawn=True), profile={}, profile_version=3))
    assert scored is not None
    assert (scored.score.total, scored.stage, scored.previous_stage) == (60, "MQL", "SQL")


def test_fit_is_needed_to_enter() -> None:
    desk = Desk()
    for activity in READY_FOR_SALES:
        scored = desk.tell(enriched(activity, profile={}))
    assert scored is not None
    assert (scored.score.total, scored.stage) == (140, "IQL")


def test_stage_since_is_the_records_time_when_the_stage_changed() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1)), now=NOON)
    scored = desk.tell(enriched(an_activity(3, kind="page", name="page")), now=NOON + days(1))
    assert scored is not None
    assert (scored.stage, scored.stage_since) == ("MQL", NOON)
    scored = desk.tell(enriched(an_activity(2, name="demo")), now=NOON + days(2))
    assert scored is not None
    assert (scored.stage, scored.stage_since) == ("SQL", NOON + days(2))


def test_who_is_excluded_never_qualifies_and_their_points_are_shown() -> None:
    desk = Desk()
    rival = {**READY, "email": {"kind": "business", "domain": "rival.example"}}
    for activity in READY_FOR_SALES:
        scored = desk.tell(enriched(activity, profile=rival))
    assert scored is not None
    assert (scored.stage, scored.score.total, scored.episode) == ("disqualified", 160, 0)
    assert rules_of(scored)["exclude:competitor"] == 0
    scored = desk.tell(enriched(an_activity(3), profile=READY, profile_version=2))
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 1)


def test_what_concerns_no_score_is_passed() -> None:
    value = {"event_id": activity_id(1), "activity_id": activity_id(2), "why": "visitor"}
    assert Desk().tell(value, type_="lead.noted") is None


def test_commands_of_other_kinds_are_passed() -> None:
    assert Desk().tell({**outcome("won"), "kind": "erase"}, type_="lead.command") is None


@pytest.mark.parametrize(
    ("value", "stage"),
    [
        (enriched(an_activity(1)), "MQL"),
        ({"event_id": activity_id(1), "activity_id": activity_id(2), "why": "visitor"}, None),
        ({"event_id": activity_id(1), "survivor": "a", "absorbed": "b", "because": "x"}, None),
    ],
)
def test_without_a_header_the_shape_tells_the_event(value: dict[str, object], stage: str | None) -> None:
    scored = Desk().tell(value, type_=None)
    assert (scored and scored.stage) == stage


@pytest.mark.parametrize(
    ("value", "type_", "reason"),
    [
        (enriched(an_activity(1)) | {"event_id": "no-uuid"}, "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1) | {"id": activity_id(1).upper()}), "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1) | {"occurred_at": "2026-06-17T12:00:00"}), "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1) | {"revision": -1}), "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1) | {"revision": 2**40}), "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1), profile=["x"]), "lead.enriched", Reason.INVALID),  # type: ignore[arg-type]
        (enriched(an_activity(1), profile_version=2**64), "lead.enriched", Reason.INVALID),
        (enriched(an_activity(1)), "lead.unheard", Reason.UNKNOWN_TYPE),
        ({"event_id": activity_id(1)}, None, Reason.UNKNOWN_TYPE),
        ({"event_id": activity_id(1)}, "lead.command", Reason.INVALID),
        (["x"], "lead.enriched", Reason.INVALID),
    ],
)
def test_what_breaks_the_contract_is_rejected_alone(
    value: dict[str, object], type_: str | None, reason: Reason
) -> None:
    said = main.stage(only(ruleset())).decode(a_record(value, type_=type_))
    assert isinstance(said, Reject)
    assert said.reason is reason
    assert activity_id(1) not in said.detail


def test_an_activity_that_came_late_is_never_counted_without_those_before_it() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1, at=NOON)))
    input_ = desk.stage.decode(a_record(enriched(an_activity(2, at=NOON - days(1)))))
    assert isinstance(input_, Input)
    with pytest.raises(LookupError):
        desk.stage.decide(dict[Any, Any](desk.leads), input_)


def test_a_contribution_names_at_most_twenty_activities_the_latest_and_counts_all() -> None:
    desk = Desk(ruleset(RULESET.replace(", limit: 1 per day}", "}")))
    for number in range(30):
        scored = desk.tell(enriched(an_activity(number, at=NOON + days(number)), profile=BUSINESS))
    assert scored is not None
    (contact,) = (part for part in scored.contributions if part.rule == "contact")
    assert contact.count == 30
    assert contact.activities == [activity_id(number) for number in range(10, 30)]
