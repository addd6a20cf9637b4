"""When a handover is opened, and what is in it."""

from __future__ import annotations

import msgspec
import pytest

from services.route.domain import events
from services.route.domain.state import Key
from shared.outcome import Decision, Reason, Reject
from tests.unit.route.builders import PROFILE, Desk, activity, handover, owners, record, routing, scored


def test_a_lead_that_enters_sql_is_handed_over_once() -> None:
    desk = Desk()
    written = desk.reads(scored(version=1, stage="MQL"), scored(version=2), scored(version=3), scored(version=4))
    assert [one.type for one in written] == ["lead.handover"]
    assert handover(written[0]).handover_id == "ho_ld_jo_1_1"


def test_a_lead_below_sql_is_not_handed_over() -> None:
    assert Desk().reads(scored(stage="raw"), scored(version=2, stage="IQL"), scored(version=3, stage="MQL")) == []


def test_a_lead_that_comes_back_to_sql_is_handed_over_again() -> None:
    written = Desk().reads(scored(version=1), scored(version=2, stage="MQL"), scored(version=3))
    assert [handover(one).handover_id for one in written] == ["ho_ld_jo_1_1", "ho_ld_jo_2_1"]


def test_the_number_of_the_episode_comes_from_score_when_it_says_one() -> None:
    written = Desk().reads(scored(version=1, episode=3), scored(version=2, episode=3), scored(version=3, episode=4))
    assert [handover(one).episode for one in written] == [3, 4]


def test_an_older_version_neither_opens_nor_closes_anything() -> None:
    desk = Desk()
    desk.reads(scored(version=5, stage="MQL"))
    assert desk.reads(scored(version=4, stage="SQL")) == []
    assert desk.lead().stage == "MQL"
    desk.reads(scored(version=6, stage="SQL"))
    desk.reads(scored(version=5, stage="MQL"))
    assert desk.lead().stage == "SQL"


def test_the_activity_of_an_older_version_is_still_recent() -> None:
    desk = Desk()
    desk.reads(scored(version=5, stage="MQL", activity=activity(name="late")))
    desk.reads(scored(version=4, stage="MQL", activity=activity(name="early", occurred_at="2026-11-01T00:00:00Z")))
    (written,) = desk.reads(scored(version=6))
    assert [one.name for one in handover(written).recent_activities] == ["late", "early"]


def test_a_handover_has_what_a_call_needs() -> None:
    contributions = [
        {"rule": f"r{points}", "version": 1, "points": points} for points in (1.0, 9.0, -8.0, 3.0, 5.0, 2.0)
    ]
    touch = {"at": "2026-11-20T10:00:00Z", "channel": "Paid Search", "landing_page": "https://us.example/"}
    (written,) = Desk().reads(
        scored(contributions=contributions, first_touch=touch, last_touch=touch, activity=activity(name="demo"))
    )
    told = handover(written)
    assert told.owner.id == "anna"
    assert told.owner.email == "anna@ourcompany.example"
    assert msgspec.to_builtins(told.profile)["company"]["size"] == 20
    assert (told.score.total, told.score.stage, told.score.grade) == (95.0, "SQL", "A")
    assert [one.rule for one in told.score.top] == ["r9.0", "r-8.0", "r5.0", "r3.0", "r2.0"]
    assert told.first_touch is not None
    assert told.first_touch.landing_page == "https://us.example/"
    assert told.consent is not None
    assert told.consent["sales"].given
    assert [one.name for one in told.recent_activities] == ["demo"]
    assert msgspec.to_builtins(told.created_at) == "2026-11-27T12:00:01Z"


def test_fields_of_a_later_version_of_the_profile_are_passed_on() -> None:
    (written,) = Desk().reads(scored(profile=PROFILE | {"favourite_colour": "green"}))
    assert isinstance(written.data, bytes)
    assert msgspec.json.decode(written.data)["profile"]["favourite_colour"] == "green"


def test_the_event_id_is_of_lead_episode_and_attempt_alone() -> None:
    (one,) = Desk().reads(scored(version=1))
    (other,) = Desk().reads(scored(version=17, cause="outcome"))
    assert one.event_id == other.event_id == events.handover_event("ld_jo", 1, 1)


def test_the_path_tells_every_rule_that_was_tried() -> None:
    (written,) = Desk().reads(scored(profile={"country": "FR", "language": "de"}))
    steps = [(step.rule, step.matched, step.to, step.because) for step in handover(written).path]
    assert steps == [
        ("sticky:owner", False, None, "no earlier owner"),
        ("sticky:account", False, None, "no business e-mail, so no account"),
        ("big-dach", False, None, None),
        ("dach", False, None, None),
        ("german", True, "pool:dach", None),
        ("pool:dach", True, "anna", "lowest share: anna 0.25, ben 0.5"),
    ]


def test_the_path_names_a_field_that_nobody_knows() -> None:
    (written,) = Desk().reads(scored(profile={"country": "AT"}))
    assert [step.because for step in handover(written).path if step.rule == "big-dach"] == [
        "profile.company.size is not known"
    ]


def test_a_lead_keeps_its_owner_in_its_next_episode() -> None:
    desk = Desk()
    away = {"country": "FR"}
    desk.reads(scored("ld_a", profile=away), scored("ld_b", profile=away))
    written = desk.reads(
        scored("ld_b", version=2, stage="MQL", profile=away), scored("ld_b", version=3, profile=PROFILE)
    )
    assert owners(written) == ["desk"]
    assert handover(written[0]).path[0].because == "owner of an earlier episode"


