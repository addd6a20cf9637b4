"""What the publication of a ruleset does to a lead: at its own moment, once, whoever comes to the lead first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.score import main
from services.score.domain.lead import Due, Republished
from services.score.domain.publications import Rulesets, read
from services.score.publishing import wrong_options
from shared.contracts import Scored
from shared.documents.inforce import Documents, Publication, version_of
from shared.outcome import Decision, Outgoing
from shared.stage import Input
from tests.unit.score.builders import BUSINESS, NOON, Desk, a_record, an_activity, enriched, outcome

OLD = """
format: 1
id: rules
timezone: UTC
fit: {rules: [{id: business, when: 'profile.email.kind == "business"', points: 10}]}
engagement:
  rules:
    - {id: contact, match: {kind: form}, points: 40, half_life: 30d}
    - {id: seen, match: {kind: page}, points: 1}
stages:
  MQL: {enter: 15, leave: 12}
  SQL: {enter: 100, leave: 80}
"""
# Other rules stand at the same places, so that what is remembered by their numbers would be wrong.
NEW = """
format: 1
id: rules
timezone: UTC
fit: {rules: [{id: business, when: 'profile.email.kind == "business"', points: 20}]}
engagement:
  rules:
    - {id: seen, match: {kind: page}, points: 2}
    - {id: contact, match: {kind: form}, points: 60}
stages:
  MQL: {enter: 15, leave: 12}
  SQL: {enter: 80, leave: 60}
"""
HOUR = timedelta(hours=1)
T = NOON + 2 * HOUR


class Office(Desk):
    """A desk where rulesets are published; it stands in number 3, as its records do."""

    def __init__(self, *published: tuple[datetime, str], **options: Any) -> None:
        super().__init__(read(OLD), always_loads_all=True)
        self.rulesets: Rulesets = Documents("ruleset", read=read, name=lambda one: one.ruleset.id, first=OLD)
        self.publish(*published, **options)

    def publish(self, *published: tuple[datetime, str], **options: Any) -> None:
        found = [
            Publication(3, 5 * number, at, version_of(text), options) for number, (at, text) in enumerate(published)
        ]
        self.rulesets.take_in(3, found, {version_of(text): text for _, text in published})
        self.stage = main.stage(self.rulesets)

    def all_told(self, value: Mapping[str, Any], *, now: datetime, type_: str = "lead.enriched") -> list[Scored]:
        input_ = self.stage.decode(a_record(value, type_=type_, now=now))
        assert isinstance(input_, Input)
        return self._said(self.decide(input_))

    def turn(self, at: datetime = T, lead_id: str = "ld_jo") -> list[Scored]:
        """The background's turn of a lead."""
        return self._said(self.decide(Input("turn", Republished(lead_id), at, 3)))

    def turn_of_clock(self, lead_id: str, at: datetime) -> list[Scored]:
        return self._said(self.decide(Input("clock", Due(lead_id), at, 3)))

    def _said(self, decided: Any) -> list[Scored]:
        assert isinstance(decided, Decision)
        return [said(one) for one in decided.emit]


def said(outgoing: Outgoing) -> Scored:
    assert isinstance(outgoing.data, msgspec.Struct)
    nothing = msgspec.Raw(b"{}")
    changes = {"profile": nothing, "activity": None, "first_touch": None, "last_touch": None}
    return msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(outgoing.data, **changes)), type=Scored)


def contact(number: int = 1, *, at: datetime = NOON, **fields: Any) -> dict[str, Any]:
    return enriched(an_activity(number, at=at, **fields), profile=BUSINESS)


def test_a_lead_is_scored_again_at_the_moment_of_the_publication_and_told_once() -> None:
    office = Office()
    office.all_told(contact(), now=NOON)
    office.publish((T, NEW))
    (one,) = office.turn()
    assert (one.cause, one.score.total, one.stage, one.previous_stage) == ("ruleset", 80, "SQL", "MQL")
    assert one.ruleset.document == version_of(NEW)
    assert one.stage_since == T
    assert one.episode == 1
    assert office.turn() == []


