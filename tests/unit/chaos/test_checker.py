"""The checker finds each kind of fault in a history that holds one, and none in a clean one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.topology import CAPTURED, ENRICHED, SCORED
from tests.chaos.checker import Judgement, judge
from tests.chaos.history import (
    Attempt,
    Difference,
    Evidence,
    Ledger,
    Outcome,
    Place,
    ReadinessSample,
    Record,
    Sent,
    Span,
)
from tests.unit.chaos import histories
from tests.unit.chaos.histories import LEADS

Plant = Callable[[Ledger, Evidence], None]
ANNA = LEADS[0]


def judged(plant: Plant = lambda ledger, evidence: None) -> Judgement:
    ledger, evidence = histories.ledger(), histories.evidence()
    plant(ledger, evidence)
    return judge(ledger, evidence)


def failed(judgement: Judgement) -> set[str]:
    return {f"{finding.promise} {finding.says}" for finding in judgement.findings if not finding.holds}


def without(evidence: Evidence, topic: str, **wanted: object) -> None:
    kept = [
        record
        for record in evidence.records
        if record.topic != topic or any(getattr(record, name) != value for name, value in wanted.items())
    ]
    assert len(kept) == len(evidence.records) - 1
    evidence.records = kept


def test_a_clean_history_has_no_fault() -> None:
    judgement = judged()
    assert failed(judgement) == set()
    assert judgement.holds
    assert (judgement.acked, judgement.lost, judgement.recovered) == (len(LEADS) * histories.EVENTS, 0, 0)
    assert (judgement.unexpected, judgement.duplicated) == (0, 0)


def test_what_ends_though_no_answer_ever_came_is_recovered_and_no_fault() -> None:
    def plant(ledger: Ledger, _: Evidence) -> None:
        ledger.events[f"{ANNA} 0"].accepted = False

    judgement = judged(plant)
    assert judgement.holds
    assert judgement.recovered == 1


def lost_event(_: Ledger, evidence: Evidence) -> None:
    without(evidence, SCORED.name, activity_id=f"{ANNA} 0")


def lost_at_the_door(ledger: Ledger, _: Evidence) -> None:
    ledger.events["gone"] = Sent("gone", "page", accepted=True)


def doubled_handover(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(replace(histories.handover(ANNA, 0), offset=12))


def handover_under_another_name(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(replace(histories.handover(ANNA, 0), offset=12, handover_id="ho_other", event_id="other"))


def handover_missing(_: Ledger, evidence: Evidence) -> None:
    without(evidence, "leads.handover.v1", lead_id=ANNA, committed=True)


def handover_only_in_an_aborted_transaction(_: Ledger, evidence: Evidence) -> None:
    handover_missing(_, evidence)
    evidence.records.append(replace(histories.handover(ANNA, 0), offset=13, committed=False))


def end_from_nowhere(_: Ledger, evidence: Evidence) -> None:
    made_up = replace(histories.scored("ld_nobody", 0, 0), offset=40)
    evidence.records.append(made_up)


def captured_from_nowhere(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(Record(topic=CAPTURED.name, part=0, offset=40, type="lead.captured", event_id="made up"))


def handover_from_nowhere(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(histories.handover("ld_nobody", 0))


def unexpected_death(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(histories.letter("enrich", Place(CAPTURED.name, 0, 1)))
    evidence.stores.dead.add(Place(CAPTURED.name, 0, 1))


def doubled_score(_: Ledger, evidence: Evidence) -> None:
    again = replace(histories.scored(ANNA, 0, 0), offset=40, event_id="scored again", version=4)
    evidence.records.append(again)


def zombie_write(_: Ledger, evidence: Evidence) -> None:
    other = replace(histories.scored(ANNA, 0, 2), offset=40, event_id="a zombie's", cause="outcome")
    evidence.records.append(other)


def two_contents(_: Ledger, evidence: Evidence) -> None:
    evidence.records.append(replace(histories.scored(ANNA, 0, 2), offset=40, digest=99))


def cursor_back(_: Ledger, evidence: Evidence) -> None:
    evidence.cursor_faults.append("score leads.enriched.v1/0 went back")


def version_missing(ledger: Ledger, evidence: Evidence) -> None:
    without(evidence, SCORED.name, activity_id=f"{ANNA} 1")
    ledger.events[f"{ANNA} 1"].accepted = False  # so that only the gap tells


def other_store(_: Ledger, evidence: Evidence) -> None:
    evidence.differences.append(Difference("score", "lead", "stage", "ld_anna: SQL became MQL"))


def replay_cut_short(_: Ledger, evidence: Evidence) -> None:
    evidence.replayed = False


def grown_by_replay(_: Ledger, evidence: Evidence) -> None:
    evidence.new_after_replay.append(Place("leads.handover.v1", 0, 50))


def outbox_left(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.outbox_rows["score"] = 2


def spool_left(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.spool_rows = 5


def lag_left(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.lag["score leads.enriched.v1/0"] = 3


def garbage_swallowed(_: Ledger, evidence: Evidence) -> None:
    without(evidence, "leads.dead.v1", service="score")
    evidence.stores.dead.clear()


def garbage_not_kept(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.dead.clear()


def memory_grown(_: Ledger, evidence: Evidence) -> None:
    evidence.memory_after = {"score-0": 115.0}


def memory_too_large(_: Ledger, evidence: Evidence) -> None:
    evidence.memory_before, evidence.memory_after = {"score-0": 119.0}, {"score-0": 125.0}


def slow_recovery(_: Ledger, evidence: Evidence) -> None:
    evidence.recovery_seconds = 31.0


def never_ready(_: Ledger, evidence: Evidence) -> None:
    evidence.unready.append("route-0")


def lie(_: Ledger, evidence: Evidence) -> None:
    evidence.readiness.append(ReadinessSample(70.0, "score-0", True))


def outcome_lost(ledger: Ledger, _: Evidence) -> None:
    ledger.outcomes["said"] = Outcome("said", f"ho_{ANNA}_1_1", accepted=True)


def command_pending(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.commands[f"said of {ANNA}"] = "pending"


def refusals(ledger: Ledger, _: Evidence) -> None:
    ledger.attempts += [Attempt(20.0, "503", False)] * 4


def not_in_the_books(_: Ledger, evidence: Evidence) -> None:
    del evidence.stores.booked[f"{ANNA} 0"]


def in_flight_for_ever(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.booked[f"{ANNA} 0"] = 0


def books_that_do_not_add_up(_: Ledger, evidence: Evidence) -> None:
    evidence.stores.unbalanced.append("493203 acme: (1,1,0,0), and its lines (2,1,0,0)")


def drill_failed(ledger: Ledger, _: Evidence) -> None:
    ledger.failed.append("scale: TimeoutError")


@pytest.mark.parametrize(
    ("plant", "promises"),
    [
        (lost_event, {"Q1"}),
        (lost_at_the_door, {"Q1", "O4"}),
        (version_missing, {"Q1"}),
        (outcome_lost, {"Q1", "Q9"}),
        (doubled_handover, {"Q2"}),
        (handover_under_another_name, {"Q2"}),
        (handover_missing, {"Q2"}),
        (handover_only_in_an_aborted_transaction, {"Q2"}),
        (end_from_nowhere, {"Q3"}),
        (captured_from_nowhere, {"Q3"}),
        (handover_from_nowhere, {"Q3"}),
        (other_store, {"Q4"}),
        (replay_cut_short, {"Q4"}),
        (grown_by_replay, {"Q4"}),
        (doubled_score, {"Q5"}),
        (zombie_write, {"Q5"}),
        (two_contents, {"Q5"}),
        (cursor_back, {"Q5"}),
        (unexpected_death, {"Q6"}),
        (garbage_swallowed, {"Q6"}),
        (garbage_not_kept, {"Q6"}),
        (outbox_left, {"Q7"}),
        (spool_left, {"Q7"}),
        (lag_left, {"Q7"}),
        (memory_grown, {"Q7"}),
        (memory_too_large, {"Q7"}),
        (slow_recovery, {"Q7"}),
        (never_ready, {"Q7"}),
        (lie, {"Q7"}),
        (command_pending, {"Q9"}),
        (refusals, {"C5"}),
        (not_in_the_books, {"O4"}),
        (in_flight_for_ever, {"O4"}),
        (books_that_do_not_add_up, {"O4"}),
        (drill_failed, {"drills"}),
    ],
)
def test_one_planted_fault_breaks_its_promise_and_no_other(plant: Plant, promises: set[str]) -> None:
    judgement = judged(plant)
    assert not judgement.holds
    assert {finding.promise for finding in judgement.findings if not finding.holds} - {"Q1"} == promises - {"Q1"}
    assert promises <= {finding.promise for finding in judgement.findings if not finding.holds}


def test_a_handover_twice_is_named() -> None:
    judgement = judged(doubled_handover)
    assert judgement.duplicated == 1
    (finding,) = [finding for finding in judgement.findings if not finding.holds]
    assert ANNA in finding.breaches[0]


def test_a_lost_event_is_counted_and_named() -> None:
    judgement = judged(lost_at_the_door)
    assert judgement.lost == 1
    assert any("gone" in breach for finding in judgement.findings for breach in finding.breaches)


def test_requests_that_failed_in_a_full_outage_are_not_counted() -> None:
    def plant(ledger: Ledger, _: Evidence) -> None:
        ledger.spans.append(Span("away postgres", 60.0, 70.0))
        ledger.attempts += [Attempt(65.0, "503", False)] * 50

    assert judged(plant).holds


def test_an_end_in_a_dead_letter_is_an_end_but_an_unexpected_one() -> None:
    def plant(_: Ledger, evidence: Evidence) -> None:
        without(evidence, SCORED.name, activity_id=f"{ANNA} 0")
        evidence.records.append(histories.letter("score", Place(ENRICHED.name, 0, 0)))
        evidence.records.append(histories.letter("enrich", Place(CAPTURED.name, 0, 0)))
        evidence.stores.dead |= {Place(ENRICHED.name, 0, 0), Place(CAPTURED.name, 0, 0)}

    judgement = judged(plant)
    assert judgement.lost == 0
    assert judgement.unexpected == 2