def test_leads_of_one_company_get_one_owner() -> None:
    assert owners(Desk().reads(*(scored(f"ld_{number}") for number in range(4)))) == ["anna"] * 4


@pytest.mark.parametrize("kind", ["free", "disposable", "role", "relay", None])
def test_mail_that_is_not_a_company_s_makes_no_account(kind: str | None) -> None:
    profile = {"country": "DE", "email": {"address": "a@mail.example", "domain": "mail.example", "kind": kind}}
    desk = Desk()
    assert set(owners(desk.reads(*(scored(f"ld_{number}", profile=profile) for number in range(3))))) == {"anna", "ben"}
    assert not [key for key in desk.world if isinstance(key, Key) and key.kind == "account"]


def test_an_owner_who_left_the_document_is_not_sticky() -> None:
    desk = Desk()
    desk.reads(scored())
    text = "format: 1\nid: x\nowners: [{id: new, name: N, email: n@us.example}]\nsticky: [owner, account]\n"
    text += "rules: [{id: all, when: 'true', to: {owner: new}}]"
    after = Desk(routing(text))
    after.world = desk.world
    written = after.reads(scored(version=2, stage="MQL"), scored(version=3))
    assert owners(written) == ["new"]
    assert handover(written[0]).path[0].because == "anna is no longer in the routing document"
    assert after.world[Key("account", "acme.example")].owner == "new"


NOBODY = """
format: 1
id: strict
owners: [{id: ann, name: Ann, email: ann@us.example}]
rules: [{id: france, when: 'profile.country == "FR"', to: {owner: ann}}]
"""


def test_a_lead_that_nobody_can_take_waits_in_the_queue_with_the_reason() -> None:
    desk = Desk(routing(NOBODY))
    assert desk.reads(scored()) == []
    queued = desk.world[Key("queue", "ld_jo")]
    assert (queued.episode, queued.reason) == (1, "no routing rule matches")
    assert msgspec.json.decode(queued.path) == [{"rule": "france", "matched": False}]


def test_a_queued_lead_is_handed_over_as_soon_as_a_rule_takes_it() -> None:
    desk = Desk(routing(NOBODY))
    desk.reads(scored())
    (written,) = desk.reads(scored(version=2, profile={"country": "FR"}))
    assert handover(written).episode == 1
    assert desk.world[Key("queue", "ld_jo")] is None


def test_an_older_version_does_not_open_the_handover_of_a_lead_that_waits() -> None:
    desk = Desk(routing(NOBODY))
    desk.reads(scored(version=5))
    assert desk.reads(scored(version=4, profile={"country": "FR"})) == []


def test_a_queued_lead_that_leaves_sql_leaves_the_queue() -> None:
    desk = Desk(routing(NOBODY))
    desk.reads(scored(), scored(version=2, stage="MQL"))
    assert desk.world[Key("queue", "ld_jo")] is None
    assert not desk.lead().queued


def test_the_fallback_takes_what_no_rule_takes() -> None:
    written = Desk(routing(NOBODY + "when_nobody_is_free: {to: {owner: ann}}")).reads(scored())
    assert owners(written) == ["ann"]


def test_a_handover_that_stands_on_the_topic_is_kept_and_not_decided_again() -> None:
    first = Desk()
    (kept,) = first.reads(scored(profile={"country": "DE"}))
    assert isinstance(kept.data, bytes)
    document = kept.data.replace(b'"id":"anna"', b'"id":"ben"').replace(b'"to":"anna"', b'"to":"ben"')
    again = Desk()
    again.world[Key("recalled", kept.event_id)] = document
    (written,) = again.reads(scored(version=9, profile={"country": "FR"}))
    assert (written.event_id, written.data) == (kept.event_id, document)
    assert again.handover().owner == again.lead().owner == "ben"
    assert again.world[Key("pool", "dach")]["ben"].given == 1


def test_a_part_that_is_wrong_rejects_the_record_and_says_where_without_what() -> None:
    outcome = Desk().judges(scored(profile={"company": {"size": "secret"}}))
    assert outcome == Reject(Reason.INVALID, "wrong at $.profile.company.size")


def test_a_broken_activity_rejects_the_record() -> None:
    assert Desk().judges(scored(activity={"name": "x"})) == Reject(Reason.INVALID, "wrong shape")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", Reason.UNDECODABLE),
        (b"\xff", Reason.UNDECODABLE),
        (b"[]", Reason.INVALID),
        (scored(event_id="7"), Reason.INVALID),
        (scored(lead_id=""), Reason.INVALID),
        (scored(lead_id="a\x00b"), Reason.INVALID),
        (scored(score_version=2**63), Reason.INVALID),
    ],
)
def test_what_is_no_lead_scored_is_refused(value: bytes, reason: Reason) -> None:
    outcome = Desk().judges(record(value))
    assert isinstance(outcome, Reject)
    assert outcome.reason is reason


def test_another_type_on_the_topic_is_refused() -> None:
    assert Desk().judges(record(scored(), headers={"ce_type": b"lead.other"})) == Reject(Reason.UNKNOWN_TYPE)


def test_a_record_that_changes_nothing_changes_nothing() -> None:
    desk = Desk()
    desk.reads(scored(version=2, stage="MQL"))
    assert desk.judges(scored(version=2, stage="MQL")) == Decision()
