"""The checker of outages finds each planted fault, and nothing in a clean run."""

from __future__ import annotations

import pytest

from tests.chaos.history import Attempt, Ledger, Record, Sent, Span
from tests.chaos.kept import kept, too_few


def a_run() -> tuple[Ledger, list[Record]]:
    """Two people, three events each; Kafka away from 20 to 80, Postgres too from 40 to 60."""
    ledger = Ledger()
    records = []
    for part, who in enumerate(("anna", "ben")):
        for number in range(3):
            ledger.events[f"{who}{number}"] = Sent(f"{who}{number}", "step", True, who)
            records.append(Record(topic="leads.captured.v1", part=part, offset=number, event_id=f"{who}{number}"))
    ledger.events["nobody heard"] = Sent("nobody heard", "step", False, "ben")
    ledger.attempts = [Attempt(float(at), "503" if 40 < at < 60 else "200", not 40 < at < 60) for at in range(200)]
    ledger.spans = [Span("away kafka", 20, 80), Span("away postgres", 40, 60)]
    return ledger, records


def breaches(ledger: Ledger, records: list[Record]) -> list[str]:
    return [breach for finding in kept(ledger, records) for breach in finding.breaches]


def at(offset: int, event_id: str, part: int = 0) -> Record:
    return Record(topic="leads.captured.v1", part=part, offset=offset, event_id=event_id)


def test_a_clean_run_has_no_breach_and_repeats_are_none() -> None:
    ledger, records = a_run()
    assert breaches(ledger, [*records, at(9, "anna0"), at(9, "nobody heard", 1)]) == []


def test_what_was_accepted_and_is_not_there_is_found() -> None:
    ledger, records = a_run()
    assert breaches(ledger, records[1:]) == ["anna0 of anna"]


def test_an_id_that_nobody_sent_is_found() -> None:
    ledger, records = a_run()
    assert breaches(ledger, [*records, at(9, "stranger")]) == ["stranger at (0, 9)"]


@pytest.mark.parametrize("place", [at(9, "anna0"), at(0, "anna0", 1)])
def test_an_event_that_was_passed_is_found(place: Record) -> None:
    ledger, records = a_run()
    assert [one.partition(" is at")[0] for one in breaches(ledger, [place, *records[1:]])][:1] == ["anna1 of anna"]


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (Attempt(50.0, "500", False), "1 times 500 while both were away"),
        (Attempt(50.0, "503", False, False), "1 times 503 without Retry-After while both were away"),
        (Attempt(50.0, "ReadTimeout", False), "1 times ReadTimeout while both were away"),
    ],
)
def test_any_other_no_is_found_while_both_are_away(attempt: Attempt, says: str) -> None:
    ledger, records = a_run()
    ledger.attempts.append(attempt)
    assert breaches(ledger, records) == [says]


def test_a_no_while_only_kafka_is_away_is_found() -> None:
    ledger, records = a_run()
    ledger.attempts += [Attempt(25.0, "503", False)] * 5
    assert breaches(ledger, records) == ["169 of 174 (97.13%); the others: {'503': 5}"]


def test_a_load_that_was_lighter_than_asked_shows_nothing_of_that_load() -> None:
    ledger, _ = a_run()
    ledger.spans.append(Span("away kafka", 100, 180))
    assert too_few(ledger, 1.0) == []
    assert too_few(ledger, 1.2) == ["load: 1 posts a second while Kafka was away, 1.2 were asked for"]
