"""The way of an activity through the topics, and the demo's books, whatever order the records are read in."""

from __future__ import annotations

import random

import pytest

from services.console.domain.books import Books, percentile
from services.console.domain.journey import ways
from tests.unit.console.builders import captured, dead, dead_record, enriched, event_id, handover, noted, record, scored

# A visitor's page view that joins later, the form that makes the lead, and the handover that the form caused.
STORY = [
    captured(1, at_ms=3),
    noted(1, at_ms=6),
    captured(2, at_ms=103),
    enriched(1, at_ms=110, kind="page"),
    enriched(2, at_ms=110),
    scored(1, at_ms=120, version=1, stage="raw", before="raw"),
    scored(2, at_ms=120, version=2, stage="SQL", before="raw"),
    handover(at_ms=135, created_ms=120),
]


def test_each_step_has_its_moment_and_each_hop_its_length() -> None:
    way = ways(STORY)[1]
    noon = way.at_ms["received"]
    assert [(step, at - noon, took) for step, at, took in way.hops()] == [
        ("received", 0, None),
        ("captured", 103, 103),
        ("enriched", 110, 7),
        ("scored", 120, 10),
        ("handed over", 135, 15),
    ]
    assert way.took_ms() == 135


def test_a_handover_belongs_to_the_activity_that_moved_the_lead_though_others_were_scored_at_the_same_moment() -> None:
    assert [way.handover_id for way in ways(STORY)] == [None, "ho_ld_abc_1_1"]


def test_a_revision_or_a_repeat_does_not_make_an_activity_later() -> None:
    again = [*STORY, enriched(2, at_ms=900, revision=1), scored(2, at_ms=910, version=3, stage="SQL", before="SQL")]
    assert ways(again) == ways(STORY)


def test_a_way_without_the_captured_record_begins_with_enriched() -> None:
    assert next(iter(ways(STORY[3:])[0].at_ms)) == "enriched"


def test_what_is_no_event_is_passed_over() -> None:
    assert ways([*STORY, record(STORY[3].topic, b"{", at_ms=500)]) == ways(STORY)


def books(*, seed: int = 0) -> Books:
    found = Books(accepted={event_id(1), event_id(2)})
    records = [*STORY, dead_record(dead())]
    random.Random(seed).shuffle(records)
    for one in records:
        found.add(one)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_books_are_the_same_in_any_order(seed: int) -> None:
    found = books(seed=seed)
    assert found.is_settled()
    assert found.scored() == {event_id(1), event_id(2)}
    assert found.only_noted() == set()
    assert found.stages() == {"ld_abc": "SQL"}
    assert found.handovers() == {"ld_abc": "anna"}
    assert found.handover_records == 1
    assert found.scored_after_ms() == [120]  # the page view waited as a visitor's first
    assert found.handed_after_ms() == [135]
    assert found.dead == {("enrich", "undecodable"): 1}


def test_an_event_without_an_end_is_open_and_the_books_are_not_settled() -> None:
    found = books()
    found.accepted.add(event_id(3))
    assert found.open() == {event_id(3)}
    assert not found.is_settled()


def test_a_lead_in_sql_that_was_not_handed_over_yet_is_waited_for() -> None:
    found = Books(accepted={event_id(2)})
    found.add(scored(2, stage="SQL"))
    assert not found.is_settled()


def test_events_of_others_are_not_in_the_books() -> None:
    found = Books(accepted={event_id(2)})
    found.add(scored(1, stage="SQL"))
    assert found.stages() == {}


def test_percentiles_are_values_that_occur() -> None:
    assert percentile([], 0.5) is None
    assert percentile([5], 0.99) == 5
    assert percentile(list(range(1, 101)), 0.5) == 50
    assert percentile(list(range(1, 101)), 0.99) == 99