def test_an_event_before_its_turn_brings_the_lead_through_the_publication_first() -> None:
    office = Office((T, NEW))
    office.all_told(contact(), now=NOON)
    by_ruleset, by_event = office.all_told(contact(2, kind="page", at=T + HOUR), now=T + HOUR)
    assert (by_ruleset.cause, by_ruleset.score.total, by_ruleset.stage_since) == ("ruleset", 80, T)
    assert (by_event.score.total, by_event.stage, by_event.previous_stage, by_event.episode) == (82, "SQL", "SQL", 1)
    assert office.turn() == []


def test_the_background_and_the_next_event_come_to_the_same_whoever_is_first() -> None:
    background, event = Office(), Office((T, NEW))
    for office in (background, event):
        office.all_told(contact(), now=NOON)
    background.publish((T, NEW))
    turn = background.turn()
    later = contact(2, kind="page", at=T + HOUR)
    assert event.all_told(later, now=T + HOUR) == turn + background.all_told(later, now=T + HOUR)
    assert event.leads["ld_jo"].state == background.leads["ld_jo"].state


def test_what_came_before_the_publication_is_decided_by_the_ruleset_before_though_it_is_read_later() -> None:
    office = Office((T, NEW))
    (one,) = office.all_told(contact(at=T - HOUR), now=T - HOUR)
    assert (one.score.total, one.ruleset.document) == (50, version_of(OLD))


def test_a_lead_that_was_brought_further_is_not_brought_back_by_an_earlier_record() -> None:
    office = Office((T, NEW))
    office.all_told(contact(), now=T + HOUR)
    (one,) = office.all_told(contact(2, kind="page"), now=T - HOUR)
    assert (one.score.total, one.ruleset.document) == (82, version_of(NEW))


def test_a_new_lead_is_of_the_ruleset_in_force_and_told_once() -> None:
    office = Office((T, NEW))
    (one,) = office.all_told(contact(at=T), now=T + HOUR)
    assert (one.score.total, one.stage) == (80, "SQL")
    assert office.turn(T + HOUR) == []


def test_several_publications_are_gone_through_in_order_each_at_its_moment() -> None:
    office = Office((T, NEW), (T + HOUR, OLD), (T + 2 * HOUR, NEW))
    office.all_told(contact(), now=NOON)
    told = office.turn(T + 2 * HOUR)
    assert [(one.stage, one.stage_since, one.episode) for one in told] == [
        ("SQL", T, 1),
        ("MQL", T + HOUR, 1),
        ("SQL", T + 2 * HOUR, 2),
    ]
    assert len({one.event_id for one in told}) == 3
    assert [one.score_version for one in told] == [2, 3, 4]


def test_the_clock_changes_a_lead_before_the_publication_by_the_ruleset_before() -> None:
    office = Office()
    office.all_told(contact(), now=NOON)
    at = NOON + timedelta(days=130)  # 10 + 40 / 2^4.3 are less than 12
    office.publish((at, NEW))
    by_clock, by_ruleset = office.turn(at)
    assert (by_clock.cause, by_clock.stage, by_clock.ruleset.document) == ("clock", "raw", version_of(OLD))
    assert (by_ruleset.cause, by_ruleset.previous_stage, by_ruleset.stage) == ("ruleset", "raw", "SQL")


def test_the_same_text_again_says_nothing() -> None:
    office = Office((T, OLD))
    office.all_told(contact(), now=NOON)
    assert office.turn() == []
    assert office.leads["ld_jo"].state.ruled == 0


def test_leads_of_which_nothing_is_told_are_brought_along_in_silence() -> None:
    office = Office((T, NEW))
    office.all_told(outcome("won"), now=NOON, type_="lead.command")
    office.all_told(contact(), now=NOON + HOUR)
    office.all_told(
        {"event_id": "5b0f7b0a-8f0e-4c86-9d0a-1f6f1d6d2c11", "survivor": "ld_else", "absorbed": "ld_jo"},
        now=NOON + HOUR,
        type_="lead.merged",
    )
    assert office.turn() == []
    assert office.leads["ld_jo"].state.ruled == 0


