"""What a backtest counts over many leads: the same whoever counts which of them, and what its figures mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.score.domain.backtest.lead import Pair, Row
from services.score.domain.backtest.report import report
from services.score.domain.backtest.summary import MOVED, Summary, summary
from services.score.domain.known import Decided, Known, Profiled, Reported
from tests.unit.score.builders import BUSINESS, NOON, READY, RULESET, an_activity, ruleset

BEFORE = ruleset()
AFTER = ruleset(
    RULESET.replace("points: 60", "points: 45")
    .replace("id: careers", "id: jobs")
    .replace("page.path: '/careers*'", "page.path: '/jobs*'")
)
PAIR = Pair(BEFORE, AFTER)
DEMO: dict[str, Any] = {"name": "demo"}
CONTACT: dict[str, Any] = {"name": "contact"}
CAREERS: dict[str, Any] = {"kind": "page", "name": "page", "path": "/careers"}


def a_lead(number: int, *activities: dict[str, Any], profile: Any = BUSINESS, said: str = "", **decided: Any) -> Row:
    """A lead that did these things, a day apart, the last one a day ago; what sales said, it said an hour ago."""
    acts = [
        an_activity(10 * number + step, at=NOON - timedelta(days=len(activities) - step), **fields)
        for step, fields in enumerate(activities)
    ]
    hour_ago = NOON - timedelta(hours=1)
    reported = (Reported("0", 0, said, hour_ago, hour_ago, 1),) if said else ()
    known = Known(
        lead_id=f"ld_{number:03}",
        part=0,
        at=NOON,
        activities=tuple(map(msgspec.json.encode, acts)),
        profiled=Profiled(0, 1, msgspec.json.encode(profile)),
        decided=Decided(**decided),
        reported=reported,
    )
    return PAIR.row(known)


def counted(*rows: Row) -> Summary:
    found = summary(BEFORE.ruleset, AFTER.ruleset)
    for row in rows:
        found.add(row)
    return found


def told(*rows: Row) -> dict[str, Any]:
    return report(counted(*rows), BEFORE.ruleset, AFTER.ruleset)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([DEMO, CONTACT, CAREERS])), max_size=12), st.integers(0, 12)
)
def test_what_several_workers_count_comes_to_what_one_counts(leads: list[tuple[int, dict[str, Any]]], cut: int) -> None:
    rows = [a_lead(number, *[kind] * times) for number, (times, kind) in enumerate(leads)]
    together = counted(*rows[:cut])
    together.merge(msgspec.json.decode(msgspec.json.encode(counted(*rows[cut:])), type=Summary))
    assert report(together, BEFORE.ruleset, AFTER.ruleset) == told(*rows)


def test_the_most_moved_are_told_with_the_rules_that_moved_them() -> None:
    rows = [a_lead(number, *[CONTACT] * (1 + number % 2)) for number in range(80)]
    moved = told(*rows)["moved"]
    assert len(moved) == MOVED
    assert [one["lead_id"] for one in moved[:2]] == ["ld_001", "ld_003"]
    assert moved[0] == {
        "lead_id": "ld_001",
        "before": {"total": 145.0, "stage": "SQL"},
        "after": {"total": 115.0, "stage": "SQL"},
        "rules": [{"rule": "contact", "before": 120.0, "after": 90.0}],
    }


def test_a_rule_that_nobody_falls_under_is_told_and_one_that_counted_once_is_not() -> None:
    found = told(a_lead(1, CAREERS, CONTACT), a_lead(2, DEMO))
    assert "careers" not in found["never"]["before"]
    assert "jobs" in found["never"]["after"]
    assert {"contact", "demo", "business"}.isdisjoint(found["never"]["after"])


def test_precision_recall_and_lift_are_of_those_who_ever_became_ready_for_sales_against_what_sales_said() -> None:
    found = told(
        a_lead(1, CONTACT, CONTACT, said="won", profile=READY),
        a_lead(2, DEMO, profile=READY, said="rejected"),
        a_lead(3, CONTACT, profile=READY, said="accepted"),  # 97.5 and 82.5 points: never ready
        a_lead(4, CAREERS, profile=READY),
    )
    won, accepted = found["outcomes"]["won"], found["outcomes"]["accepted"]
    assert (won["leads"], accepted["leads"], found["outcomes"]["judged"]) == (1, 2, 3)
    assert won["before"] == {"sql": 2, "judged": 2, "right": 1, "precision": 0.5, "recall": 1.0, "lift": 2.0}
    assert accepted["after"] == {"sql": 2, "judged": 2, "right": 1, "precision": 0.5, "recall": 0.5, "lift": 1.0}


def test_what_a_lead_did_after_sales_had_taken_it_does_not_speak_for_the_rules() -> None:
    late = a_lead(1, DEMO, profile=READY, said="accepted")
    assert late.before.reached
    early = a_lead(1, CAREERS, DEMO, profile=READY)
    taken = NOON - timedelta(days=1, hours=12)
    known = Known(
        lead_id="ld_1",
        part=0,
        at=NOON,
        activities=(msgspec.json.encode(an_activity(1, at=NOON - timedelta(days=1), **DEMO)),),
        profiled=Profiled(0, 1, msgspec.json.encode(READY)),
        decided=Decided(),
        reported=(Reported("0", 0, "accepted", taken, taken, 1),),
    )
    assert early.before.reached
    assert PAIR.row(known).before.stage == "SQL"
    assert told(PAIR.row(known))["outcomes"]["accepted"]["before"]["sql"] == 0


def test_a_lead_within_the_band_of_a_stage_is_where_it_was_and_is_counted_as_resting_on_that() -> None:
    was_in_sql = a_lead(1, CONTACT, profile=READY, stage="SQL", stage_since=NOON - timedelta(days=9))
    came_afresh = a_lead(2, CONTACT, profile=READY)
    assert (was_in_sql.before.stage, was_in_sql.before.afresh) == ("SQL", "MQL")
    assert (came_afresh.before.stage, came_afresh.before.afresh) == ("MQL", "MQL")
    assert told(was_in_sql, came_afresh)["resting_on_earlier_decisions"] == 1


def test_buckets_are_about_a_tenth_of_what_it_takes_to_be_ready_for_sales_and_hold_every_lead() -> None:
    found = told(*(a_lead(number, *[CONTACT] * (number % 3)) for number in range(9)))["buckets"]
    assert found[0] == {"from": 20.0, "below": 30.0, "before": 3, "after": 3}
    assert sum(one["before"] for one in found) == sum(one["after"] for one in found) == 9


def test_of_no_lead_nothing_is_divided() -> None:
    found = told()
    assert (found["leads"], found["buckets"], found["stages"]) == (0, [], [])
    assert found["outcomes"]["won"]["after"]["precision"] is None


def test_a_lead_stays_in_a_stage_until_its_dwell_is_over_and_out_of_one_that_sales_sent_it_back_from() -> None:
    dwelling = ruleset(RULESET.replace("min_fit: 20}", "min_fit: 20, dwell: 24h}"))

    def side(**decided: Any) -> tuple[str, str]:
        known = Known(
            lead_id="ld_1",
            part=0,
            at=NOON,
            activities=(msgspec.json.encode(an_activity(1, at=NOON - timedelta(days=1), **decided.pop("did"))),),
            profiled=Profiled(0, 1, msgspec.json.encode(READY)),
            decided=Decided(**decided),
        )
        found = Pair(dwelling, dwelling).row(known).after
        return found.stage, found.afresh

    assert side(did=CAREERS, stage="SQL", stage_since=NOON - timedelta(hours=23)) == ("SQL", "IQL")
    assert side(did=CAREERS, stage="SQL", stage_since=NOON - timedelta(hours=24)) == ("IQL", "IQL")
    assert side(did=DEMO, stage="MQL", may_enter_sql=False) == ("MQL", "SQL")