def test_held_handovers_leave_a_lead_below_sql_until_it_does_something() -> None:
    office = Office((T, NEW), handover=False)
    office.all_told(contact(), now=NOON)
    (one,) = office.turn()
    assert (one.score.total, one.stage, one.episode) == (80, "MQL", 0)
    told = office.all_told(contact(2, kind="page", at=T + HOUR), now=T + HOUR)
    assert [(one.stage, one.episode) for one in told] == [("SQL", 1)]


def test_who_is_in_sql_already_stays_there_though_handovers_are_held() -> None:
    office = Office((T, NEW), handover=False)
    for number, hours in ((1, 0), (2, 0), (3, 0)):
        office.all_told(contact(number, at=NOON - hours * HOUR), now=NOON)
    (one,) = office.turn()
    assert (one.previous_stage, one.stage, one.episode) == ("SQL", "SQL", 1)


def test_handovers_at_a_rate_come_in_spread_over_the_time_that_all_of_them_take() -> None:
    office = Office((T, NEW), rate_per_hour=50, expected=200)
    ids = [f"ld_{number}" for number in range(200)]
    for lead_id in ids:
        office.all_told({**contact(), "lead_id": lead_id}, now=NOON)
    entered: list[datetime] = []
    for lead_id in ids:
        (first,) = office.turn(lead_id=lead_id)
        assert (first.stage, first.score.total) == ("MQL", 80)
        at = office.leads[lead_id].state.review_at
        assert at is not None
        (then,) = office.turn_of_clock(lead_id, at)
        assert (then.cause, then.stage, then.stage_since, then.episode) == ("clock", "SQL", at, 1)
        assert office.leads[lead_id].state.enters_at is None
        entered.append(at)
    hours = [sum(T + n * HOUR < at <= T + (n + 1) * HOUR for at in entered) for n in range(4)]
    assert sum(hours) == 200
    assert all(35 <= count <= 65 for count in hours)


def test_a_waiting_lead_that_does_something_is_handed_over_at_once_and_only_once() -> None:
    office = Office((T, NEW), rate_per_hour=1, expected=1000)
    office.all_told(contact(), now=NOON)
    office.turn()
    waits_until = office.leads["ld_jo"].state.enters_at
    assert waits_until is not None
    assert waits_until > T + HOUR
    (one,) = office.all_told(contact(2, kind="page", at=T + HOUR), now=T + HOUR)
    assert (one.stage, one.episode) == ("SQL", 1)
    assert office.turn_of_clock("ld_jo", waits_until) == []


def test_a_waiting_lead_is_let_in_by_the_next_publication_that_holds_nobody_back() -> None:
    office = Office((T, NEW), rate_per_hour=1, expected=1000)
    office.all_told(contact(), now=NOON)
    office.turn()
    held = {"rate_per_hour": 1, "expected": 1000}
    again = NEW.replace("points: 2}", "points: 3}")
    found = [
        Publication(3, 0, T, version_of(NEW), held),
        Publication(3, 5, T + HOUR, version_of(again)),
    ]
    office.rulesets.take_in(3, found, {version_of(again): again})
    (one,) = office.turn(T + HOUR)
    assert (one.stage, one.episode, office.leads["ld_jo"].state.enters_at) == ("SQL", 1, None)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, []),
        ({"handover": False}, []),
        ({"rate_per_hour": 10, "expected": 0}, []),
        ({"rate": 10}, ["/options/rate"]),
        ({"handover": 1}, ["/options/handover"]),
        ({"rate_per_hour": 0, "expected": True}, ["/options/rate_per_hour", "/options/expected"]),
        ({"rate_per_hour": 10}, ["/options"]),
        ({"rate_per_hour": 10, "expected": 1, "handover": False}, ["/options"]),
    ],
)
def test_options_that_cannot_be_meant_are_named_all_at_once(options: dict[str, Any], wrong: list[str]) -> None:
    assert [one.pointer for one in wrong_options(options)] == wrong
